package dev.mamba4j.cli;

import dev.mamba4j.compress.hub.HubClient;
import dev.mamba4j.compress.hub.HubException;
import dev.mamba4j.compress.hub.HubFile;
import dev.mamba4j.compress.hub.ProgressListener;
import dev.mamba4j.compress.hub.PullPlan;
import dev.mamba4j.compress.hub.PullResult;
import dev.mamba4j.compress.hub.RepositoryReference;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Models from the Hugging Face Hub. */
@Command(
    name = "pull",
    description = {
      "Fetches a model from the Hugging Face Hub.",
      "",
      "Takes what an import needs: weights in one format, configuration, tokenizer. A pull that"
          + " was cut off goes on where it stopped. HF_ENDPOINT and HF_TOKEN are honoured."
    },
    footer = {"", "Example:", "  mamba4j pull state-spaces/mamba2-130m"})
final class PullCommand implements Callable<Integer> {
  private final Console console;

  @Parameters(
      paramLabel = "REPO",
      description = "OWNER/NAME, OWNER/NAME@REVISION, or the address of the model's page.")
  private String repository;

  @Option(
      names = "--include",
      paramLabel = "PATTERN",
      description = "Fetch the files of such names, like *.gguf; may be given more than once.")
  private List<String> include = List.of();

  @Option(
      names = "--to",
      paramLabel = "DIR",
      description = "Folder for the files (default models/NAME).")
  private Path folder;

  @Option(names = "--json", description = "Tell what was fetched as JSON.")
  private boolean json;

  PullCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    RepositoryReference reference = reference();
    Path target = folder == null ? Path.of("models", reference.folderName()) : folder;
    long start = System.nanoTime();
    PullResult result;
    console.interruption().arm();
    try (HubClient hub = HubClient.fromEnvironment(System.getenv());
        ProgressBar bar = ProgressBar.ofBytes(console)) {
      PullPlan plan = hub.plan(reference, target, include);
      result = hub.pull(plan, new Progress(bar, plan.totalBytes()));
    }
    tell(result, (System.nanoTime() - start) / 1e9);
    return ExitCode.DONE;
  }

  private RepositoryReference reference() {
    try {
      return RepositoryReference.parse(repository);
    } catch (HubException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private void tell(PullResult result, double seconds) {
    PullPlan plan = result.plan();
    if (json) {
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("repository", plan.snapshot().repository().name());
      figures.put("commit", plan.snapshot().commit());
      figures.put("folder", plan.folder().toString());
      figures.put("downloaded", result.downloaded().stream().map(HubFile::path).toList());
      figures.put("up_to_date", result.upToDate().stream().map(HubFile::path).toList());
      figures.put("bytes", plan.totalBytes());
      figures.put("seconds", seconds);
      console.printLine(Json.write(figures));
    } else {
      console.printLine(
          "%s: %s in %d files, %d of them fetched now, in %s"
              .formatted(
                  plan.folder(),
                  Figures.bytes(plan.totalBytes()),
                  plan.files().size(),
                  result.downloaded().size(),
                  Figures.seconds(seconds)));
    }
  }

  /** All files as one piece of work. */
  private final class Progress implements ProgressListener {
    private final ProgressBar bar;
    private final long total;
    private long before;

    Progress(ProgressBar bar, long total) {
      this.bar = bar;
      this.total = total;
    }

    @Override
    public void checking(HubFile file) {
      bar.update("checking " + file.path(), before, total);
    }

    @Override
    public void upToDate(HubFile file) {
      before += file.size();
    }

    @Override
    public void progress(HubFile file, long bytes) {
      bar.update(file.path(), before + bytes, total);
    }

    @Override
    public void retrying(HubFile file, String reason, Duration pause) {
      bar.clear();
      console.note(
          "%s: %s; trying again in %s"
              .formatted(file.path(), reason, Figures.seconds(pause.toMillis() / 1000.0)));
    }

    @Override
    public void completed(HubFile file) {
      before += file.size();
    }
  }
}
