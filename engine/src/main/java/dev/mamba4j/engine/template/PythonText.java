package dev.mamba4j.engine.template;

import java.util.List;
import java.util.Map;

/** Values as text: what Python's {@code str} and {@code repr} give, and JSON. */
final class PythonText {
  private static final int DEEPEST = 64;

  private final Text.Builder out;
  private final Style style;
  private final int indent; // spaces of each level of JSON; -1 for one line

  private enum Style {
    REPR,
    JSON
  }

  private PythonText(Style style, int indent, Budget budget) {
    out = new Text.Builder(budget);
    this.style = style;
    this.indent = indent;
  }

  /** What is printed. */
  static Text str(Object value, Budget budget) {
    return switch (value) {
      case Text text -> text;
      case Undefined _ -> Text.EMPTY;
      case null, default -> repr(value, budget);
    };
  }

  /** As it would stand in a program: texts in quotes. */
  static Text repr(Object value, Budget budget) {
    PythonText text = new PythonText(Style.REPR, -1, budget);
    text.write(value, 0);
    return text.out.toText();
  }

  /** As {@code json.dumps} with {@code ensure_ascii=False}; on one line if indent is negative. */
  static Text json(Object value, int indent, Budget budget) {
    PythonText text = new PythonText(Style.JSON, indent, budget);
    text.write(value, 0);
    return text.out.toText();
  }

  private void write(Object value, int depth) {
    if (depth > DEEPEST) {
      throw TemplateException.of("a value is nested more than " + DEEPEST + " deep");
    }
    boolean json = style == Style.JSON;
    switch (value) {
      case null -> out.append(json ? "null" : "None");
      case Boolean bool when json -> out.append(bool.toString());
      case Boolean bool -> out.append(bool ? "True" : "False");
      case Long number -> out.append(number.toString());
      case Double number -> out.append(number.toString());
      case Text text -> writeText(text);
      case List<?> list -> writeList(list, depth);
      case Map<?, ?> map -> writeMap(map, depth);
      case Undefined missing when json -> throw missing.error();
      default -> {
        if (json) {
          throw TemplateException.of(Values.kind(value) + " is not to be had as JSON");
        }
        out.append(value instanceof Namespace ? "<Namespace>" : "<" + Values.kind(value) + ">");
      }
    }
  }

  private void writeList(List<?> list, int depth) {
    out.append("[");
    boolean first = true;
    for (Object element : list) {
      separate(first, depth + 1);
      write(element, depth + 1);
      first = false;
    }
    close(first, depth);
    out.append("]");
  }

  private void writeMap(Map<?, ?> map, int depth) {
    out.append("{");
    boolean first = true;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      separate(first, depth + 1);
      write(entry.getKey(), depth + 1);
      out.append(": ");
      write(entry.getValue(), depth + 1);
      first = false;
    }
    close(first, depth);
    out.append("}");
  }

  private void separate(boolean first, int depth) {
    if (indent < 0) {
      out.append(first ? "" : ", ");
    } else {
      out.append(first ? "\n" : ",\n").append(" ".repeat(indent * depth));
    }
  }

  private void close(boolean empty, int depth) {
    if (indent >= 0 && !empty) {
      out.append("\n").append(" ".repeat(indent * depth));
    }
  }

  private void writeText(Text text) {
    String value = text.toString();
    boolean single = style == Style.REPR && (value.indexOf('\'') < 0 || value.indexOf('"') >= 0);
    char quote = single ? '\'' : '"';
    out.append(String.valueOf(quote));
    int from = 0;
    for (int i = 0; i < value.length(); i++) {
      String escape = escape(value.charAt(i), quote);
      if (escape != null) {
        out.append(text.substring(from, i)).append(escape);
        from = i + 1;
      }
    }
    out.append(text.substring(from, text.length())).append(String.valueOf(quote));
  }

  /** What stands for a character, or null for itself. */
  private String escape(char c, char quote) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\\' -> "\\\\";
      default -> {
        if (c == quote) {
          yield "\\" + c;
        }
        if (style == Style.JSON && (c == '\b' || c == '\f')) {
          yield c == '\b' ? "\\b" : "\\f";
        }
        if (c < ' ' || (c == 0x7F && style == Style.REPR)) {
          yield (style == Style.JSON ? "\\u%04x" : "\\x%02x").formatted((int) c);
        }
        yield null;
      }
    };
  }
}
