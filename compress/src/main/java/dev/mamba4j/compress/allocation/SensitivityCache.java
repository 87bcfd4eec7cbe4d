package dev.mamba4j.compress.allocation;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.PartialFile;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * Measured numbers by name in a small JSON file, written after each: work that was cut short goes
 * on from there, and another goal for the same model and text needs no new measurements.
 */
final class SensitivityCache {
  private static final String ORIGIN = "origin";
  private static final String VALUES = "values";

  private final Path file;
  private final String origin;
  private final Map<String, Object> values = new LinkedHashMap<>();

  private SensitivityCache(Path file, String origin) {
    this.file = file;
    this.origin = origin;
  }

  /**
   * Opens a cache; one of another origin, or a damaged one, is empty and will be replaced.
   *
   * @param origin names what is measured
   */
  static SensitivityCache open(Path file, String origin) throws IOException {
    SensitivityCache cache = new SensitivityCache(file, origin);
    if (Files.exists(file)) {
      try {
        JsonObject stored = Json.read(file);
        if (stored.string(ORIGIN).equals(origin)) {
          cache.values.putAll(stored.object(VALUES).fields());
        }
      } catch (FormatException _) {
        // Measured again.
      }
    }
    return cache;
  }

  OptionalDouble get(String name) {
    return values.get(name) instanceof Number number
        ? OptionalDouble.of(number.doubleValue())
        : OptionalDouble.empty();
  }

  void put(String name, double value) throws IOException {
    values.put(name, value);
    Map<String, Object> all = new LinkedHashMap<>();
    all.put(ORIGIN, origin);
    all.put(VALUES, values);
    PartialFile partial = PartialFile.create(file);
    try {
      partial.write(ByteBuffer.wrap(Json.write(all).getBytes(StandardCharsets.UTF_8)));
      partial.commit();
    } catch (IOException e) {
      partial.discard();
      throw e;
    }
  }
}
