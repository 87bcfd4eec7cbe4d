package dev.mamba4j.formats.checkpoint;

import static dev.mamba4j.formats.checkpoint.Fixtures.assemble;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchFileTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"protocol2.bin", "protocol4.bin", "protocol5.bin", "zip64.bin"})
  void readsEveryTensorThatPythonPickled(String name) throws IOException {
    JsonObject expected = Fixtures.json("torch.json");
    try (Checkpoint checkpoint = open(Fixtures.bytes(name))) {
      assertThat(checkpoint.tensors().keySet())
          .containsExactlyElementsOf(expected.fields().keySet());
      for (CheckpointTensor tensor : checkpoint.tensors().values()) {
        Fixtures.assertHolds(tensor, expected.object(tensor.name()));
        assertThat(tensor.data().isReadOnly()).isTrue();
        assertThat(tensor.data().isMapped()).isTrue();
      }
    }
  }

  @Test
  void showsTiedTensorsUnderBothNamesWithTheSameData() throws IOException {
    try (Checkpoint checkpoint = open(Fixtures.bytes("protocol2.bin"))) {
      CheckpointTensor matrix = checkpoint.tensor("matrix").orElseThrow();
      CheckpointTensor tied = checkpoint.tensor("tied").orElseThrow();
      assertThat(tied.data()).isEqualTo(matrix.data());
    }
  }

  @Test
  void readsAnyRangeOfATensorWhateverItsStrides() throws IOException {
    try (Checkpoint checkpoint = open(Fixtures.bytes("protocol2.bin"))) {
      CheckpointTensor permuted = checkpoint.tensor("permuted").orElseThrow();
      assertThat(permuted.isContiguous()).isFalse();
      float[] all = Fixtures.all(permuted);
      for (int first = 0; first <= all.length; first++) {
        for (int count = 0; first + count <= all.length; count++) {
          float[] range = new float[count + 2];
          permuted.read(first, range, 1, count);
          for (int i = 0; i < count; i++) {
            assertThat(range[1 + i]).isEqualTo(all[first + i]);
          }
          assertThat(range[count + 1]).isZero();
        }
      }
    }
  }

  @Test
  void readsNothingBeyondATensor() throws IOException {
    try (Checkpoint checkpoint = open(Fixtures.bytes("protocol2.bin"))) {
      CheckpointTensor row = checkpoint.tensor("second_row").orElseThrow();
      assertThatThrownBy(() -> row.read(1, new float[9], 0, 3))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> row.read(-1, new float[9], 0, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> row.read(0, new float[2], 0, 3))
          .isInstanceOf(IndexOutOfBoundsException.class);
      row.shape()[0] = 1000; // a copy, so it opens no way out of the bounds
      assertThat(row.shape()).containsExactly(3);
    }
  }

  @Test
  void refusesTensorsThatReachBeyondTheirStorage() {
    rejects(tensor(0, "'K' 05 85", "'K' 01 85"))
        .hasMessageEndingWith(
            "tensor \"w\": shape [5], strides [1] and offset 0 ask for more than the 4 values"
                + " stored");
    rejects(tensor(1, "'K' 04 85", "'K' 01 85")).hasMessageContaining("ask for more than");
    rejects(tensor(0, "'K' 02 85", "'K' 04 85")).hasMessageContaining("ask for more than");
    rejects(tensor(5, "'K' 00 85", "'K' 01 85")).hasMessageContaining("ask for more than");
    String huge = "8a 08 ffffffffffffff7f";
    rejects(tensor(0, huge + huge + "86", "'K' 01 'K' 01 86")).hasMessageContaining("ask for more");
    rejects(tensor(0, "'K' 02 85", huge + "85")).hasMessageContaining("ask for more than");
  }

  @Test
  void refusesAnExpandedTensorThatWouldOutgrowItsStorage() {
    rejects(tensor(0, "'J' 00000040 85", "'K' 00 85")).hasMessageContaining("ask for more than");
  }

  @Test
  void refusesNegativeAndUnequalSizesAndStrides() {
    rejects(tensor(0, "'J' ffffffff 85", "'K' 01 85")).hasMessageContaining("size: expected whole");
    rejects(tensor(0, "'K' 02 85", "'J' ffffffff 85"))
        .hasMessageContaining("stride: expected whole");
    rejects(tensor(0, "'K' 02 85", "')'")).hasMessageContaining("1 sizes, but 0 strides");
    rejects(tensor(0, "'N' 85", "'K' 01 85")).hasMessageContaining("size: expected whole numbers");
  }

  @Test
  void refusesAStorageOfAnotherSizeOrWithoutData() {
    rejects(Fixtures.torch(pickle("0", 8, 0, "'K' 02 85", "'K' 01 85")))
        .hasMessageContaining("expected 8 values of F32 in \"m/data/0\", found 16 bytes");
    rejects(Fixtures.torch(pickle("0", 2, 0, "'K' 02 85", "'K' 01 85")))
        .hasMessageContaining("expected 2 values of F32 in \"m/data/0\", found 16 bytes");
    rejects(Fixtures.torch(pickle("1", 4, 0, "'K' 02 85", "'K' 01 85")))
        .hasMessageContaining("expected its values in \"m/data/1\", which is missing");
  }

  @Test
  void refusesWhatIsNoDictionaryOfTensors() {
    rejects(Fixtures.torch(assemble("80 02 'N.'"))).hasMessageContaining("state_dict()");
    rejects(Fixtures.torch(assemble("80 02 '}X' 05000000 'model}s.'")))
        .hasMessageEndingWith(
            "entry \"model\": expected a tensor, found a dictionary; save the model's state_dict()"
                + " alone");
    rejects(Fixtures.torch(assemble("80 02 '}X' 05000000 'epochK' 03 's.'")))
        .hasMessageContaining("found the number 3");
  }

  @Test
  void namesWhatAHostilePickleAsksFor() {
    rejects(Fixtures.torch(assemble("80 02 'cposix\nsystem\nX' 02000000 'ls' 85 'R.'")))
        .hasMessage(
            folder.resolve("pytorch_model.bin")
                + ": pickle asks for posix.system, which no checkpoint needs; refused");
  }

  @Test
  void tellsHowToSaveAnOldFileAgain() {
    rejects(assemble("80 02 8a 0a 6cfc9c46f920 6aa85019 '.'"))
        .hasMessageContaining("before 1.6")
        .hasMessageContaining("torch.save(torch.load(PATH, weights_only=True), PATH)");
    rejects(new byte[0]).hasMessageContaining("expected a ZIP archive as torch.save writes it");
    rejects("<html>".getBytes(StandardCharsets.UTF_8))
        .hasMessageContaining("expected a ZIP archive");
  }

  @Test
  void tellsHowToSaveACompressedFileAgain() {
    rejects(Fixtures.zip(ZipEntry.DEFLATED, Map.of("m/data.pkl", new byte[100])))
        .hasMessageContaining("ZIP entry \"m/data.pkl\" is compressed (ZIP method 8)")
        .hasMessageContaining("torch.save it again");
  }

  @Test
  void refusesAnArchiveThatTorchDidNotWrite() {
    rejects(Fixtures.zip(ZipEntry.STORED, Map.of("readme.txt", new byte[3])))
        .hasMessageContaining("expected an entry \"data.pkl\"");
  }

  @Test
  void refusesBigEndianValues() {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("m/data.pkl", assemble("80 02 '}.'"));
    entries.put("m/byteorder", assemble("'big'"));
    rejects(Fixtures.zip(ZipEntry.STORED, entries)).hasMessageContaining("big-endian");
  }

  @Test
  void comparesLocalHeadersWithTheDirectory() {
    rejects(changed(30, (byte) 'x'))
        .hasMessageContaining("ZIP header at offset 0 has another name");
    rejects(changed(6, (byte) 1)).hasMessageContaining("has other flags or another method");
    rejects(changed(8, (byte) 8)).hasMessageContaining("has other flags or another method");
    rejects(changed(22, (byte) 99))
        .hasMessageContaining("at offset 0 has size 1379, the directory 1484");
    rejects(changed(3, (byte) 9)).hasMessageContaining("expected a ZIP archive");
  }

  @Test
  void refusesEntriesThatOverlap() {
    byte[] archive = Fixtures.torch(assemble("80 02 '}.'"));
    ByteBuffer bytes = ByteBuffer.wrap(archive).order(ByteOrder.LITTLE_ENDIAN);
    int directory = bytes.getInt(archive.length - 22 + 16);
    int grown = bytes.getInt(directory + 24) + 40;
    int local = bytes.getInt(directory + 42);
    bytes.putInt(directory + 20, grown).putInt(directory + 24, grown);
    bytes.putInt(local + 18, grown).putInt(local + 22, grown);
    rejects(archive).hasMessageContaining("overlap what begins at offset");
  }

  @Test
  void refusesDirectoriesThatLie() {
    byte[] good = Fixtures.torch(assemble("80 02 '}.'"));
    int end = good.length - 22;
    rejects(with(good, end + 10, 0xff, 0x7f)).hasMessageContaining("32767 entries");
    rejects(with(good, end + 10, 3, 0)).hasMessageContaining("3 entries in 110 bytes");
    rejects(with(good, end - 110, 0)).hasMessageContaining("expected a header of the ZIP");
    rejects(with(good, end + 16, 0xff, 0xff, 0xff, 0x7f))
        .hasMessageContaining("at offset 2147483647");
    rejects(with(good, end + 12, 0xff, 0xff, 0xff, 0xff)).hasMessageContaining("cut short");
    rejects(Arrays.copyOf(good, good.length - 1))
        .hasMessageContaining("expected the ZIP directory at the end of the file");
  }

  private static byte[] with(byte[] good, int at, int... bytes) {
    byte[] bad = good.clone();
    for (int i = 0; i < bytes.length; i++) {
      bad[at + i] = (byte) bytes[i];
    }
    return bad;
  }

  /** An archive of Python's zipfile, whose first entry is model/data.pkl, with one byte changed. */
  private static byte[] changed(int at, byte value) {
    return with(Fixtures.bytes("protocol2.bin"), at, value);
  }

  /** A file with the tensor "w" over a storage of four floats. */
  private static byte[] tensor(int offset, String size, String stride) {
    return Fixtures.torch(pickle("0", 4, offset, size, stride));
  }

  private static byte[] pickle(String key, int elements, int offset, String size, String stride) {
    return assemble(
        "80 02 '}X' 01000000 'wctorch._utils\n_rebuild_tensor_v2\n('"
            + "'(X' 07000000 'storagectorch\nFloatStorage\nX' 01000000 '"
            + key
            + "X' 03000000 'cpuK' 0"
            + elements
            + "'tQK' 0"
            + offset
            + size
            + stride
            + "89 'ccollections\nOrderedDict\n)RtRs.'");
  }

  private Checkpoint open(byte[] content) throws IOException {
    return Checkpoint.open(Fixtures.file(folder, "pytorch_model.bin", content));
  }

  private AbstractThrowableAssert<?, ? extends Throwable> rejects(byte[] content) {
    return assertThatThrownBy(() -> open(content).close())
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(folder.resolve("pytorch_model.bin") + ": ")
        .hasMessageNotContaining("\n");
  }
}
