package dev.mamba4j.cli;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What compression costs and brings, on a page. */
@Command(
    name = "report",
    description = {
      "Measures a set of files and writes a page with tables and charts, and its numbers as JSON.",
      "",
      "Size, perplexity and divergence from the first file, tasks, speed and its bound, memory,"
          + " start, plan, a sample of text. Each measurement runs in a process of its own and is"
          + " kept in a folder beside the page: a report that was stopped goes on from there."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j report tiny.gguf tiny-q8.gguf tiny-q4.gguf --text valid.txt --data data",
      "  mamba4j report models/tiny --types Q8_0,Q4_K_M --text valid.txt -o tiny.html"
    })
final class ReportCommand implements Callable<Integer> {
  private final Console console;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE",
      arity = "1..*",
      description = "GGUF files; or the folder of a checkpoint, with --types.")
  private List<Path> inputs;

  @Option(
      names = "--base",
      paramLabel = "FILE",
      description = "What the others are compared with (default: the first file).")
  private Path base;

  @Option(
      names = "--types",
      split = ",",
      paramLabel = "TYPE",
      description = "Of a checkpoint: the types or mixes to make first, as quantize names them.")
  private List<String> types;

  @Mixin private ReportOptions options;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "The page (default ${DEFAULT-VALUE}).")
  private Path page = Path.of("report.html");

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "The JSON (default: beside the page, with its name).")
  private Path json;

  ReportCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    options.check();
    Path numbers = json == null ? Report.beside(page) : json;
    if (numbers.equals(page)) {
      throw new UsageException("--json and -o name the same file; give them different names");
    }
    String command = Report.commandLine(spec.root().commandLine().getParseResult().originalArgs());
    Report report = new Report(console, options, page, numbers, command);
    report.write(report.measure(files()));
    return ExitCode.DONE;
  }

  private List<Path> files() throws IOException {
    Path first = inputs.getFirst();
    if (Files.isDirectory(first)) {
      if (types == null || inputs.size() > 1 || base != null) {
        throw new UsageException(
            "%s is a checkpoint: give it alone, with --types TYPE,TYPE".formatted(first));
      }
      Compression compression = new Compression(console, page.toAbsolutePath().getParent());
      return compression.run(first, types, options.text());
    }
    if (types != null) {
      throw new UsageException("--types is for the folder of a checkpoint; name files as they are");
    }
    List<Path> files = new ArrayList<>();
    if (base != null) {
      files.add(base);
    }
    inputs.stream().filter(file -> !file.equals(base)).forEach(files::add);
    for (Path file : files) {
      if (Files.isDirectory(file)) {
        throw new FormatException(file + ": expected a GGUF file, found a folder");
      }
      if (!Files.exists(file)) {
        throw new NoSuchFileException(file.toString());
      }
    }
    return files;
  }
}
