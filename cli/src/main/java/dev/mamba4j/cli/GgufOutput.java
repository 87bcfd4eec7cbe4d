package dev.mamba4j.cli;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.QuantizationMethod;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What the commands that write a model share: the file, and what is told about it. */
final class GgufOutput {
  private static final String SUFFIX = ".gguf";

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FILE",
      description = "The GGUF file to write; one that exists is replaced when the new one is done.")
  private Path target;

  @Option(names = "--json", description = "Tell what was made as JSON.")
  private boolean json;

  /**
   * What is to be written, and how.
   *
   * @param source of the weights, for which the plan is
   * @param method how weights become integers
   */
  record Job(ModelSource source, Plan plan, QuantizationMethod method) {}

  /** Says what is to be written of a model. */
  interface Planner {
    /** Empty if nothing is, after all. */
    Optional<Job> plan(ModelSource source) throws IOException;
  }

  /** The file to write. */
  Path target() {
    return target;
  }

  /** Writes the model and tells what it took. */
  int write(Console console, Path input, Planner planner) throws IOException {
    refuseInput(input);
    long start = System.nanoTime();
    WeightCount before;
    try (ModelSource source = ModelWriter.open(input);
        ProgressBar bar = new ProgressBar(console, rate -> Figures.rate(rate / 1e6, "M weights"))) {
      source.notices().forEach(console::note);
      before = WeightCount.of(source.tensors().stream().map(SourceTensor::info));
      Optional<Job> job = planner.plan(source);
      if (job.isEmpty()) {
        return ExitCode.DONE; // Main knows of an interruption
      }
      console.interruption().arm();
      ModelWriter.write(
          job.get().source(),
          job.get().plan(),
          job.get().method(),
          target,
          (done, total, tensor) -> bar.update(tensor, done, total));
    }
    tell(console, input, before, (System.nanoTime() - start) / 1e9);
    return ExitCode.DONE;
  }

  private void refuseInput(Path input) throws IOException {
    boolean insideCheckpoint =
        Files.isDirectory(input)
            && !target.toString().endsWith(SUFFIX)
            && Files.exists(target)
            && Files.isSameFile(input, target.toAbsolutePath().getParent());
    boolean same = Files.exists(input) && Files.exists(target) && Files.isSameFile(input, target);
    if (same || insideCheckpoint) {
      throw new UsageException(target + " is part of the input; choose another name for -o");
    }
  }

  private void tell(Console console, Path input, WeightCount before, double seconds)
      throws IOException {
    WeightCount after;
    long size;
    try (GgufFile file = GgufFile.open(target)) {
      after = WeightCount.of(file.tensors().stream().map(GgufTensor::info));
      size = file.size();
    }
    if (json) {
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("input", input.toString());
      figures.put("output", target.toString());
      figures.put("weights", after.weights());
      figures.put("bytes_before", before.bytes());
      figures.put("bytes_after", after.bytes());
      figures.put("bits_per_weight_before", before.bitsPerWeight());
      figures.put("bits_per_weight_after", after.bitsPerWeight());
      figures.put("file_bytes", size);
      figures.put("seconds", seconds);
      console.printLine(Json.write(figures));
    } else {
      console.printLine(
          "%s: weights from %s to %s, file %s, in %s"
              .formatted(target, before, after, Figures.bytes(size), Figures.seconds(seconds)));
    }
  }
}
