package dev.mamba4j.engine.sampling;

import java.util.List;

/**
 * Cuts a stream of text before the first stop string in it. Text that may turn out to be the
 * beginning of a stop string is held back until that is known, so the result does not depend on how
 * the text is split into pieces.
 *
 * <p>The first stop string is the one that starts first. With "abcd" and "bc", "abc" is therefore
 * held until the next character tells whether the cut is before "a" or before "b".
 */
public final class StopSequences {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /**
   * A matcher at the start of a text.
   *
   * @param stops none for text that is passed on as it comes
   * @throws IllegalArgumentException if one is empty
   */
  public StopSequences(List<String> stops) {
    this.stops = List.copyOf(stops);
    if (this.stops.contains("")) {
      throw new IllegalArgumentException("a stop text must not be empty");
    }
  }

  /**
   * Takes the next piece of text.
   *
   * @return what may be shown now; nothing after a stop string was found
   */
  public String feed(String piece) {
    if (stopped) {
      return "";
    }
    held.append(piece);
    int at = 0;
    while (at < held.length() && !mayStopAt(at)) {
      at++;
    }
    String safe = held.substring(0, at);
    held.delete(0, at);
    if (stopsAt(0)) {
      stopped = true;
      held.setLength(0);
    }
    return safe;
  }

  /** Ends the text: what is held back and may be shown after all. */
  public String flush() {
    int at = 0;
    while (at < held.length() && !stopsAt(at)) {
      at++;
    }
    String rest = held.substring(0, at);
    stopped |= at < held.length();
    held.setLength(0);
    return rest;
  }

  /** Whether a stop string was found; nothing more will be shown. */
  public boolean stopped() {
    return stopped;
  }

  /** Whether a stop string is at {@code at}, or the text ends before that is decided. */
  private boolean mayStopAt(int at) {
    for (String stop : stops) {
      if (matches(at, stop, Math.min(stop.length(), held.length() - at))) {
        return true;
      }
    }
    return false;
  }

  private boolean stopsAt(int at) {
    for (String stop : stops) {
      if (stop.length() <= held.length() - at && matches(at, stop, stop.length())) {
        return true;
      }
    }
    return false;
  }

  private boolean matches(int at, String stop, int length) {
    for (int i = 0; i < length; i++) {
      if (held.charAt(at + i) != stop.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
