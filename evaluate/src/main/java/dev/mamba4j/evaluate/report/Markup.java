package dev.mamba4j.evaluate.report;

import java.util.Locale;
import java.util.Set;

/** An element of HTML or SVG. What goes in is escaped, so that no text can become markup. */
final class Markup {
  private static final Set<String> WITHOUT_CONTENT = Set.of("meta", "link");
  private static final char REPLACEMENT = '\ufffd';

  private final String name;
  private final StringBuilder attributes = new StringBuilder();
  private final StringBuilder content = new StringBuilder();

  private Markup(String name) {
    this.name = name;
  }

  /** An empty element. */
  static Markup of(String name) {
    return new Markup(name);
  }

  /** An empty element of a class. */
  static Markup of(String name, String className) {
    return of(name).with("class", className);
  }

  /** Adds an attribute. */
  Markup with(String attribute, String value) {
    attributes.append(' ').append(attribute).append("=\"").append(escape(value)).append('"');
    return this;
  }

  /** Adds an attribute in units of a drawing: a tenth of a pixel is exact enough. */
  Markup with(String attribute, double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return with(attribute, text.endsWith(".0") ? text.substring(0, text.length() - 2) : text);
  }

  /** Adds text. */
  Markup text(String text) {
    content.append(escape(text));
    return this;
  }

  /** Adds an element, as it is now. */
  Markup add(Markup child) {
    content.append(child);
    return this;
  }

  /** Adds elements in turn. */
  Markup add(Iterable<Markup> children) {
    children.forEach(this::add);
    return this;
  }

  /** A style sheet, whose text HTML takes as it is. */
  static Markup style(String css) {
    if (css.contains("</")) {
      throw new IllegalArgumentException("a style sheet cannot hold </");
    }
    Markup style = of("style");
    style.content.append(css);
    return style;
  }

  /** Characters that mean something to HTML, and those that it does not allow. */
  private static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.append("&amp;");
        case '<' -> escaped.append("&lt;");
        case '>' -> escaped.append("&gt;");
        case '"' -> escaped.append("&quot;");
        case '\n', '\t' -> escaped.append(c);
        default -> escaped.append(isAllowed(text, i) ? c : REPLACEMENT);
      }
    }
    return escaped.toString();
  }

  private static boolean isAllowed(String text, int at) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1));
    }
    if (Character.isLowSurrogate(c)) {
      return at > 0 && Character.isHighSurrogate(text.charAt(at - 1));
    }
    return !Character.isISOControl(c) && c < 0xfffe;
  }

  /** The element as text. */
  @Override
  public String toString() {
    String start = "<" + name + attributes + ">";
    return WITHOUT_CONTENT.contains(name) ? start : start + content + "</" + name + ">";
  }
}
