package dev.mamba4j.compress.hub;

import java.util.Locale;

/** Numbers of bytes as people read them. */
public final class ByteCount {
  private static final String[] UNITS = {"kB", "MB", "GB", "TB", "PB", "EB"};

  private ByteCount() {}

  /** For instance {@code 812 bytes} or {@code 5.4 GB}, in powers of 1000. */
  public static String text(long bytes) {
    if (bytes < 1000) {
      return bytes + " bytes";
    }
    double count = bytes / 1000.0;
    int unit = 0;
    while (count >= 999.95) {
      count /= 1000;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", count, UNITS[unit]);
  }
}
