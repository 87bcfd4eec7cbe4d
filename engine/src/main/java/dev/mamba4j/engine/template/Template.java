package dev.mamba4j.engine.template;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A template that makes a text of values:
 *
 * <pre>{@code
 * Template.of("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")
 *     .render(Map.of("bos_token", "<s>", "messages", messages))
 * }</pre>
 *
 * Immutable, and safe to share among threads. What it may do is bounded: about a million
 * evaluations and 64 million characters.
 */
public final class Template {
  private static final int MAX_LENGTH = 1 << 20;

  private final List<Node> nodes;
  private final Supplier<LocalDateTime> clock;

  private Template(List<Node> nodes, Supplier<LocalDateTime> clock) {
    this.nodes = nodes;
    this.clock = clock;
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException if it is not understood
   */
  public static Template of(String source) {
    return of(source, LocalDateTime::now);
  }

  /** Reads a template whose {@code strftime_now} tells another time. */
  static Template of(String source, Supplier<LocalDateTime> clock) {
    if (source.length() > MAX_LENGTH) {
      throw TemplateException.at(1, "it is longer than " + MAX_LENGTH + " characters");
    }
    try {
      return new Template(TemplateParser.parse(source), clock);
    } catch (StackOverflowError _) {
      throw TemplateException.at(1, "it is nested too deeply");
    }
  }

  /**
   * The text that the template makes.
   *
   * @param values by name: {@link Text}, String (which counts as the template's own), Boolean,
   *     Integer, Long, Double, null, and lists and maps of these by String
   * @throws TemplateException if it fails, refuses the values, or does too much
   */
  public Text render(Map<String, ?> values) {
    Budget budget = new Budget();
    Map<String, Object> names = new HashMap<>(Functions.all(clock));
    values.forEach((name, value) -> names.put(name, own(value)));
    Text.Builder out = new Text.Builder(budget);
    try {
      Node.run(nodes, Scope.of(names, budget), out);
    } catch (StackOverflowError _) {
      throw TemplateException.at(1, "it is nested too deeply");
    }
    return out.toText();
  }

  private static Object own(Object value) {
    return switch (value) {
      case String text -> Text.written(text);
      case Integer number -> (long) number;
      case List<?> list -> {
        List<Object> elements = new ArrayList<>();
        list.forEach(element -> elements.add(own(element)));
        yield elements;
      }
      case Map<?, ?> map -> {
        Map<Text, Object> entries = new LinkedHashMap<>();
        map.forEach((key, entry) -> entries.put(Text.written((String) key), own(entry)));
        yield entries;
      }
      case null, default -> value;
    };
  }
}
