package dev.mamba4j.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufWriterTest {
  private static final GgufMetadata NOTHING = GgufMetadata.builder().build();
  private static final List<GgufTensorInfo> TWO =
      List.of(
          new GgufTensorInfo("a", TensorType.F32, 3), new GgufTensorInfo("b", TensorType.F32, 2));
  private static final MemorySegment A = MemorySegment.ofArray(new float[] {1, 2, 3});
  private static final MemorySegment B = MemorySegment.ofArray(new float[] {4, 5});

  @TempDir Path folder;

  @Test
  void writesTheBytesOfTheSpecification() throws IOException {
    Path source = GgufBytes.sample().in(folder);
    Path target = folder.resolve("copy.gguf");
    copy(source, target);
    assertThat(target).hasBinaryContent(GgufBytes.sample().bytes());
  }

  @Test
  void writesWhatABuilderHolds() throws IOException {
    GgufMetadata metadata =
        GgufMetadata.builder()
            .putString("general.architecture", "replaced below")
            .putUint32("general.file_type", 0xffffffffL)
            .putFloat32("f", -2)
            .putBool("t", true)
            .putStrings("s", List.of("é", ""))
            .putInt32s("i", 1, -1)
            .putFloat32s("g", 0.5f)
            .put("u", new GgufValue.Whole(GgufValueType.UINT8, 200))
            .putString("gone", "")
            .remove("gone")
            .putString("general.architecture", "mamba2")
            .build();
    Path target = folder.resolve("built.gguf");
    try (GgufWriter writer = GgufWriter.create(target, metadata, List.of())) {
      writer.finish();
    }
    byte[] expected =
        GgufBytes.header(3, 0, 8)
            .key("general.architecture", 8)
            .text("mamba2")
            .key("general.file_type", 4)
            .hex("ffffffff")
            .key("f", 6)
            .hex("000000c0")
            .key("t", 7)
            .u8(1)
            .key("s", 9)
            .u32(8)
            .u64(2)
            .text("é")
            .text("")
            .key("i", 9)
            .u32(5)
            .u64(2)
            .hex("01000000ffffffff")
            .key("g", 9)
            .u32(6)
            .u64(1)
            .hex("0000003f")
            .key("u", 0)
            .u8(200)
            .pad(32)
            .bytes();
    assertThat(target).hasBinaryContent(expected);
  }

  @Test
  void placesDataByTheAlignmentOfTheMetadata() throws IOException {
    GgufMetadata metadata = GgufMetadata.builder().putUint32("general.alignment", 64).build();
    Path target = folder.resolve("aligned.gguf");
    write(target, metadata);
    byte[] expected =
        GgufBytes.header(3, 2, 1)
            .key("general.alignment", 4)
            .u32(64)
            .tensor("a", 0, 0, 3)
            .tensor("b", 0, 64, 2)
            .pad(64)
            .hex("0000803f0000004000004040")
            .pad(64)
            .hex("000080400000a040")
            .pad(64)
            .bytes();
    assertThat(target).hasBinaryContent(expected);
  }

  @Test
  void keepsAStringThatIsCutWithinACharacter() throws IOException {
    GgufBytes bytes = GgufBytes.header(3, 0, 1).key("k", 8).hex("020000000000000061c4").pad(32);
    Path target = folder.resolve("copy.gguf");
    copy(bytes.in(folder), target);
    assertThat(target).hasBinaryContent(bytes.bytes());
  }

  @Test
  void takesDataInPartsOfAnySize() throws IOException {
    Path whole = folder.resolve("whole.gguf");
    Path parts = folder.resolve("parts.gguf");
    List<GgufTensorInfo> infos = List.of(new GgufTensorInfo("big", TensorType.I8, 5_000_001));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(5_000_001);
      for (int i = 0; i < data.byteSize(); i++) {
        data.set(ValueLayout.JAVA_BYTE, i, (byte) (i % 251));
      }
      try (GgufWriter writer = GgufWriter.create(whole, NOTHING, infos)) {
        writer.write("big", data);
        writer.finish();
      }
      try (GgufWriter writer = GgufWriter.create(parts, NOTHING, infos)) {
        for (long at = 0; at < data.byteSize(); at += 777_777) {
          writer.write("big", data.asSlice(at, Math.min(777_777, data.byteSize() - at)));
        }
        writer.finish();
      }
      try (GgufFile file = GgufFile.open(parts)) {
        assertThat(file.tensors().getFirst().data().mismatch(data)).isEqualTo(-1);
      }
    }
    assertThat(parts).hasSameBinaryContentAs(whole);
  }

  @Test
  void rejectsDataOutOfOrderTooMuchOrTooLittle() throws IOException {
    Path target = folder.resolve("model.gguf");
    try (GgufWriter writer = GgufWriter.create(target, NOTHING, TWO)) {
      assertThatThrownBy(() -> writer.write("b", B))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("expected the data of a from byte 0, found data of b");
      writer.write("a", A.asSlice(0, 8));
      assertThatThrownBy(() -> writer.write("a", A))
          .hasMessage("expected at most 4 more bytes of a, found 12");
      assertThatThrownBy(writer::finish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("expected the data of a from byte 8, found the end");
      writer.write("a", A.asSlice(8));
      writer.write("b", B);
      assertThatThrownBy(() -> writer.write("b", B))
          .hasMessage("expected the end, found data of b");
      writer.finish();
    }
    assertThat(filesIn(folder)).containsExactly("model.gguf");
  }

  @Test
  void rejectsContentThatNoReaderTakes() {
    Path target = folder.resolve("model.gguf");
    assertThatThrownBy(
            () -> GgufWriter.create(target, NOTHING, List.of(TWO.get(0), TWO.get(0))).close())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("two tensors have the name a");
    GgufMetadata odd = GgufMetadata.builder().putUint32("general.alignment", 12).build();
    assertThatThrownBy(() -> GgufWriter.create(target, odd, TWO).close())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("power of two");
    assertThatThrownBy(() -> GgufMetadata.builder().putBool("a b", true))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new GgufValue.Whole(GgufValueType.INT8, 128))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(filesIn(folder)).isEmpty();
  }

  @Test
  void deletesWhatIsNotFinished() throws IOException {
    Path target = folder.resolve("model.gguf");
    Files.writeString(target, "old");
    try (GgufWriter writer = GgufWriter.create(target, NOTHING, TWO)) {
      writer.write("a", A);
      assertThat(filesIn(folder)).contains(".model.gguf.partial");
    }
    assertThat(filesIn(folder)).containsExactly("model.gguf");
    assertThat(target).hasContent("old");
  }

  /** The header of TWO takes 96 bytes and the data 64; the disk is full after so many. */
  @ParameterizedTest
  @ValueSource(longs = {0, 3, 100, 159})
  void leavesNothingOnAFullDisk(long room) throws IOException {
    Path target = folder.resolve("model.gguf");
    Files.writeString(target, "old");
    assertThatThrownBy(
            () -> {
              try (GgufWriter writer =
                  GgufWriter.create(target, NOTHING, TWO, channel -> full(channel, room))) {
                writer.write("a", A);
                writer.write("b", B);
                writer.finish();
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessage(
            target
                + ": cannot be written: No space left on device; the incomplete file was deleted");
    assertThat(filesIn(folder)).containsExactly("model.gguf");
    assertThat(target).hasContent("old");
  }

  @Test
  void deletesAtOnceWhenTheDiskIsFullAmidTheData() throws IOException {
    Path target = folder.resolve("model.gguf");
    List<GgufTensorInfo> infos = List.of(new GgufTensorInfo("big", TensorType.I8, 4 << 20));
    try (GgufWriter writer =
        GgufWriter.create(target, NOTHING, infos, channel -> full(channel, 2 << 20))) {
      assertThatThrownBy(() -> writer.write("big", MemorySegment.ofArray(new byte[4 << 20])))
          .isInstanceOf(IOException.class);
      assertThat(filesIn(folder)).isEmpty();
      assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void overwritesWhatAKilledProcessLeft() throws IOException {
    Path target = folder.resolve("model.gguf");
    Path partial = folder.resolve(".model.gguf.partial");
    Files.write(partial, new byte[100_000]);
    write(target, NOTHING);
    assertThat(Files.size(target)).isEqualTo(160);
    assertThat(filesIn(folder)).containsExactly("model.gguf");
  }

  @Test
  void letsOneWriterAtATimeMakeAFile() throws IOException {
    Path target = folder.resolve("model.gguf");
    try (GgufWriter first = GgufWriter.create(target, NOTHING, TWO)) {
      assertThatThrownBy(() -> GgufWriter.create(target, NOTHING, TWO).close())
          .isInstanceOf(IOException.class)
          .hasMessage(target + ": cannot be written: another process is writing it");
      first.write("a", A);
      first.write("b", B);
      first.finish();
    }
    assertThat(Files.size(target)).isEqualTo(160);
  }

  @Test
  void saysWhyATargetCannotBe() {
    assertThatThrownBy(() -> GgufWriter.create(folder, NOTHING, TWO).close())
        .hasMessageStartingWith(folder + ": cannot be written: it is a folder or device");
    Path homeless = folder.resolve("none").resolve("model.gguf");
    assertThatThrownBy(() -> GgufWriter.create(homeless, NOTHING, TWO).close())
        .hasMessage(homeless + ": cannot be written: there is no folder " + folder.resolve("none"));
  }

  private static void write(Path target, GgufMetadata metadata) throws IOException {
    try (GgufWriter writer = GgufWriter.create(target, metadata, TWO)) {
      writer.write("a", A);
      writer.write("b", B);
      writer.finish();
    }
  }

  static void copy(Path source, Path target) throws IOException {
    try (GgufFile file = GgufFile.open(source);
        GgufWriter writer =
            GgufWriter.create(
                target, file.metadata(), file.tensors().stream().map(GgufTensor::info).toList())) {
      for (GgufTensor tensor : file.tensors()) {
        writer.write(tensor.name(), tensor.data());
      }
      writer.finish();
    }
  }

  private static List<String> filesIn(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A channel that takes so many bytes and then says what Linux says of a full disk. */
  private static WritableByteChannel full(WritableByteChannel channel, long room) {
    return new WritableByteChannel() {
      private long left = room;

      @Override
      public int write(ByteBuffer source) throws IOException {
        if (left == 0) {
          throw new IOException("No space left on device");
        }
        int count = (int) Math.min(left, source.remaining());
        left -= count;
        int written = channel.write(source.slice(source.position(), count));
        source.position(source.position() + written);
        return written;
      }

      @Override
      public boolean isOpen() {
        return channel.isOpen();
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }
}
