package dev.mamba4j.cli;

import dev.mamba4j.engine.SessionFolder;
import dev.mamba4j.formats.json.Json;
import java.io.IOException;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The chats that are kept. */
@Command(
    name = "sessions",
    description = "Lists the chats kept with chat --session, the one saved last first.",
    footer = {"", "Examples:", "  mamba4j sessions", "  mamba4j sessions --delete pets"})
final class SessionsCommand implements Callable<Integer> {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm");

  private final Console console;

  @Option(names = "--delete", paramLabel = "NAME", description = "Delete one; may be repeated.")
  private List<String> deleted = List.of();

  @Option(names = "--json", description = "Give the list as JSON.")
  private boolean json;

  @Mixin private SessionPlace place;

  SessionsCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    SessionFolder folder = place.folder();
    for (String name : deleted) {
      try {
        if (!folder.delete(name)) {
          throw new UsageException("there is no session \"" + name + "\"; see mamba4j sessions");
        }
      } catch (IllegalArgumentException e) {
        throw new UsageException(e);
      }
    }
    List<SessionFolder.Entry> entries = folder.list();
    if (json) {
      console.print(Json.write(entries.stream().map(SessionsCommand::describe).toList()) + "\n");
    } else if (deleted.isEmpty()) {
      console.print(table(entries));
    }
    return ExitCode.DONE;
  }

  private static Map<String, Object> describe(SessionFolder.Entry entry) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("name", entry.name());
    object.put("tokens", entry.tokens());
    object.put("bytes", entry.bytes());
    object.put("saved", entry.saved().truncatedTo(ChronoUnit.SECONDS).toString());
    return object;
  }

  private static String table(List<SessionFolder.Entry> entries) {
    TextTable table = new TextTable("name", ">tokens", ">size", "saved");
    for (SessionFolder.Entry entry : entries) {
      table.row(
          entry.name(),
          Integer.toString(entry.tokens()),
          Figures.bytes(entry.bytes()),
          TIME.format(entry.saved().atZone(ZoneId.systemDefault())));
    }
    return table.toString();
  }
}
