package dev.mamba4j.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The instruction sets that there is a native library for, the fastest of an architecture first.
 */
enum InstructionSet {
  AVX512("x86_64", "AVX-512 with VNNI"),
  AVX2("x86_64", "AVX2"),
  NEON("aarch64", "NEON with dot products");

  private final String architecture;
  private final String description;

  InstructionSet(String architecture, String description) {
    this.architecture = architecture;
    this.description = description;
  }

  /** Those of this machine's operating system and architecture; the machine may lack some. */
  static List<InstructionSet> ofThisArchitecture() {
    String name = System.getProperty("os.arch");
    String here = name.equals("amd64") ? "x86_64" : name;
    return System.getProperty("os.name").equals("Linux")
        ? Arrays.stream(values()).filter(set -> set.architecture.equals(here)).toList()
        : List.of();
  }

  /** As users write it: avx512, avx2, neon. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** For the user. */
  String description() {
    return description;
  }

  /** Where the library lies among the resources. */
  String resource() {
    return "/native/linux-" + architecture + "/libmamba4j-" + id() + ".so";
  }
}
