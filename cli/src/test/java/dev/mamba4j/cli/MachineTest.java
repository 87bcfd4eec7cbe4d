package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {
  @TempDir private Path root;

  private void put(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  @Test
  void readsAMachineWithCoresOfTwoKinds() throws IOException {
    StringBuilder cpuinfo = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      cpuinfo
          .append("processor\t: " + i + "\nBogoMIPS\t: 48.00\n")
          .append("Features\t: fp asimd aes asimdhp asimddp\n")
          .append("CPU implementer\t: 0x41\nCPU part\t: " + (i < 4 ? "0xd05" : "0xd0b") + "\n\n");
    }
    put("proc/cpuinfo", cpuinfo.toString());
    put("proc/meminfo", "MemTotal:       16000000 kB\nMemAvailable:   12000000 kB\n");
    put("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "ondemand\n");

    Machine machine = Machine.read(root);
    assertThat(machine.cpu()).isEqualTo("4 x Cortex-A55 + 4 x Cortex-A76");
    assertThat(machine.features()).containsExactly("asimd", "asimdhp", "asimddp");
    assertThat(machine.cores()).isEqualTo(8);
    assertThat(machine.governor()).contains("ondemand");
    assertThat(machine.memoryBytes()).isEqualTo(16_384_000_000L);
    assertThat(machine.availableBytes()).isEqualTo(12_288_000_000L);
  }

  @Test
  void readsAnX86Machine() throws IOException {
    put(
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu avx avx2 ht avx512f\n");
    Machine machine = Machine.read(root);
    assertThat(machine.cpu()).isEqualTo("Some CPU @ 2.00GHz");
    assertThat(machine.features()).containsExactly("avx", "avx2", "avx512f");
    assertThat(machine.governor()).isEmpty();
  }

  @Test
  void knowsNothingWhereThereIsNothingToRead() {
    Machine machine = Machine.read(root);
    assertThat(machine.cpu()).isEqualTo("unknown");
    assertThat(machine.cores()).isZero();
    assertThat(machine.memoryBytes()).isZero();
  }

  @Test
  void doctorTellsAllOfIt() throws IOException {
    assertThat(Outcome.of("doctor", "--json").json().fields().keySet())
        .contains(
            "java",
            "system",
            "cpu",
            "cores",
            "cores_fast",
            "default_threads",
            "kernels",
            "kernels_known",
            "advice");
    assertThat(Outcome.of("doctor").out()).contains("cpu features", "kernels known", "advice");
  }
}
