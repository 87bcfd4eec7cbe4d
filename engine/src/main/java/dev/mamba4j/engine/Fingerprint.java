package dev.mamba4j.engine;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** What tells the weights of two files apart without reading them whole. */
final class Fingerprint {
  /** Of each tensor, this many bytes at its beginning, middle and end. */
  private static final int SAMPLE = 4096;

  private Fingerprint() {}

  /** SHA-256 over the tensors of a file and its limits of activations, in hexadecimal. */
  static String of(GgufFile file, Clipping clipping) {
    MessageDigest digest = sha256();
    for (GgufTensor tensor : file.tensors()) {
      digest.update(tensor.info().toString().getBytes(StandardCharsets.UTF_8));
      long size = tensor.data().byteSize();
      long length = Math.min(SAMPLE, size);
      for (long at : new long[] {0, (size - length) / 2, size - length}) {
        MemorySegment sample = tensor.data().asSlice(at, length);
        digest.update(sample.asByteBuffer());
      }
    }
    if (!clipping.isNone()) {
      digest.update(clipping.toString().getBytes(StandardCharsets.UTF_8));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
