package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.FormatException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextOutputTest {
  @Test
  void errorsBecomeALine() {
    assertThat(ErrorMessages.of(new NoSuchFileException("a.gguf")))
        .isEqualTo("a.gguf: no such file");
    assertThat(ErrorMessages.of(new NoSuchFileException("a", null, "no such file")))
        .isEqualTo("a: no such file");
    assertThat(ErrorMessages.of(new NoSuchFileException("a", null, "look elsewhere")))
        .isEqualTo("a: no such file; look elsewhere");
    assertThat(ErrorMessages.of(new AccessDeniedException("a.gguf")))
        .isEqualTo("a.gguf: permission denied");
    assertThat(ErrorMessages.of(new FileSystemException("a", null, "Is a directory")))
        .isEqualTo("a: Is a directory");
    assertThat(ErrorMessages.of(new UncheckedIOException(new FormatException("broken"))))
        .isEqualTo("broken");
    assertThat(ErrorMessages.of(new OutOfMemoryError("Java heap space")))
        .startsWith("not enough memory (Java heap space)");
    assertThat(ErrorMessages.of(new IllegalStateException("oops")))
        .contains("unexpected error, please report it", "oops", "--debug");
  }

  @Test
  void errorsCannotMoveTheCursor() {
    assertThat(ErrorMessages.of(new FormatException("a\nb\033[2J\u202ec\u2028")))
        .isEqualTo("a b\\u001b[2J\\u202ec\\u2028");
  }

  @ParameterizedTest
  @CsvSource({
    "0.4217, 0.42 s",
    "12.34, 12.3 s",
    "59.4, 59.4 s",
    "59.6, 1 min 0 s",
    "125, 2 min 5 s",
    "7380, 2 h 3 min"
  })
  void timesHaveUnits(double seconds, String expected) {
    assertThat(Figures.seconds(seconds)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"0, 0.00", "8.656, 8.66", "10.05, 10.1", "12.34, 12.3", "1234.5, 1235"})
  void numbersHaveThreeDigits(double value, String expected) {
    assertThat(Figures.number(value)).isEqualTo(expected);
  }

  @Test
  void progressIsShownOnATerminalOnlyAndGoesAway() throws InterruptedException {
    assertThat(progress(List.of())).isEmpty();
    String shown = progress(List.of("err"));
    assertThat(shown).contains("[##########          ]  50 %", "tokens/s", "left", "work");
    assertThat(shown).endsWith("\r\033[K");
  }

  private static String progress(List<String> terminals) throws InterruptedException {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Console console =
        new Console(
            new ByteArrayInputStream(new byte[0]), new ByteArrayOutputStream(), err, terminals);
    try (ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate, "tokens"))) {
      bar.update("work", 0, 100);
      Thread.sleep(400);
      bar.update("work", 50, 100);
    }
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aReaderThatIsGoneIsToldFromAFullDisk() {
    assertThat(new OutputException(new IOException("Broken pipe")).readerIsGone()).isTrue();
    assertThat(new OutputException(new IOException("No space left on device")).readerIsGone())
        .isFalse();
  }
}
