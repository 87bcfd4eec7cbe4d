package dev.mamba4j.engine.template;

import dev.mamba4j.engine.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens. White space is as Jinja has it with {@code trim_blocks} and {@code
 * lstrip_blocks}: a statement or comment alone on its line leaves nothing of that line, {@code -}
 * inside a tag strips all blanks there, {@code +} none.
 */
final class Lexer {
  /** Longest first where one begins with another. */
  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",");

  private static final String STATEMENT_END = "%}";
  private static final String COMMENT_END = "#}";

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private boolean lineStarting = true; // what came before ends a line

  private Lexer(String source) {
    this.source = source;
  }

  /** The tokens of a template, the last of which is {@link Kind#END}. */
  static List<Token> read(String source) {
    String unix = source.replace("\r\n", "\n").replace('\r', '\n');
    Lexer lexer = new Lexer(unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix);
    lexer.readAll();
    return lexer.tokens;
  }

  private void readAll() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        addText(source.substring(at));
        advance(source.length());
      } else {
        readTag(tag);
      }
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  private void readTag(int tag) {
    char kind = source.charAt(tag + 1);
    char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
    String text = source.substring(at, tag);
    if (sign == '-') {
      text = text.stripTrailing();
    } else if (kind != '{' && sign != '+') {
      int lineStart = text.lastIndexOf('\n') + 1;
      if ((lineStart > 0 || lineStarting) && text.substring(lineStart).isBlank()) {
        text = text.substring(0, lineStart);
      }
    }
    addText(text);
    advance(tag + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    switch (kind) {
      case '{' -> readCode(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
      case '%' -> readStatement();
      default -> readComment();
    }
  }

  private void addText(String text) {
    if (!text.isEmpty()) {
      add(Kind.TEXT, text);
    }
  }

  private void readComment() {
    int end = source.indexOf(COMMENT_END, at);
    if (end < 0) {
      throw TemplateException.at(line, "a comment has no end");
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    advance(end + COMMENT_END.length());
    endTag(sign, true);
  }

  private void readStatement() {
    int from = at;
    if (word().equals("raw")) {
      skipBlanks();
      endRawTag();
      readRaw();
    } else {
      at = from;
      readCode(Kind.STATEMENT_BEGIN, Kind.STATEMENT_END, STATEMENT_END);
    }
  }

  private String word() {
    skipBlanks();
    int from = at;
    while (at < source.length() && Character.isJavaIdentifierPart(source.charAt(at))) {
      at++;
    }
    return source.substring(from, at);
  }

  private void endRawTag() {
    char sign = at < source.length() ? source.charAt(at) : ' ';
    int end = sign == '-' || sign == '+' ? at + 1 : at;
    if (!source.startsWith(STATEMENT_END, end)) {
      throw TemplateException.at(line, "expected the end of the tag");
    }
    advance(end + STATEMENT_END.length());
    endTag(sign, true);
  }

  private void readRaw() {
    for (int i = source.indexOf("{%", at); i >= 0; i = source.indexOf("{%", i + 1)) {
      int before = at;
      char sign = i + 2 < source.length() ? source.charAt(i + 2) : ' ';
      at = i + 2 + (sign == '-' || sign == '+' ? 1 : 0);
      boolean ends = word().equals("endraw");
      int behind = at;
      at = before;
      if (ends) {
        String text = source.substring(at, i);
        addText(sign == '-' ? text.stripTrailing() : text);
        advance(behind);
        skipBlanks();
        endRawTag();
        return;
      }
    }
    throw TemplateException.at(line, "raw has no endraw");
  }

  /** Reads up to the end of a tag; braces inside must be in pairs. */
  private void readCode(Kind begin, Kind endKind, String end) {
    add(begin, "");
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      skipBlanks();
      if (at == source.length()) {
        throw TemplateException.at(line, "a tag has no end");
      }
      char c = source.charAt(at);
      boolean sign = c == '-' || (c == '+' && endKind == Kind.STATEMENT_END);
      boolean signed = sign && source.startsWith(end, at + 1);
      if (open.isEmpty() && (signed || source.startsWith(end, at))) {
        add(endKind, end);
        advance(at + end.length() + (signed ? 1 : 0));
        endTag(signed ? c : ' ', endKind == Kind.STATEMENT_END);
        return;
      }
      readToken(c, open);
    }
  }

  /** After the end of a tag: the first line break belongs to a statement or comment. */
  private void endTag(char sign, boolean trims) {
    lineStarting = false;
    if (sign == '-') {
      int from = at;
      skipBlanks();
      lineStarting = at > from && source.charAt(at - 1) == '\n';
    } else if (trims && sign != '+' && source.startsWith("\n", at)) {
      advance(at + 1);
      lineStarting = true;
    }
  }

  private void readToken(char c, Deque<Character> open) {
    if (Character.isJavaIdentifierStart(c)) {
      int from = at;
      word();
      add(Kind.NAME, source.substring(from, at));
    } else if (c >= '0' && c <= '9') {
      readNumber();
    } else if (c == '"' || c == '\'') {
      readString(c);
    } else {
      readOperator(c, open);
    }
  }

  private void readOperator(char c, Deque<Character> open) {
    String operator =
        OPERATORS.stream()
            .filter(known -> source.startsWith(known, at))
            .findFirst()
            .orElseThrow(() -> TemplateException.at(line, "unexpected character '" + c + "'"));
    switch (c) {
      case '(', '[', '{' -> open.push(c == '(' ? ')' : c == '[' ? ']' : '}');
      case ')', ']', '}' -> {
        if (open.isEmpty() || open.pop() != c) {
          throw TemplateException.at(line, "unexpected '" + c + "'");
        }
      }
      default -> {}
    }
    add(Kind.OPERATOR, operator);
    at += operator.length();
  }

  private void readNumber() {
    int from = at;
    digits();
    boolean whole = true;
    if (at + 1 < source.length() && source.charAt(at) == '.' && isDigit(at + 1)) {
      at++;
      digits();
      whole = false;
    }
    if (at < source.length() && "eE".indexOf(source.charAt(at)) >= 0) {
      boolean signed = at + 1 < source.length() && "+-".indexOf(source.charAt(at + 1)) >= 0;
      if (isDigit(at + (signed ? 2 : 1))) {
        at += signed ? 2 : 1;
        digits();
        whole = false;
      }
    }
    add(whole ? Kind.INTEGER : Kind.FLOAT, source.substring(from, at).replace("_", ""));
  }

  private boolean isDigit(int index) {
    return index < source.length() && source.charAt(index) >= '0' && source.charAt(index) <= '9';
  }

  private void digits() {
    while (isDigit(at) || (at < source.length() && source.charAt(at) == '_')) {
      at++;
    }
  }

  private void readString(char quote) {
    int begin = line;
    StringBuilder text = new StringBuilder();
    int i = at + 1;
    while (i < source.length() && source.charAt(i) != quote) {
      if (source.charAt(i) == '\\' && i + 1 < source.length()) {
        i = readEscape(i + 1, text);
      } else {
        text.append(source.charAt(i++));
      }
    }
    if (i == source.length()) {
      throw TemplateException.at(begin, "a string has no end");
    }
    tokens.add(new Token(Kind.STRING, text.toString(), begin));
    advance(i + 1);
  }

  /** Python's escapes; where one is none, the backslash stays. */
  private int readEscape(int index, StringBuilder text) {
    char c = source.charAt(index);
    String plain = "ntrbf\\'\"";
    int known = plain.indexOf(c);
    if (known >= 0) {
      text.append("\n\t\r\b\f\\'\"".charAt(known));
      return index + 1;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    if (digits > 0 && index + digits < source.length()) {
      String hex = source.substring(index + 1, index + 1 + digits);
      if (hex.chars().allMatch(digit -> Character.digit(digit, 16) >= 0)) {
        text.append((char) Integer.parseInt(hex, 16));
        return index + 1 + digits;
      }
    }
    if (c != '\n') {
      text.append('\\').append(c);
    }
    return index + 1;
  }

  private void skipBlanks() {
    int to = at;
    while (to < source.length() && Character.isWhitespace(source.charAt(to))) {
      to++;
    }
    advance(to);
  }

  private void advance(int to) {
    line += (int) source.substring(at, to).chars().filter(c -> c == '\n').count();
    at = to;
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }
}
