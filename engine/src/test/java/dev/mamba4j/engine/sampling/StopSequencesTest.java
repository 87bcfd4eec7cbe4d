package dev.mamba4j.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopSequencesTest {
  @Test
  void passesTextOnWhereThereAreNoStopStrings() {
    StopSequences stops = new StopSequences(List.of());
    assertThat(stops.feed("one ")).isEqualTo("one ");
    assertThat(stops.feed("")).isEmpty();
    assertThat(stops.flush()).isEmpty();
    assertThat(stops.stopped()).isFalse();
  }

  @Test
  void holdsBackWhatMayBeTheBeginningOfAStopString() {
    StopSequences stops = new StopSequences(List.of("\n\nUser:"));
    assertThat(stops.feed("Hello.\n")).isEqualTo("Hello.");
    assertThat(stops.feed("World\n\nUs")).isEqualTo("\nWorld");
    assertThat(stops.feed("ual")).isEqualTo("\n\nUsual");
    assertThat(stops.feed("!\n")).isEqualTo("!");
    assertThat(stops.flush()).isEqualTo("\n");
    assertThat(stops.stopped()).isFalse();
  }

  @Test
  void cutsBeforeAStopStringThatSpansManyPieces() {
    StopSequences stops = new StopSequences(List.of("</end>"));
    assertThat(stops.feed("text<")).isEqualTo("text");
    for (String piece : List.of("/", "e", "n", "d")) {
      assertThat(stops.feed(piece)).isEmpty();
      assertThat(stops.stopped()).isFalse();
    }
    assertThat(stops.feed("> more")).isEmpty();
    assertThat(stops.stopped()).isTrue();
    assertThat(stops.feed("and more")).isEmpty();
    assertThat(stops.flush()).isEmpty();
  }

  @Test
  void findsAStopStringThatOverlapsItself() {
    StopSequences stops = new StopSequences(List.of("aab"));
    assertThat(stops.feed("a")).isEmpty();
    assertThat(stops.feed("a")).isEmpty();
    assertThat(stops.feed("a")).isEqualTo("a");
    assertThat(stops.feed("b")).isEmpty();
    assertThat(stops.stopped()).isTrue();
  }

  @Test
  void waitsForAnEarlierStopStringToBeDecided() {
    StopSequences longer = new StopSequences(List.of("bc", "abcd"));
    assertThat(longer.feed("xabc")).isEqualTo("x");
    assertThat(longer.stopped()).isFalse();
    assertThat(longer.feed("d")).isEmpty();
    assertThat(longer.stopped()).isTrue();

    StopSequences shorter = new StopSequences(List.of("bc", "abcd"));
    assertThat(shorter.feed("xabc")).isEqualTo("x");
    assertThat(shorter.feed("e")).isEqualTo("a");
    assertThat(shorter.stopped()).isTrue();

    StopSequences ended = new StopSequences(List.of("bc", "abcd"));
    assertThat(ended.feed("xabc")).isEqualTo("x");
    assertThat(ended.flush()).isEqualTo("a");
    assertThat(ended.stopped()).isTrue();
  }

  @Test
  void rejectsAnEmptyStopString() {
    assertThatThrownBy(() -> new StopSequences(List.of("a", "")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a stop text must not be empty");
  }

  @Test
  void cutsWhereIndexOfFindsAndHoldsNoMoreThanItMust() {
    Random random = new Random(1);
    int found = 0;
    for (int round = 0; round < 20_000; round++) {
      String text = randomText(random, random.nextInt(30));
      List<String> strings = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        strings.add(randomText(random, 1 + random.nextInt(6)));
      }
      int cut = text.length();
      for (String stop : strings) {
        int at = text.indexOf(stop);
        cut = at < 0 ? cut : Math.min(cut, at);
      }
      StopSequences stops = new StopSequences(strings);
      StringBuilder shown = new StringBuilder();
      int fed = 0;
      while (fed < text.length()) {
        int next = fed + 1 + random.nextInt(Math.min(5, text.length() - fed));
        shown.append(stops.feed(text.substring(fed, next)));
        fed = next;
        String before = text.substring(0, fed);
        int at = undecided(before, strings);
        assertThat(shown.length()).isEqualTo(at);
        assertThat(stops.stopped())
            .isEqualTo(strings.stream().anyMatch(stop -> before.startsWith(stop, at)));
      }
      shown.append(stops.flush());
      assertThat(shown.toString())
          .as("text %s, stops %s", text, strings)
          .isEqualTo(text.substring(0, cut));
      assertThat(stops.stopped()).isEqualTo(cut < text.length());
      found += stops.stopped() ? 1 : 0;
    }
    assertThat(found).isBetween(5_000, 18_000);
  }

  /** The first place in {@code text} at which a stop string is or may yet be. */
  private static int undecided(String text, List<String> stops) {
    for (int at = 0; at < text.length(); at++) {
      String rest = text.substring(at);
      if (stops.stream().anyMatch(stop -> stop.startsWith(rest) || rest.startsWith(stop))) {
        return at;
      }
    }
    return text.length();
  }

  private static String randomText(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(2)));
    }
    return text.toString();
  }
}
