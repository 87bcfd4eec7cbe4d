package dev.mamba4j.compress.calibration;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A short name for a model and a text, by which work that was cut short finds that it is the same
 * when it is started again.
 */
public final class Origin {
  /** Of each tensor, so that naming a large model costs nothing. */
  private static final int SAMPLE_BYTES = 4096;

  private Origin() {}

  /** The same for the same weights and the same windows, though not for how many. */
  public static String of(GgufFile model, CalibrationText text) {
    MessageDigest digest = sha256();
    for (GgufTensor tensor : model.tensors()) {
      digest.update(tensor.info().toString().getBytes(StandardCharsets.UTF_8));
      MemorySegment data = tensor.data();
      long size = Math.min(SAMPLE_BYTES, data.byteSize());
      digest.update(data.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE));
    }
    ByteBuffer numbers = ByteBuffer.allocate(4 * (text.tokens().length + 1));
    numbers.putInt(text.window());
    for (int token : text.tokens()) {
      numbers.putInt(token);
    }
    return HexFormat.of().formatHex(digest.digest(numbers.array()), 0, 16);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}
