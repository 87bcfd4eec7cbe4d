package dev.mamba4j.compress.hub;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Fetches model repositories from a Hugging Face endpoint. One file at a time, in the caller's
 * thread; memory does not grow with the files.
 *
 * <pre>{@code
 * try (HubClient hub = HubClient.fromEnvironment(System.getenv())) {
 *   PullPlan plan = hub.plan(RepositoryReference.parse("state-spaces/mamba2-130m"), folder, List.of());
 *   hub.pull(plan, ProgressListener.NONE);
 * }
 * }</pre>
 *
 * <p>Every method that reaches out throws {@link HubException} with one line for the user, and
 * {@link InterruptedException} if its thread is interrupted; what has arrived by then stays on disk
 * and the next pull goes on from there.
 */
public final class HubClient implements AutoCloseable {
  private final Endpoint endpoint;
  private final boolean hasToken;
  private final RetryPolicy policy;
  private final Transport transport;

  /** A client with the default patience. */
  public HubClient(Endpoint endpoint, Optional<String> token) {
    this(endpoint, token, RetryPolicy.DEFAULT);
  }

  /**
   * A client of an endpoint.
   *
   * @param token access token, sent to the endpoint only and not to hosts it redirects to
   */
  public HubClient(Endpoint endpoint, Optional<String> token, RetryPolicy policy) {
    if (token.isPresent() && !isToken(token.get())) {
      throw new IllegalArgumentException("not an access token");
    }
    this.endpoint = endpoint;
    this.hasToken = token.isPresent();
    this.policy = policy;
    this.transport = new Transport(endpoint, token, policy);
  }

  /**
   * A client for what the environment names: {@code HF_ENDPOINT}, {@code HF_TOKEN} and the other
   * variables of the official client, or the token that its login stored.
   *
   * @param variables those of the process, as {@link System#getenv()} gives them
   */
  public static HubClient fromEnvironment(Map<String, String> variables) throws HubException {
    Environment environment = new Environment(variables);
    return new HubClient(environment.endpoint(), environment.token());
  }

  /** Whether a text can be sent as a token: visible ASCII characters. */
  static boolean isToken(String text) {
    return !text.isEmpty() && text.chars().allMatch(c -> c > ' ' && c < 0x7f);
  }

  /** The server that is asked. */
  public Endpoint endpoint() {
    return endpoint;
  }

  /** Asks for the commit of a revision and its files. */
  public Snapshot snapshot(RepositoryReference repository)
      throws IOException, InterruptedException {
    return new HubApi(endpoint, transport, policy).snapshot(repository, refusal(repository));
  }

  /**
   * Asks for the files of a repository and chooses among them.
   *
   * @param folder where they shall go; need not exist
   * @param include patterns of file names: {@code *} for anything, {@code ?} for one character;
   *     none to fetch the checkpoint (its weights in one format, configuration and tokenizer), or
   *     the GGUF file if there is just that
   */
  public PullPlan plan(RepositoryReference repository, Path folder, List<String> include)
      throws IOException, InterruptedException {
    Snapshot snapshot = snapshot(repository);
    return new PullPlan(snapshot, folder, FileSelection.of(snapshot, include));
  }

  /**
   * Fetches what is not there yet. Every file appears under its name only when it is complete and
   * its checksum right; until then its bytes are in a file whose name ends in {@code .partial}.
   * Where the files come from is written to {@code .mamba4j-source.json}.
   */
  public PullResult pull(PullPlan plan, ProgressListener listener)
      throws IOException, InterruptedException {
    claim(plan);
    List<HubFile> upToDate = new ArrayList<>();
    List<HubFile> missing = new ArrayList<>();
    for (HubFile file : plan.files()) {
      (isUpToDate(file, plan.folder(), listener) ? upToDate : missing).add(file);
    }
    requireSpace(plan.folder(), missing);
    for (HubFile file : missing) {
      new Download(
              transport,
              refusal(plan.snapshot().repository()),
              policy,
              plan.snapshot(),
              file,
              listener)
          .to(file.in(plan.folder()));
    }
    SourceRecord.of(endpoint, plan.snapshot(), true).write(plan.folder());
    return new PullResult(plan, missing, upToDate);
  }

  /** Takes the folder for this repository, so that two models never mix in one. */
  private void claim(PullPlan plan) throws HubException {
    Path folder = plan.folder();
    String name = plan.snapshot().repository().name();
    Optional<SourceRecord> earlier = SourceRecord.read(folder);
    if (earlier.isPresent() && !earlier.get().repository().equalsIgnoreCase(name)) {
      throw new HubException(
          folder + ": holds files of " + earlier.get().repository() + "; choose another folder");
    }
    SourceRecord pending = SourceRecord.of(endpoint, plan.snapshot(), false);
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw HubException.local("make the folder", folder, e);
    }
    pending.write(folder);
  }

  private static boolean isUpToDate(HubFile file, Path folder, ProgressListener listener)
      throws IOException, InterruptedException {
    Path target = file.in(folder);
    if (!Files.isRegularFile(target) || Files.size(target) != file.size()) {
      return false;
    }
    listener.checking(file);
    boolean right = Partial.matches(file, target);
    if (right) {
      listener.upToDate(file);
    }
    return right;
  }

  private static void requireSpace(Path folder, List<HubFile> missing) throws HubException {
    long needed = PullPlan.total(missing);
    try {
      for (HubFile file : missing) {
        Path partial = Partial.pathFor(file, file.in(folder));
        needed -= Files.exists(partial) ? Math.min(Files.size(partial), file.size()) : 0;
      }
      FileStore store = Files.getFileStore(folder);
      // Some network file systems tell neither size nor space; then writing will show.
      if (store.getTotalSpace() > 0 && store.getUsableSpace() < needed) {
        throw new HubException(
            folder
                + ": needs "
                + ByteCount.text(needed)
                + ", but only "
                + ByteCount.text(store.getUsableSpace())
                + " are free");
      }
    } catch (HubException e) {
      throw e;
    } catch (IOException e) {
      throw HubException.local("read", folder, e);
    }
  }

  private Refusal refusal(RepositoryReference repository) {
    return new Refusal(endpoint, repository, hasToken);
  }

  /** Ends all that is under way. */
  @Override
  public void close() {
    transport.close();
  }
}
