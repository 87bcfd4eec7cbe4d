package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.gguf.GgufWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is wrong with what a user gives: one line, exit code 1, soon, in little memory. */
class BadInputTest {
  private static final Duration SOON = Duration.ofSeconds(5);

  @TempDir private Path folder;

  private static Outcome generate(Path model) {
    return soon("generate", "-m", model.toString(), "-p", "Once", "-n", "1");
  }

  private static Outcome soon(String... arguments) {
    long start = System.nanoTime();
    Outcome outcome = Outcome.of(arguments);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
    return outcome;
  }

  /** A mutation may hit what does not matter, such as a weight; then all goes well. */
  private static void failsInALineOrNotAtAll(Outcome outcome) {
    if (outcome.code() == 0) {
      assertThat(outcome.err()).doesNotContain("mamba4j: ");
      return;
    }
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err().lines()).as(outcome.err()).hasSize(1);
    assertThat(outcome.err())
        .startsWith("mamba4j: ")
        .doesNotContain("unexpected error", "Exception");
  }

  @Test
  void mutatedModelsFailInOneLine() throws IOException {
    byte[] good = Files.readAllBytes(TinyModel.Q8_0);
    Path file = folder.resolve("mutated.gguf");
    Random random = new Random(1);
    for (int i = 0; i < 60; i++) {
      byte[] bad = good.clone();
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        bad[random.nextInt(i % 2 == 0 ? 1500 : bad.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bad);
      failsInALineOrNotAtAll(generate(file));
      failsInALineOrNotAtAll(soon("inspect", file.toString()));
    }
  }

  @Test
  void truncatedModelsFailInOneLine() throws IOException {
    byte[] good = Files.readAllBytes(TinyModel.Q8_0);
    Path file = folder.resolve("truncated.gguf");
    Random random = new Random(2);
    for (int i = 0; i < 30; i++) {
      int size = random.nextInt(i % 2 == 0 ? 3000 : good.length);
      Files.write(file, Arrays.copyOf(good, size));
      generate(file).isOneLine(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate -p a -m", "score -p a -m", "inspect", "chat -m"})
  void aFolderIsNoModel(String command) {
    Outcome outcome = soon((command + " " + folder).split(" ", -1));
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains(folder.toString(), "folder");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate -p a -m MISSING",
        "inspect MISSING",
        "convert MISSING -o out.gguf",
        "quantize MISSING --type F16 -o out.gguf",
        "quantize MISSING.gguf --type F16 -o out.gguf"
      })
  void aMissingFileIsNamed(String command) {
    String missing = folder.resolve("missing").toString();
    Outcome outcome = soon(command.replace("MISSING", missing).split(" ", -1));
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains(missing, ": no such file");
  }

  @Test
  void aFileThatMayNotBeReadFailsInOneLine() throws IOException {
    Path file = Files.writeString(folder.resolve("secret.gguf"), "secret");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    generate(file).isOneLine(1); // for want of permission or, for root, of content
  }

  @Test
  void anotherArchitectureIsNamed() throws IOException {
    Path file = rewrite(keys -> keys.putString("general.architecture", "llama"), info -> info);
    Outcome outcome = generate(file);
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("llama", "mamba2");
  }

  @Test
  void aMissingTensorIsNamed() throws IOException {
    Path file = rewrite(_ -> {}, info -> info.name().equals("blk.3.ssm_out.weight") ? null : info);
    Outcome outcome = generate(file);
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("blk.3.ssm_out.weight");
  }

  @Test
  void aTensorOfAWrongShapeIsNamed() throws IOException {
    Path file =
        rewrite(
            _ -> {},
            info ->
                info.name().equals("blk.3.ssm_out.weight")
                    ? new GgufTensorInfo(info.name(), info.type(), info.rows(), info.columns())
                    : info);
    Outcome outcome = generate(file);
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("blk.3.ssm_out.weight");
  }

  /** The small model with other keys and tensors; a tensor that becomes null is left out. */
  private Path rewrite(Consumer<GgufMetadata.Builder> keys, UnaryOperator<GgufTensorInfo> tensors)
      throws IOException {
    Path target = folder.resolve("rewritten.gguf");
    try (GgufFile file = GgufFile.open(TinyModel.Q8_0)) {
      GgufMetadata.Builder builder = file.metadata().toBuilder();
      keys.accept(builder);
      List<GgufTensor> kept =
          file.tensors().stream().filter(tensor -> tensors.apply(tensor.info()) != null).toList();
      List<GgufTensorInfo> infos =
          kept.stream().map(tensor -> tensors.apply(tensor.info())).toList();
      try (GgufWriter writer = GgufWriter.create(target, builder.build(), infos)) {
        for (GgufTensor tensor : kept) {
          writer.write(tensor.name(), tensor.data());
        }
        writer.finish();
      }
    }
    return target;
  }

  @Test
  void aPickleThatNamesAFunctionIsRefused() throws IOException {
    Path checkpoint = checkpointWithPickle("cos\nsystem\n(S'touch owned'\ntR.");
    Outcome outcome =
        soon("convert", checkpoint.toString(), "-o", folder.resolve("out.gguf").toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("pytorch_model.bin", "os.system");
    assertThat(folder.resolve("out.gguf")).doesNotExist();
  }

  private Path checkpointWithPickle(String pickle) throws IOException {
    Path checkpoint = Files.createDirectory(folder.resolve("checkpoint"));
    Files.copy(TinyModel.CHECKPOINT.resolve("config.json"), checkpoint.resolve("config.json"));
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      zip.setMethod(ZipOutputStream.STORED); // as torch.save does
      add(zip, "archive/data.pkl", pickle);
      add(zip, "archive/byteorder", "little");
      add(zip, "archive/version", "3\n");
    }
    Files.write(checkpoint.resolve("pytorch_model.bin"), archive.toByteArray());
    return checkpoint;
  }

  private static void add(ZipOutputStream zip, String name, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    CRC32 checksum = new CRC32();
    checksum.update(bytes);
    ZipEntry entry = new ZipEntry(name);
    entry.setSize(bytes.length);
    entry.setCompressedSize(bytes.length);
    entry.setCrc(checksum.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  @Test
  void aCheckpointOfAnotherKindOrBrokenIsRefused() throws IOException {
    Path checkpoint = Files.createDirectory(folder.resolve("other"));
    Path target = folder.resolve("out.gguf");
    Files.copy(
        TinyModel.CHECKPOINT.resolve("pytorch_model.bin"), checkpoint.resolve("pytorch_model.bin"));
    for (String config :
        List.of(
            "{\"model_type\": \"llama\", \"hidden_size\": 256, \"num_hidden_layers\": 6}",
            "{\"d_model\": 256, \"n_layer\": 7, \"ssm_cfg\": {\"layer\": \"Mamba2\"}}",
            "{\"d_model\": 128, \"n_layer\": 6, \"ssm_cfg\": {\"layer\": \"Mamba2\"}}",
            "{\"d_model\": 1e99}",
            "[",
            "")) {
      Files.writeString(checkpoint.resolve("config.json"), config);
      soon("convert", checkpoint.toString(), "-o", target.toString()).isOneLine(1);
    }
    Files.delete(checkpoint.resolve("config.json"));
    Outcome outcome = soon("convert", checkpoint.toString(), "-o", target.toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("config.json");
    assertThat(target).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nosuch/out.gguf", ".", "file/out.gguf"})
  void aTargetThatCannotBeWrittenIsNamed(String name) throws IOException {
    Files.writeString(folder.resolve("file"), "in the way");
    Path target = folder.resolve(name);
    Outcome outcome =
        soon("quantize", TinyModel.F32.toString(), "-o", target.toString(), "--type", "Q8_0");
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains(folder.toString());
  }

  @Test
  void aFullDiskLeavesNothingBehind() throws Exception {
    Path target = Files.createDirectory(folder.resolve("disk")).resolve("out.gguf");
    Outcome outcome =
        Forked.inShell(
            folder,
            "ulimit -f 2000; exec \"$@\"",
            "quantize",
            TinyModel.F32.toString(),
            "-o",
            target.toString(),
            "--type",
            "Q8_0");
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("out.gguf", "the incomplete file was deleted");
    assertThat(target.getParent()).isEmptyDirectory();
  }

  @Test
  void standardOutputThatIsFullIsAFailure() throws Exception {
    Outcome outcome =
        Forked.inShell(folder, "exec \"$@\" >/dev/full", "inspect", TinyModel.Q8_0.toString());
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("standard output");
  }

  @Test
  void littleHeapIsEnoughToRefuseALyingFile() throws Exception {
    byte[] bad = Files.readAllBytes(TinyModel.Q8_0);
    Arrays.fill(bad, 8, 16, (byte) 0x7f); // the number of tensors
    Path file = Files.write(folder.resolve("lying.gguf"), bad);
    Forked.run(folder, "generate", "-m", file.toString(), "-p", "a").isOneLine(1);
  }
}
