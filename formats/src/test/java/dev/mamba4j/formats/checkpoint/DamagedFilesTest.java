package dev.mamba4j.formats.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged files open with every tensor readable, or fail with one line that names the file. */
@Timeout(60)
class DamagedFilesTest {
  private static final int FILES = 500;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"types.safetensors", "protocol2.bin", "protocol4.bin", "zip64.bin"})
  void survivesMutations(String name) throws IOException {
    Random random = new Random(1);
    byte[] good = Fixtures.bytes(name);
    int rejected = 0;
    for (int i = 0; i < FILES; i++) {
      byte[] bad = good.clone();
      for (int change = random.nextInt(1, 6); change > 0; change--) {
        mutate(bad, random);
      }
      rejected += rejects(name, bad) ? 1 : 0;
    }
    assertThat(rejected).as("mutations that were noticed").isGreaterThan(FILES / 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"types.safetensors", "protocol2.bin", "protocol4.bin", "zip64.bin"})
  void noticesEveryTruncation(String name) throws IOException {
    Random random = new Random(2);
    byte[] good = Fixtures.bytes(name);
    for (int i = 0; i < FILES; i++) {
      byte[] cut = Arrays.copyOf(good, random.nextInt(good.length));
      assertThat(rejects(name, cut)).as("cut to " + cut.length).isTrue();
    }
  }

  /** A flipped bit, another byte, an extreme number, or a piece from elsewhere in the file. */
  private static void mutate(byte[] file, Random random) {
    int at = random.nextInt(file.length);
    int length = Math.min(random.nextInt(1, 9), file.length - at);
    switch (random.nextInt(4)) {
      case 0 -> file[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> file[at] = (byte) random.nextInt(256);
      case 2 -> Arrays.fill(file, at, at + length, (byte) (random.nextBoolean() ? 0xff : 0));
      default -> System.arraycopy(file, random.nextInt(file.length - length + 1), file, at, length);
    }
  }

  private boolean rejects(String name, byte[] content) throws IOException {
    Path file = Fixtures.file(folder, name, content);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      for (CheckpointTensor tensor : checkpoint.tensors().values()) {
        assertThat(tensor.elements()).isLessThanOrEqualTo(content.length);
        assertThat(Fixtures.all(tensor)).hasSize((int) tensor.elements());
      }
      return false;
    } catch (FormatException e) {
      assertThat(e).hasMessageStartingWith(file + ": ").hasMessageNotContaining("\n");
      return true;
    }
  }
}
