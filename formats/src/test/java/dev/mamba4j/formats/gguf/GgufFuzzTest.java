package dev.mamba4j.formats.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFuzzTest {
  private static final int RUNS = 500;

  @TempDir Path folder;

  @Test
  void damagedFilesOpenWholeOrAreRejected() throws IOException {
    byte[] good = GgufBytes.sample().bytes();
    int opened = 0;
    int rejected = 0;
    for (int seed = 0; seed < RUNS; seed++) {
      Path path = Files.write(folder.resolve("damaged.gguf"), damage(good, new Random(seed)));
      try (GgufFile file = GgufFile.open(path)) {
        readAll(file);
        opened++;
      } catch (FormatException e) {
        assertThat(e).hasMessageStartingWith(path + ": ").hasMessageNotContaining("\n");
        rejected++;
      }
    }
    // Both ways must have been tried, or the damage is not of the right kind.
    assertThat(opened).isGreaterThan(RUNS / 20);
    assertThat(rejected).isGreaterThan(RUNS / 4);
  }

  private static byte[] damage(byte[] good, Random random) {
    byte[] bytes = good.clone();
    switch (random.nextInt(4)) {
      case 0 -> {
        return Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      case 1 -> {
        for (int i = 0; i <= random.nextInt(8); i++) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
      }
      case 2 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      default -> {
        // The extremes of a length, somewhere.
        int at = random.nextInt(bytes.length - 8);
        Arrays.fill(bytes, at, at + 1 + random.nextInt(8), (byte) (random.nextBoolean() ? -1 : 0));
      }
    }
    return bytes;
  }

  private static void readAll(GgufFile file) {
    long sum = 0;
    for (GgufTensor tensor : file.tensors()) {
      for (long i = 0; i < tensor.data().byteSize(); i++) {
        sum += tensor.data().get(ValueLayout.JAVA_BYTE, i);
      }
      sum += tensor.rows() * tensor.columns();
    }
    for (GgufValue value : file.metadata().values().values()) {
      sum += readAll(value);
    }
    assertThat(sum).isNotEqualTo(Long.MIN_VALUE);
  }

  private static long readAll(GgufValue value) {
    long sum = value.toString().length();
    switch (value) {
      case GgufNumbers numbers -> {
        for (int i = 0; i < numbers.size(); i++) {
          sum += numbers.integer(i);
        }
      }
      case GgufStrings strings -> {
        for (String string : strings) {
          sum += string.length();
        }
      }
      case GgufValue.Nested nested -> {
        for (GgufValue array : nested.values()) {
          sum += readAll(array);
        }
      }
      default -> sum++;
    }
    return sum;
  }
}
