package dev.mamba4j.compress.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * What the Hub says of a file's content.
 *
 * @param kind how it is computed
 * @param hex the value, lower case
 */
public record Checksum(Kind kind, String hex) {
  /** The two kinds that a listing holds. */
  public enum Kind {
    /** Of the bytes: large files, kept in Git LFS or Xet. */
    SHA256("SHA-256", 64),
    /** Of {@code "blob SIZE\0"} and the bytes, as Git names a file: all others. */
    GIT_BLOB_SHA1("SHA-1", 40);

    private final String algorithm;
    private final int digits;

    Kind(String algorithm, int digits) {
      this.algorithm = algorithm;
      this.digits = digits;
    }
  }

  /** Checks that the value has as many hexadecimal digits as its kind demands. */
  public Checksum {
    hex = hex.toLowerCase(Locale.ROOT);
    if (hex.length() != kind.digits || !hex.chars().allMatch(HexFormat::isHexDigit)) {
      throw new IllegalArgumentException("not a " + kind.algorithm + ": " + hex);
    }
  }

  /** A computation to be fed with all the bytes of a file. */
  MessageDigest digest(long size) {
    try {
      MessageDigest digest = MessageDigest.getInstance(kind.algorithm);
      if (kind == Kind.GIT_BLOB_SHA1) {
        digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
      }
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has " + kind.algorithm, e);
    }
  }

  /** Whether the bytes that were fed are the right ones; ends the computation. */
  boolean matches(MessageDigest fed) {
    return HexFormat.of().formatHex(fed.digest()).equals(hex);
  }
}
