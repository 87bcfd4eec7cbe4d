package dev.mamba4j.formats.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** Tells what a file that is not GGUF looks like, and what its owner can do about it. */
final class OtherFile {
  private static final int HEAD_BYTES = 64;
  private static final String CONVERT = "; convert its folder: mamba4j convert FOLDER -o FILE.gguf";

  private OtherFile() {}

  static String describe(MemorySegment file) {
    long size = file.byteSize();
    byte[] bytes = file.asSlice(0, Math.min(HEAD_BYTES, size)).toArray(ValueLayout.JAVA_BYTE);
    String head = new String(bytes, StandardCharsets.ISO_8859_1);
    String text = head.stripLeading();
    if (size == 0) {
      return "an empty file; fetch or write it again";
    } else if (head.startsWith("PK\u0003\u0004")) {
      return "a zip archive, perhaps a PyTorch checkpoint" + CONVERT;
    } else if (head.startsWith("\u0080\u0002") || head.startsWith("\u0080\u0004")) {
      return "a Python pickle, perhaps an old PyTorch checkpoint" + CONVERT;
    } else if (isSafetensors(file)) {
      return "a safetensors checkpoint" + CONVERT;
    } else if (head.startsWith("version https://git-lfs")) {
      return "a Git LFS pointer in place of the file; run: git lfs pull";
    } else if (text.startsWith("<")) {
      return "a web page; the download went wrong, fetch the file again";
    } else if (text.startsWith("{") || text.startsWith("[")) {
      return "JSON text; give the model file itself";
    } else if (head.startsWith("lmgg") || head.startsWith("tjgg") || head.startsWith("fmgg")) {
      return "a ggml file from before GGUF; convert the original checkpoint again";
    } else if (head.startsWith("\u001f\u008b")) {
      return "a gzip archive; unpack it first";
    }
    byte[] first =
        head.substring(0, Math.min(8, bytes.length)).getBytes(StandardCharsets.ISO_8859_1);
    return "an unknown format (bytes " + HexFormat.ofDelimiter(" ").formatHex(first) + ")";
  }

  /** The length of a JSON object that the file has room for, then that object. */
  private static boolean isSafetensors(MemorySegment file) {
    ValueLayout.OfLong length = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    if (file.byteSize() < 10) {
      return false;
    }
    long header = file.get(length, 0);
    return header > 0 && header <= file.byteSize() - 8 && file.get(ValueLayout.JAVA_BYTE, 8) == '{';
  }
}
