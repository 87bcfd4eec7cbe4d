package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file with a line of JSON for each question asked, from which an evaluation that was cut short
 * goes on. The first line tells of what model the answers are.
 */
public final class SampleLog implements AutoCloseable {
  private static final int HASH_BYTES = 8;

  private final Map<String, List<Response>> known = new HashMap<>();
  private final OutputStream out; // not a channel, which an interruption would close

  private SampleLog(OutputStream out) {
    this.out = out;
  }

  /** Keeps nothing. */
  public static SampleLog none() {
    return new SampleLog(OutputStream.nullOutputStream());
  }

  /**
   * Opens a file, new or with answers.
   *
   * @param model what tells the model from others
   * @throws FormatException if the file holds something else, or answers of another model
   */
  public static SampleLog open(Path file, Map<String, Object> model) throws IOException {
    String first = Json.write(model);
    String text = Files.exists(file) ? Files.readString(file) : "";
    String whole = text.substring(0, text.lastIndexOf('\n') + 1); // the last may be cut short
    List<String> lines = whole.lines().toList();
    boolean ours = lines.isEmpty() ? first.startsWith(text) : lines.getFirst().equals(first);
    if (!ours) {
      throw new FormatException(
          "%s: line 1: expected answers of this model, %s; choose another file"
              .formatted(file, first));
    }
    Map<String, List<Response>> answers = new HashMap<>();
    for (int i = 1; i < lines.size(); i++) {
      remember(answers, lines.get(i), file + ": line " + (i + 1));
    }
    if (!text.isEmpty()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(whole.getBytes(StandardCharsets.UTF_8).length);
      }
    }
    SampleLog log = new SampleLog(new FileOutputStream(file.toFile(), true));
    log.known.putAll(answers);
    if (lines.isEmpty()) {
      log.write(model);
    }
    return log;
  }

  private static void remember(Map<String, List<Response>> answers, String line, String where)
      throws FormatException {
    JsonObject row = JsonObject.of(where, Json.parse(line, where));
    List<Response> responses = new ArrayList<>();
    for (Object each : row.list("resps")) {
      if (!(each instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof Number logLikelihood
          && pair.get(1) instanceof Boolean greedy)) {
        throw Rows.wrong(row, "resps", "pairs of a log-likelihood and true or false");
      }
      responses.add(new Response(logLikelihood.doubleValue(), greedy));
    }
    String key = key(row.string("task"), row.integer("doc_id"), row.string("prompt_hash"));
    answers.put(key, responses);
  }

  /** The answers to a question, if it was asked before in the same words. */
  Optional<List<Response>> find(Task task, int number, Item item) {
    return Optional.ofNullable(known.get(key(task.name(), number, hash(item))));
  }

  private static String key(String task, long number, String hash) {
    return task + " " + number + " " + hash;
  }

  /** Keeps the answers to a question; they are in the file when this returns. */
  void add(Task task, int number, Item item, List<Response> responses) throws IOException {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("task", task.name());
    row.put("doc_id", number);
    row.put("prompt_hash", hash(item));
    row.put("target", item.gold());
    row.put("resps", responses.stream().map(r -> List.of(r.logLikelihood(), r.greedy())).toList());
    for (Metric metric : task.metrics()) {
      row.put(metric.toString(), metric.of(item, responses));
    }
    write(row);
  }

  private void write(Map<String, Object> row) throws IOException {
    out.write((Json.write(row) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static String hash(Item item) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Request request : item.requests()) {
        String text = request.context() + "\0" + request.continuation() + "\0";
        digest.update(text.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, HASH_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
