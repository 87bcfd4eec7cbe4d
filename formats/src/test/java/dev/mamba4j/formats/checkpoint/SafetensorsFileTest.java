package dev.mamba4j.formats.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsFileTest {
  @TempDir private Path folder;

  @Test
  void readsEveryTypeWrittenByPython() throws IOException {
    JsonObject expected = Fixtures.json("types.safetensors.json");
    try (Checkpoint checkpoint = open(Fixtures.bytes("types.safetensors"))) {
      assertThat(checkpoint.tensors().keySet())
          .containsExactlyInAnyOrderElementsOf(expected.fields().keySet());
      for (CheckpointTensor tensor : checkpoint.tensors().values()) {
        Fixtures.assertHolds(tensor, expected.object(tensor.name()));
        assertThat(tensor.file()).isEqualTo(folder.resolve("model.safetensors"));
        assertThat(tensor.data().isReadOnly()).isTrue();
        assertThat(tensor.data().isMapped()).isTrue();
      }
      assertThat(checkpoint.metadata()).containsExactly(Map.entry("format", "pt"));
    }
  }

  @Test
  void listsTensorsInTheOrderOfTheirData() throws IOException {
    try (Checkpoint checkpoint = open(Fixtures.bytes("types.safetensors"))) {
      assertThat(checkpoint.tensors().keySet())
          .startsWith("BF16", "BOOL", "F16")
          .endsWith("scalar", "empty");
    }
  }

  @Test
  void readsAFileWithoutTensors() throws IOException {
    try (Checkpoint checkpoint = open(Fixtures.safetensors("{}", 0))) {
      assertThat(checkpoint.tensors()).isEmpty();
      assertThat(checkpoint.metadata()).isEmpty();
    }
  }

  @Test
  void rejectsLengthsThatLie() {
    rejects(new byte[7]).hasMessageEndingWith("expected 8 bytes of header length, the file has 7");
    rejects(length(100_000_001)).hasMessageContaining("expected 2 to 100000000, found 100000001");
    rejects(length(-1)).hasMessageContaining("found 18446744073709551615");
    rejects(length(0)).hasMessageContaining("expected 2 to");
    rejects(length(1000)).hasMessageContaining("1000 bytes, but only 2 follow");
  }

  @Test
  void rejectsAHeaderThatIsNoObjectOfObjects() {
    rejects(Fixtures.safetensors(" {}", 0)).hasMessageContaining("expected \"{\"");
    rejects(Fixtures.safetensors("{\"a\":", 0)).hasMessageContaining("not valid JSON");
    rejects(Fixtures.safetensors("{\"a\":1}", 0)).hasMessageContaining("expected an object");
    rejects(Fixtures.safetensors("{\"a\":" + "[".repeat(100_000), 0))
        .hasMessageContaining("not valid JSON");
    rejects(Fixtures.safetensors("{\"__metadata__\":{\"a\":1}}", 0))
        .hasMessageContaining("__metadata__: expected a string under \"a\"");
  }

  @Test
  void rejectsANameThatComesTwice() {
    rejects(Fixtures.safetensors("twin", "twin")).hasMessageContaining("twin");
  }

  @Test
  void rejectsHolesOverlapsAndRemainders() {
    rejects(header("[0,16]", "[20,36]", 36))
        .hasMessageEndingWith(
            "tensor \"b\": expected its data at offset 16 behind the header, found 20, a hole");
    rejects(header("[0,16]", "[8,24]", 24))
        .hasMessageEndingWith(
            "tensor \"b\": expected its data at offset 16 behind the header, found 8, an overlap");
    rejects(header("[4,20]", "[20,36]", 36)).hasMessageContaining("found 4, a hole");
    rejects(header("[0,16]", "[16,32]", 33))
        .hasMessageEndingWith("expected the end of the file behind the last tensor, found 1 bytes");
    rejects(header("[0,16]", "[16,32]", 31))
        .hasMessageContaining("tensor \"b\": its data end at offset 32")
        .hasMessageContaining("only 31 bytes follow; the file is cut short");
  }

  @Test
  void rejectsOffsetsThatAreNoRange() {
    rejects(header("[16,0]", "[16,32]", 32)).hasMessageContaining("a begin and an end");
    rejects(header("[0]", "[16,32]", 32)).hasMessageContaining("a begin and an end");
    rejects(header("[-16,0]", "[0,16]", 16)).hasMessageContaining("whole numbers from 0 on");
    rejects(header("[0.5,16]", "[16,32]", 32)).hasMessageContaining("whole numbers from 0 on");
    rejects(header("\"0\"", "[16,32]", 32)).hasMessageContaining("expected an array");
    rejects(header("[0,9223372036854775807]", "[16,32]", 32)).hasMessageContaining("cut short");
    rejects(header("[0,9223372036854775808]", "[16,32]", 32)).hasMessageContaining("whole numbers");
  }

  @Test
  void rejectsTypesAndShapesThatDoNotFitTheData() {
    rejects(tensor("F32", "[3]", 16))
        .hasMessageEndingWith(
            "tensor \"a\": its data have 16 bytes, which is not what F32 of shape [3] takes");
    rejects(tensor("F64", "[4]", 16)).hasMessageContaining("F64 of shape [4]");
    rejects(tensor("F32", "[4294967296,4294967296,4294967296]", 0))
        .hasMessageContaining("which is not what F32 of shape");
    rejects(tensor("F32", "[-4]", 16)).hasMessageContaining("whole numbers from 0 on");
    rejects(tensor("F32", "[" + "1,".repeat(64) + "1]", 4)).hasMessageContaining("at most 64");
    rejects(tensor("F8_E4M3", "[16]", 16))
        .hasMessageEndingWith("\"F8_E4M3\" is not supported; save it as F32, F16 or BF16");
  }

  @Test
  void readsAnEmptyTensorWhoseOtherSizesAreHuge() throws IOException {
    try (Checkpoint checkpoint = open(tensor("F32", "[0,4294967296,4294967296]", 0))) {
      assertThat(checkpoint.tensor("a").orElseThrow().elements()).isZero();
    }
  }

  @Test
  void keepsMessagesOnOneLine() {
    rejects(Fixtures.safetensors("a\\nb")).hasMessageContaining("tensor name \"a\\u000ab\"");
    rejects(Fixtures.safetensors("")).hasMessageContaining("expected 1 to 1024 characters");
    rejects(tensor("F\\n32", "[4]", 16)).hasMessageContaining("\"F\\u000a32\"");
    rejects(tensor("F32", "\"x\\ny\"", 16)).hasMessageContaining("shape");
  }

  @Test
  void refusesAHeaderOfMoreThanTheHeapCanTake() {
    rejects(filled('[', 30_000_000)).hasMessageContaining("JSON of more than 1048576 values");
    rejects(filled(' ', 50_000_000)).hasMessageContaining("JSON of 50000000 bytes, expected at");
  }

  private Checkpoint open(byte[] content) throws IOException {
    return Checkpoint.open(Fixtures.file(folder, "model.safetensors", content));
  }

  private AbstractThrowableAssert<?, ? extends Throwable> rejects(byte[] content) {
    return assertThatThrownBy(() -> open(content).close())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("model.safetensors") + ": ")
        .hasMessageNotContaining("\n");
  }

  private static byte[] filled(char text, int bytes) {
    byte[] file = Fixtures.safetensors("", bytes);
    Arrays.fill(file, (byte) text);
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, bytes).put(8, (byte) '{');
    return file;
  }

  private static byte[] length(long length) {
    return ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  private static byte[] header(String offsetsA, String offsetsB, int dataBytes) {
    return Fixtures.safetensors(
        ("{\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":%s},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":%s}}")
            .formatted(offsetsB, offsetsA),
        dataBytes);
  }

  private static byte[] tensor(String type, String shape, int bytes) {
    return Fixtures.safetensors(
        "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[0,%d]}}"
            .formatted(type, shape, bytes),
        bytes);
  }
}
