package dev.mamba4j.formats.gguf;

import static dev.mamba4j.formats.gguf.GgufBytes.ARRAY;
import static dev.mamba4j.formats.gguf.GgufBytes.F32;
import static dev.mamba4j.formats.gguf.GgufBytes.Q8_0;
import static dev.mamba4j.formats.gguf.GgufBytes.STRING;
import static dev.mamba4j.formats.gguf.GgufBytes.UINT32;
import static dev.mamba4j.formats.gguf.GgufBytes.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GgufFileTest {
  @TempDir Path folder;

  @Test
  void readsEveryTypeOfValue() throws IOException {
    try (GgufFile file = GgufFile.open(GgufBytes.sample().in(folder))) {
      GgufMetadata metadata = file.metadata();
      assertThat(metadata.string("general.architecture")).isEqualTo("mamba2");
      assertThat(metadata.integer("v.uint8")).isEqualTo(255);
      assertThat(metadata.integer("v.int8")).isEqualTo(-128);
      assertThat(metadata.integer("v.uint16")).isEqualTo(65_535);
      assertThat(metadata.integer("v.int16")).isEqualTo(-2);
      assertThat(metadata.integer("v.uint32")).isEqualTo(4_294_967_295L);
      assertThat(metadata.integer("v.int32")).isEqualTo(Integer.MIN_VALUE);
      assertThat(metadata.integer("v.int64")).isEqualTo(Long.MIN_VALUE);
      assertThat(metadata.value("v.uint64").orElseThrow()).hasToString("18446744073709551615");
      assertThat(metadata.float32("v.float32")).isEqualTo(1.5f);
      assertThat(metadata.float32("v.float64")).isEqualTo(-1.5f);
      assertThat(metadata.bool("v.bool", false)).isTrue();
      assertThat(metadata.strings("a.strings")).containsExactly("<|endoftext|>", "", "Ġ");
      assertThat(metadata.numbers("a.int32")).isEqualTo(GgufNumbers.of(3, -1));
      assertThat(metadata.numbers("a.float32").float32(0)).isEqualTo(0.5f);
      assertThat(metadata.numbers("a.bool").integer(1)).isEqualTo(1);
      assertThat(metadata.value("a.nested").orElseThrow())
          .isEqualTo(
              new GgufValue.Nested(
                  List.of(
                      new GgufNumbers(GgufValueType.UINT8, new byte[] {7}),
                      GgufStrings.of(List.of()))));
      assertThat(metadata.values().keySet())
          .startsWith("general.architecture", "v.uint8")
          .endsWith("a.bool", "a.nested")
          .hasSize(17);
    }
  }

  @Test
  void givesTensorsInPlace() throws IOException {
    try (GgufFile file = GgufFile.open(GgufBytes.sample().in(folder))) {
      assertThat(file.tensors())
          .extracting(GgufTensor::name)
          .containsExactly("output_norm.weight", "blk.0.ssm_in.weight");
      GgufTensor norm = file.tensor("output_norm.weight").orElseThrow();
      assertThat(norm.type()).isEqualTo(TensorType.F32);
      assertThat(norm.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)).containsExactly(1, 2, -3);
      GgufTensor in = file.tensor("blk.0.ssm_in.weight").orElseThrow();
      assertThat(in.dimensions()).containsExactly(32, 2);
      assertThat(in.columns()).isEqualTo(32);
      assertThat(in.rows()).isEqualTo(2);
      assertThat(in.elements()).isEqualTo(64);
      float[] values = new float[64];
      in.type().decode(in.data(), 0, values, 0, 64);
      assertThat(values[0]).isEqualTo(0.5f); // 0x3800 is 0.5, times 1
      assertThat(values[63]).isEqualTo(2.0f); // 0x3c00 is 1, times 2
      assertThat(in.data().isReadOnly()).isTrue();
      assertThat(in.data().isMapped()).isTrue();
      assertThat(file.tensor("output.weight")).isEmpty();
      assertThat(file.size()).isEqualTo(GgufBytes.sample().bytes().length);
    }
  }

  @Test
  void keepsMetadataButNoDataAfterClosing() throws IOException {
    GgufFile file = GgufFile.open(GgufBytes.sample().in(folder));
    MemorySegment data = file.tensors().getFirst().data();
    file.close();
    file.close();
    assertThat(file.metadata().strings("a.strings")).last().isEqualTo("Ġ");
    assertThatThrownBy(() -> data.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void readsVersion2AndFilesOfNothing() throws IOException {
    byte[] bytes = header(2, 0, 0).bytes();
    try (GgufFile file = GgufFile.open(Files.write(folder.resolve("v2.gguf"), bytes))) {
      assertThat(file.tensors()).isEmpty();
      assertThat(file.metadata().values()).isEmpty();
    }
  }

  @Test
  void countsOffsetsFromTheAlignmentThatTheFileNames() throws IOException {
    GgufBytes bytes =
        header(3, 1, 1)
            .key("general.alignment", UINT32)
            .u32(256)
            .tensor("a", F32, 256, 1)
            .pad(256)
            .hex("00".repeat(256))
            .hex("0000803f");
    try (GgufFile file = GgufFile.open(bytes.in(folder))) {
      assertThat(file.tensors().getFirst().data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
          .containsExactly(1);
    }
  }

  @Test
  void acceptsALastTensorWithoutPadding() throws IOException {
    GgufBytes bytes = header(3, 1, 0).tensor("a", F32, 0, 1).pad(32).hex("0000803f");
    try (GgufFile file = GgufFile.open(bytes.in(folder))) {
      assertThat(file.tensors().getFirst().data().byteSize()).isEqualTo(4);
    }
  }

  @Test
  void decodesStringsThatAreCutWithinACharacter() throws IOException {
    GgufBytes bytes =
        header(3, 0, 1).key("quantize.imatrix.file", STRING).hex("0200000000000000" + "61c4");
    try (GgufFile file = GgufFile.open(bytes.in(folder))) {
      assertThat(file.metadata().string("quantize.imatrix.file")).isEqualTo("a\ufffd");
    }
  }

  @Test
  void namesFileAndKeyOfAValueThatIsMissingOrOdd() throws IOException {
    Path path = GgufBytes.sample().in(folder);
    try (GgufFile file = GgufFile.open(path)) {
      GgufMetadata metadata = file.metadata();
      assertThatThrownBy(() -> metadata.integer("mamba2.block_count"))
          .isInstanceOf(FormatException.class)
          .hasMessage(
              path + ": key \"mamba2.block_count\": expected a whole number, found nothing");
      assertThatThrownBy(() -> metadata.integer("general.architecture"))
          .hasMessageEndingWith("expected a whole number, found the string \"mamba2\"");
      assertThatThrownBy(() -> metadata.string("a.strings"))
          .hasMessageEndingWith("expected a string, found an array of 3 strings");
      assertThatThrownBy(() -> metadata.int32("v.uint32"))
          .hasMessageEndingWith("expected a whole number below 2^31, found the uint32 4294967295");
      assertThatThrownBy(() -> metadata.integer("v.uint64"))
          .hasMessageEndingWith(
              "expected a whole number below 2^63, found the uint64 18446744073709551615");
      assertThatThrownBy(() -> metadata.float32("v.bool"))
          .hasMessageEndingWith("expected a floating-point number, found true");
      assertThat(metadata.integer("absent", 7)).isEqualTo(7);
      assertThat(metadata.float32("absent", 0.5f)).isEqualTo(0.5f);
      assertThat(metadata.bool("absent", true)).isTrue();
      assertThat(metadata.optionalString("absent")).isEmpty();
    }
  }

  static Stream<Arguments> badFiles() {
    return Stream.of(
        arguments(header(1, 0, 0), "version at offset 4: expected 2 or 3, found 1"),
        arguments(header(4, 0, 0), "version at offset 4: expected 2 or 3, found 4"),
        arguments(header(0x03000000, 0, 0), "found 3 in big-endian order"),
        arguments(new GgufBytes().ascii("GGUF").u8(3), "expected 4 more bytes, found 1"),
        arguments(header(3, -1, 0), "found 18446744073709551615"),
        arguments(header(3, 2, 0).tensor("a", F32, 0, 1), "at most 1 tensors in the"),
        arguments(header(3, 0, 1L << 40), "at most 0 key/values in the 0 bytes"),
        arguments(
            header(3, 0, 1).u64(0).u32(UINT32).u32(0), "key at offset 24: expected 1 to 65535"),
        arguments(header(3, 0, 1).key("a b", UINT32).u32(0), "found \"a b\""),
        arguments(header(3, 0, 1).key("a\nb", UINT32).u32(0), "found \"a\\u000ab\""),
        arguments(
            header(3, 0, 2).key("k", UINT32).u32(0).key("k", UINT32).u32(0),
            "key \"k\" at offset 41: expected a key that is not yet there"),
        arguments(header(3, 0, 1).key("k", 13).u64(0), "expected a value type from 0 to 12"),
        arguments(header(3, 0, 1).key("k", 7).u8(2), "expected 0 or 1 for a bool, found 2"),
        arguments(header(3, 0, 1).key("k", STRING).u64(Long.MIN_VALUE), "9223372036854775808"),
        arguments(
            header(3, 0, 1).key("k", STRING).u64(3).ascii("ab"),
            "at most 2 bytes of a string in the 2 bytes that follow, found 3; the file is cut"),
        arguments(
            header(3, 0, 1).key("k", ARRAY).u32(UINT32).u64(1L << 62).u32(0), "at most 1 elements"),
        arguments(
            header(3, 0, 1).key("k", ARRAY).u32(STRING).u64(2).text("ab"), "at most 1 strings"),
        arguments(nested(9), "expected arrays at most 8 deep"),
        arguments(
            header(3, 0, 1).key("general.alignment", UINT32).u32(48), "power of two from 8 to"),
        arguments(header(3, 0, 1).key("general.alignment", UINT32).u32(0), "found the uint32 0"),
        arguments(header(3, 0, 1).key("general.alignment", STRING).text("32"), "the string \"32\""),
        arguments(tensor("a", F32, 0), "tensor \"a\" at offset 33: expected 1 to 4 dimensions"),
        arguments(tensor("a", F32, 0, 1, 1, 1, 1, 1), "expected 1 to 4 dimensions, found 5"),
        arguments(tensor("a", F32, 0, 0), "dimensions of 1 or more"),
        arguments(tensor("a", F32, 0, 4, -1), "dimensions of 1 or more"),
        arguments(tensor("a", F32, 0, 1L << 40, 1L << 40), "expected a size below 2^63"),
        arguments(tensor("a", F32, 0, 1L << 62), "expected a size below 2^63"),
        arguments(tensor("a", Q8_0, 0, 48), "whole Q8_0 blocks of 32 values"),
        arguments(tensor("a", 4, 0, 32), "tensor \"a\" at offset 45: expected the number of a"),
        arguments(tensor("a", -1, 0, 32), "found 4294967295; the file is damaged or newer"),
        arguments(tensor("a", F32, 16, 4), "data offset that is a multiple of 32, found 16"),
        arguments(tensor("a", F32, -32, 4), "found 18446744073709551584"),
        arguments(tensor("a", F32, 0, 65), "expected 260 bytes of data, found the end"),
        arguments(tensor("a", F32, 256, 4), "tensor \"a\" at offset 320: expected 16 bytes"),
        arguments(tensor("a", F32, Long.MAX_VALUE - 31, 4), "found the end of the file at 320"),
        arguments(tensor("x".repeat(64), F32, 0, 4), "at most 63 characters"),
        arguments(
            header(3, 2, 0).tensor("a", F32, 0, 4).tensor("a", F32, 32, 4).pad(64).pad(64),
            "a name that is not yet there"),
        arguments(
            header(3, 2, 0)
                .tensor("a", F32, 32, 4)
                .tensor("b", F32, 0, 9)
                .pad(32)
                .block("0000", 0)
                .block("0000", 0),
            "tensor \"a\" at offset 128: expected data of its own, found that of \"b\""));
  }

  private static GgufBytes tensor(String name, int type, long offset, long... dimensions) {
    GgufBytes bytes = header(3, 1, 0).tensor(name, type, offset, dimensions).pad(32);
    return bytes.hex("00".repeat(256));
  }

  private static GgufBytes nested(int depth) {
    GgufBytes bytes = header(3, 0, 1).key("k", ARRAY);
    for (int i = 1; i < depth; i++) {
      bytes.u32(ARRAY).u64(1);
    }
    return bytes.u32(UINT32).u64(0);
  }

  @ParameterizedTest
  @MethodSource("badFiles")
  void rejects(GgufBytes bytes, String message) {
    Path path = bytes.in(folder);
    assertThatThrownBy(() -> GgufFile.open(path).close())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(path + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @Test
  void rejectsMetadataThatWouldTakeAllMemory() throws IOException {
    long text = 200L << 20;
    Path path = header(3, 0, 1).key("k", STRING).u64(text).in(folder);
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[1]), 2 * text); // the hole before it takes no room
    }
    assertThatThrownBy(() -> GgufFile.open(path).close())
        .isInstanceOf(FormatException.class)
        .hasMessageEndingWith(
            "found 209715200; all metadata must lie within the first 134217728 bytes");
  }

  @Test
  void acceptsArraysNestedToTheLimit() throws IOException {
    try (GgufFile file = GgufFile.open(nested(8).in(folder))) {
      assertThat(file.metadata().has("k")).isTrue();
    }
  }

  static Stream<Arguments> otherFiles() {
    return Stream.of(
        arguments("", "an empty file"),
        arguments("GG", "an unknown format (bytes 47 47)"),
        arguments("PK\u0003\u0004rest", "a zip archive, perhaps a PyTorch checkpoint; convert"),
        arguments("\u0080\u0002}q", "a Python pickle"),
        arguments("\u0002\0\0\0\0\0\0\0{}", "a safetensors checkpoint; convert its folder"),
        arguments("version https://git-lfs.github.com/spec/v1\n", "run: git lfs pull"),
        arguments("<!DOCTYPE html>", "a web page"),
        arguments("{\"d_model\": 768}", "JSON text"),
        arguments("tjgg\u0001\0\0\0", "before GGUF"),
        arguments("\u001f\u008b\u0008", "a gzip archive"));
  }

  @ParameterizedTest
  @MethodSource("otherFiles")
  void saysWhatAFileLooksLike(String content, String description) throws IOException {
    Path path = folder.resolve("model.gguf");
    Files.write(path, content.getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> GgufFile.open(path).close())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(path + ": magic at offset 0: expected \"GGUF\", found ")
        .hasMessageContaining(description);
  }

  @Test
  void saysThatThereIsNoFileOrAFolder() {
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("none.gguf")).close())
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(folder.resolve("none.gguf") + ": no such file");
    assertThatThrownBy(() -> GgufFile.open(folder).close())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a GGUF file, found a folder");
  }
}
