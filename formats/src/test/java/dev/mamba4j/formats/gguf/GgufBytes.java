package dev.mamba4j.formats.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** Puts GGUF files together byte by byte, as the specification lays them out. */
final class GgufBytes {
  static final int UINT32 = 4;
  static final int STRING = 8;
  static final int ARRAY = 9;
  static final int F32 = 0;
  static final int Q8_0 = 8;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** A file up to the key/values. */
  static GgufBytes header(int version, long tensors, long values) {
    return new GgufBytes().ascii("GGUF").u32(version).u64(tensors).u64(values);
  }

  /** A small file with every type of value, two tensors and padding in all places. */
  static GgufBytes sample() {
    return header(3, 2, 17)
        .key("general.architecture", STRING)
        .text("mamba2")
        .key("v.uint8", 0)
        .u8(255)
        .key("v.int8", 1)
        .u8(0x80)
        .key("v.uint16", 2)
        .hex("ffff")
        .key("v.int16", 3)
        .hex("feff")
        .key("v.uint32", UINT32)
        .hex("ffffffff")
        .key("v.int32", 5)
        .hex("00000080")
        .key("v.float32", 6)
        .hex("0000c03f")
        .key("v.bool", 7)
        .u8(1)
        .key("v.uint64", 10)
        .hex("ffffffffffffffff")
        .key("v.int64", 11)
        .hex("0000000000000080")
        .key("v.float64", 12)
        .hex("000000000000f8bf")
        .key("a.strings", ARRAY)
        .u32(STRING)
        .u64(3)
        .text("<|endoftext|>")
        .text("")
        .hex("0200000000000000c4a0")
        .key("a.int32", ARRAY)
        .u32(5)
        .u64(2)
        .hex("03000000ffffffff")
        .key("a.float32", ARRAY)
        .u32(6)
        .u64(1)
        .hex("0000003f")
        .key("a.bool", ARRAY)
        .u32(7)
        .u64(2)
        .hex("0001")
        .key("a.nested", ARRAY)
        .u32(ARRAY)
        .u64(2)
        .u32(0)
        .u64(1)
        .u8(7)
        .u32(STRING)
        .u64(0)
        .tensor("output_norm.weight", F32, 0, 3)
        .tensor("blk.0.ssm_in.weight", Q8_0, 32, 32, 2)
        .pad(32)
        .hex("0000803f00000040000040c0")
        .pad(32)
        .block("0038", 1)
        .block("003c", 2)
        .pad(32);
  }

  /** A Q8_0 block: scale and 32 equal bytes. */
  GgufBytes block(String scale, int value) {
    hex(scale);
    for (int i = 0; i < 32; i++) {
      u8(value);
    }
    return this;
  }

  GgufBytes key(String key, int type) {
    return text(key).u32(type);
  }

  GgufBytes tensor(String name, int type, long offset, long... dimensions) {
    text(name).u32(dimensions.length);
    for (long dimension : dimensions) {
      u64(dimension);
    }
    return u32(type).u64(offset);
  }

  GgufBytes text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    u64(utf8.length);
    out.writeBytes(utf8);
    return this;
  }

  GgufBytes ascii(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    return this;
  }

  GgufBytes u8(int value) {
    out.write(value);
    return this;
  }

  GgufBytes u32(long value) {
    return little(value, 4);
  }

  GgufBytes u64(long value) {
    return little(value, 8);
  }

  private GgufBytes little(long value, int bytes) {
    for (int i = 0; i < bytes; i++) {
      out.write((int) (value >>> (8 * i)));
    }
    return this;
  }

  GgufBytes hex(String digits) {
    out.writeBytes(HexFormat.of().parseHex(digits));
    return this;
  }

  GgufBytes pad(int alignment) {
    while (out.size() % alignment != 0) {
      out.write(0);
    }
    return this;
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  Path in(Path folder) {
    try {
      return Files.write(folder.resolve("model.gguf"), bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
