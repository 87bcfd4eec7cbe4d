package dev.mamba4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The published table, for a real model, on this machine. */
@Command(
    name = "reproduce",
    description = {
      "Fetches a model, compresses it, asks it the four tasks, measures it and writes the report,"
          + " which says which of the published figures were met: Mamba2-2.7b in INT8 at 5.4"
          + " tokens/s in 2.87 GB, less than 3 %% of accuracy lost (Orange Pi 5 Ultra).",
      "",
      "What is done is kept in a folder: started again, it goes on where it stopped."
    },
    footer = {
      "",
      "Examples:",
      "  mamba4j reproduce --model state-spaces/mamba2-2.7b --data data",
      "  mamba4j reproduce --model models/mamba2-130m --data data --limit 200 --text wiki.test.raw"
    })
final class ReproduceCommand implements Callable<Integer> {
  private final Console console;

  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "REPO|DIR",
      description = "A repository of the Hugging Face Hub, or the folder of a checkpoint.")
  private String model;

  @Option(
      names = "--types",
      split = ",",
      paramLabel = "TYPE",
      description = "Types to make; Q8_0 must be among them (default Q8_0,Q4_0,Q4_K).")
  private List<String> types = List.of("Q8_0", "Q4_0", "Q4_K");

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Folder for all files (default: reproduce, here).")
  private Path folder = Path.of("reproduce");

  @Mixin private ReportOptions options;

  ReproduceCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (!types.contains(PublishedFigures.TYPE)) {
      throw new UsageException("--types must hold Q8_0, of which the published figures are");
    }
    if (options.data().isEmpty()) {
      throw new UsageException("the tasks need their questions: --data DIR");
    }
    options.defaultTasks(PublishedFigures.TASKS);
    options.check();
    Files.createDirectories(folder);
    Path checkpoint = checkpoint();
    List<Path> files = new Compression(console, folder).run(checkpoint, types, options.text());
    Path page = folder.resolve("report.html");
    String command = Report.commandLine(spec.root().commandLine().getParseResult().originalArgs());
    Report report = new Report(console, options, page, Report.beside(page), command);
    Map<String, Object> document = report.measure(files);
    List<PublishedFigures.Claim> claims = PublishedFigures.compare(document);
    document.put("published", claims.stream().map(PublishedFigures.Claim::json).toList());
    report.write(document);
    console.print(PublishedFigures.table(claims));
    return ExitCode.DONE;
  }

  private Path checkpoint() throws IOException {
    if (Files.isDirectory(Path.of(model))) {
      return Path.of(model);
    }
    Path target = folder.resolve(model.substring(model.lastIndexOf('/') + 1));
    console.note("fetching " + model);
    new Child(console).run(List.of("pull", model, "--to", target.toString()));
    return target;
  }
}
