package dev.mamba4j.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Counters as the kernel lays them out, in a folder that stands in for the root. */
class EnergyCounterTest {
  @TempDir private Path root;

  @Test
  void addsThePackagesAndKnowsWhereTheyBeginAgain() throws IOException {
    for (int i = 0; i < 2; i++) {
      put("sys/class/powercap/intel-rapl:" + i + "/max_energy_range_uj", "10000000");
    }
    put("sys/class/powercap/intel-rapl:0/energy_uj", "1000000");
    put("sys/class/powercap/intel-rapl:1/energy_uj", "9000000");
    put("sys/class/powercap/intel-rapl:0:0/energy_uj", "5"); // the cores of package 0
    EnergyCounter counter = EnergyCounter.find(root).orElseThrow();
    assertThat(counter.source()).contains("RAPL");
    EnergyCounter.Reading before = counter.read();
    put("sys/class/powercap/intel-rapl:0/energy_uj", "1500000");
    put("sys/class/powercap/intel-rapl:1/energy_uj", "2000000");
    assertThat(counter.joulesSince(before)).isEqualTo(0.5 + 3);
  }

  @Test
  void takesTheSensorsOfTheBoardWhereThereIsNoRapl() throws IOException {
    put("sys/class/powercap/intel-rapl:0/energy_uj", "not for you");
    put("sys/class/hwmon/hwmon1/energy1_input", "100");
    EnergyCounter counter = EnergyCounter.find(root).orElseThrow();
    assertThat(counter.source()).contains("hwmon");
    EnergyCounter.Reading before = counter.read();
    put("sys/class/hwmon/hwmon1/energy1_input", "2000100");
    assertThat(counter.joulesSince(before)).isEqualTo(2);
  }

  @Test
  void manyMachinesHaveNone() throws IOException {
    assertThat(EnergyCounter.find(root)).isEmpty();
    put("sys/class/hwmon/hwmon0/temp1_input", "45000");
    assertThat(EnergyCounter.find(root)).isEmpty();
  }

  private void put(String name, String text) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text + "\n");
  }
}
