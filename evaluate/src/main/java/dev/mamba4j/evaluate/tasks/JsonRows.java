package dev.mamba4j.evaluate.tasks;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads JSON lines: UTF-8, an object a line; empty lines are left out. */
final class JsonRows {
  private JsonRows() {}

  /**
   * The rows of a file; each knows its line, from 1.
   *
   * @throws FormatException naming the line that is not a JSON object
   */
  static List<JsonObject> read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    List<JsonObject> rows = new ArrayList<>();
    int line = 1;
    for (int from = 0; from < bytes.length; line++) {
      int to = end(bytes, from);
      String where = file + ": line " + line;
      String text = text(ByteBuffer.wrap(bytes, from, to - from), where);
      if (!text.isBlank()) {
        rows.add(row(text, where));
      }
      from = to + 1;
    }
    return rows;
  }

  private static JsonObject row(String line, String where) throws FormatException {
    try {
      return JsonObject.of(where, Json.parse(line, where));
    } catch (FormatException e) {
      String message = e.getMessage().replace(" at line 1, column", " at column"); // of the line
      throw new FormatException(message + "; each line holds a row as a JSON object", e);
    }
  }

  /** Where a line ends: at the next newline, or with the file. */
  private static int end(byte[] bytes, int from) {
    int end = from;
    while (end < bytes.length && bytes[end] != '\n') {
      end++;
    }
    return end;
  }

  private static String text(ByteBuffer line, String where) throws FormatException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(line).toString();
    } catch (CharacterCodingException e) {
      throw new FormatException(
          where + ": expected a JSON object in UTF-8, found other bytes; convert the file to UTF-8",
          e);
    }
  }
}
