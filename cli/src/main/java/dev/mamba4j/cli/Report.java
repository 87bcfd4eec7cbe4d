package dev.mamba4j.cli;

import dev.mamba4j.evaluate.report.ReportPage;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Measures a set of files and writes what came out as a page and as JSON. */
final class Report {
  private final Console console;
  private final ReportOptions options;
  private final Path page;
  private final Path json;
  private final String command;

  /**
   * @param json beside the page, or elsewhere
   * @param command what the user typed
   */
  Report(Console console, ReportOptions options, Path page, Path json, String command) {
    this.console = console;
    this.options = options;
    this.page = page;
    this.json = json;
    this.command = command;
  }

  /** The name of the JSON that goes with a page. */
  static Path beside(Path page) {
    String name = page.getFileName().toString().replaceFirst("\\.html?$", "");
    return page.resolveSibling(name + ".json");
  }

  /** A command as it would be typed. */
  static String commandLine(List<String> arguments) {
    return arguments.stream()
        .map(
            word -> word.matches("[\\w@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" ", "mamba4j ", ""));
  }

  /**
   * Measures; what an earlier run has measured is taken from there.
   *
   * @param files the first is what others are compared with
   */
  Map<String, Object> measure(List<Path> files) throws IOException {
    List<ModelFacts> models = new ArrayList<>();
    for (Path file : files) {
      models.add(ModelFacts.of(file, options.modelOptions()));
    }
    ModelFacts base = models.getFirst();
    Machine machine = Machine.read(Path.of("/"));
    Path folder = beside(page).resolveSibling(stem(page) + ".steps").toAbsolutePath();
    Files.createDirectories(folder);
    String place = machine.cpu() + ", " + base.kernels() + ", " + base.threads() + " threads";
    console.interruption().arm();
    ModelMeasurements measurements = new ModelMeasurements(console, options, folder, place);
    List<String> names = names(models);
    List<Map<String, Object>> results = new ArrayList<>();
    for (int i = 0; i < models.size(); i++) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("name", names.get(i));
      result.putAll(measurements.measure(models.get(i), base));
      results.add(result);
    }
    measurements.finish();
    Map<String, Object> document = new LinkedHashMap<>();
    document.put("title", title(models));
    document.put("command", command);
    document.put("date", now());
    document.put("version", RootCommand.Version.version());
    document.put("machine", machine(machine, base));
    document.put("settings", settings());
    document.put("notes", measurements.notes());
    document.put("models", results);
    return document;
  }

  private static String stem(Path page) {
    return page.getFileName().toString().replaceFirst("\\.html?$", "");
  }

  /** Writes both files; the page is made of the JSON as it was written. */
  void write(Map<String, Object> document) throws IOException {
    String text = Json.write(document);
    JsonObject written = JsonObject.of(json.toString(), Json.parse(text, json.toString()));
    Files.writeString(json, text + "\n", StandardCharsets.UTF_8);
    Files.writeString(page, ReportPage.of(written.fields()), StandardCharsets.UTF_8);
    console.note("wrote " + page + " and " + json);
  }

  private static String now() {
    return ZonedDateTime.now(ZoneOffset.UTC)
        .format(DateTimeFormatter.ofPattern("d MMMM yyyy, HH:mm 'UTC'", Locale.ENGLISH));
  }

  private static Map<String, Object> machine(Machine machine, ModelFacts any) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("cpu", machine.cpu());
    facts.put("cores", machine.cores());
    facts.put("memory_bytes", machine.memoryBytes() > 0 ? machine.memoryBytes() : null);
    facts.put(
        "system",
        "%s %s, %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("os.arch")));
    facts.put("java", Runtime.version().toString());
    facts.put("kernels", any.kernels());
    facts.put("threads", any.threads());
    return facts;
  }

  private Map<String, Object> settings() throws IOException {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("text", options.text().map(Path::toString).orElse(null));
    settings.put("windows", options.windows());
    settings.put("data", options.data().map(Path::toString).orElse(null));
    settings.put("tasks", options.tasks());
    settings.put("limit", options.limit().orElse(null));
    settings.put("prompt", options.prompt());
    settings.put("tokens", options.tokens());
    settings.put("repeats", options.repeats());
    settings.put("prompt_tokens", ModelMeasurements.PROMPT_TOKENS);
    settings.put("decoded_tokens", ModelMeasurements.DECODED_TOKENS);
    return settings;
  }

  /** What the names of all files begin with, as far as it is whole words. */
  private static String common(List<ModelFacts> models) {
    String common = models.getFirst().stem();
    for (ModelFacts model : models) {
      while (!(model.stem() + "-").startsWith(common + "-")) {
        common = common.substring(0, Math.max(0, common.lastIndexOf('-')));
        if (common.isEmpty()) {
          return "";
        }
      }
    }
    return models.size() == 1 ? "" : common;
  }

  /** What tells a file from the others; of one that is called what all are called, its type. */
  private static List<String> names(List<ModelFacts> models) {
    String common = common(models);
    List<String> names = new ArrayList<>();
    for (ModelFacts model : models) {
      String rest = common.isEmpty() ? model.stem() : model.stem().substring(common.length());
      String name = rest.startsWith("-") ? rest.substring(1) : rest;
      names.add(name.isEmpty() ? model.type().name() : name);
    }
    return names;
  }

  private static String title(List<ModelFacts> models) {
    Object general = models.getFirst().json().get("general_name");
    String common = common(models);
    String subject = general != null ? general.toString() : models.getFirst().stem();
    return (common.isEmpty() ? subject : common) + ": what compression costs and brings";
  }
}
