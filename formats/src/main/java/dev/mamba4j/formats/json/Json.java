package dev.mamba4j.formats.json;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads and writes JSON as plain Java values: Map (in document order), List, String, Long, Double,
 * Boolean, null. Whole numbers beyond a long become doubles. Python's {@code NaN} and {@code
 * Infinity} are read, since checkpoints hold them; they are written as null.
 */
public final class Json {
  private static final int MAX_DEPTH = 64;
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(400)
                  .maxStringLength(64 << 20)
                  .maxNameLength(1 << 20)
                  .build())
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private Json() {}

  /** The object that a file holds. */
  public static JsonObject read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return JsonObject.of(file.toString(), parse(in, file.toString()));
    }
  }

  /**
   * The one value of a stream.
   *
   * @param where name of the source, for messages
   * @throws FormatException with line and column if it is not JSON
   */
  public static Object parse(InputStream in, String where) throws IOException {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), in)) {
      return document(parser, where);
    } catch (JacksonException e) {
      throw broken(e, where);
    }
  }

  /** The one value of a text; see {@link #parse(InputStream, String)}. */
  public static Object parse(String text, String where) throws FormatException {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      return document(parser, where);
    } catch (JacksonException e) {
      throw broken(e, where);
    }
  }

  /** The text of a value, on one line. */
  public static String write(Object value) {
    StringWriter out = new StringWriter();
    try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
      write(generator, value);
    }
    return out.toString();
  }

  private static Object document(JsonParser parser, String where) throws FormatException {
    JsonToken token = parser.nextToken();
    if (token == null) {
      throw new FormatException(where + ": expected JSON, found nothing");
    }
    Object value = value(parser, token);
    if (parser.nextToken() != null) {
      throw new FormatException(
          where + ": expected the end after the JSON value" + place(parser.currentTokenLocation()));
    }
    return value;
  }

  private static Object value(JsonParser parser, JsonToken token) {
    return switch (token) {
      case START_OBJECT -> {
        Map<String, Object> fields = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          fields.put(name, value(parser, parser.nextToken()));
        }
        yield fields;
      }
      case START_ARRAY -> {
        List<Object> elements = new ArrayList<>();
        JsonToken next;
        while ((next = parser.nextToken()) != JsonToken.END_ARRAY) {
          elements.add(value(parser, next));
        }
        yield elements;
      }
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT -> integer(parser);
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new IllegalStateException("unexpected token " + token);
    };
  }

  private static Number integer(JsonParser parser) {
    return switch (parser.getNumberType()) {
      case INT, LONG -> parser.getLongValue();
      default -> parser.getDoubleValue();
    };
  }

  private static void write(JsonGenerator out, Object value) {
    switch (value) {
      case null -> out.writeNull();
      case Map<?, ?> fields -> {
        out.writeStartObject();
        fields.forEach(
            (name, field) -> {
              out.writeName(name.toString());
              write(out, field);
            });
        out.writeEndObject();
      }
      case Iterable<?> elements -> {
        out.writeStartArray();
        elements.forEach(element -> write(out, element));
        out.writeEndArray();
      }
      case Boolean truth -> out.writeBoolean(truth);
      case Integer number -> out.writeNumber(number);
      case Long number -> out.writeNumber(number);
      case Number number -> writeReal(out, number);
      default -> out.writeString(value.toString());
    }
  }

  private static void writeReal(JsonGenerator out, Number number) {
    if (!Double.isFinite(number.doubleValue())) {
      out.writeNull();
    } else if (number instanceof Float) {
      out.writeNumber(number.floatValue());
    } else {
      out.writeNumber(number.doubleValue());
    }
  }

  private static FormatException broken(JacksonException e, String where) {
    String reason = e.getOriginalMessage().lines().findFirst().orElse("unreadable");
    return new FormatException(where + ": not valid JSON" + place(e.getLocation()) + ": " + reason);
  }

  private static String place(TokenStreamLocation location) {
    return location == null || location.getLineNr() < 0
        ? ""
        : " at line " + location.getLineNr() + ", column " + location.getColumnNr();
  }
}
