package dev.mamba4j.engine;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.engine.template.Template;
import dev.mamba4j.engine.template.TemplateException;
import dev.mamba4j.engine.template.Text;
import dev.mamba4j.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The template of the file, as {@code transformers} runs it. What people say never becomes a
 * control token, whatever it looks like; what the template writes does.
 */
final class TemplateChat implements ChatFormat {
  /** Turns whose ends are told, counted from the last: each is a text made anew. */
  private static final int ENDS = 3;

  /** Messages that are found again in the text of a template. */
  private static final Turn ASKED = new Turn(Role.USER, "question-7c1f");

  private static final Turn ANSWERED = new Turn(Role.ASSISTANT, "answer-7c1f");

  private final Tokenizer tokenizer;
  private final Template template;
  private final List<String> stops;

  TemplateChat(String source, Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    template = Template.of(source);
    stops = endOfAnswer().map(List::of).orElse(List.of());
  }

  private Text text(List<Turn> turns, boolean answering) {
    List<Map<String, Object>> messages = new ArrayList<>();
    for (Turn turn : turns) {
      Map<String, Object> message = new LinkedHashMap<>();
      message.put("role", turn.role().name().toLowerCase(Locale.ROOT));
      message.put("content", Text.given(turn.content()));
      messages.add(message);
    }
    Map<String, Object> values = new HashMap<>();
    values.put("messages", messages);
    values.put("add_generation_prompt", answering);
    values.put("tools", null);
    values.put("documents", null);
    values.put("bos_token", text(tokenizer.bos()));
    values.put("eos_token", text(tokenizer.eos()));
    return template.render(values);
  }

  private String text(OptionalInt token) {
    return token.isPresent() ? tokenizer.decode(token.getAsInt()) : "";
  }

  private int[] encode(Text text) {
    return tokenizer.encode(text.toString(), text.given());
  }

  @Override
  public ChatPrompt prompt(List<Turn> turns) {
    Text whole = text(turns, true);
    int[] tokens = encode(whole);
    int first = Math.max(0, turns.size() - ENDS);
    List<Integer> ends = new ArrayList<>();
    for (int i = first; i < turns.size(); i++) {
      end(turns.subList(0, i + 1), whole, tokens).ifPresent(ends::add);
    }
    return new ChatPrompt(tokens, ends.stream().mapToInt(end -> end).toArray());
  }

  /** How many tokens the text has at the end of the last of some turns, if it begins with them. */
  private OptionalInt end(List<Turn> turns, Text whole, int[] tokens) {
    String before;
    try {
      before = text(turns, false).toString();
    } catch (TemplateException _) {
      return OptionalInt.empty(); // there is no such conversation
    }
    if (!whole.toString().startsWith(before)) {
      return OptionalInt.empty();
    }
    long bytes = before.getBytes(StandardCharsets.UTF_8).length;
    int count = 0;
    while (count < tokens.length && bytes >= tokenizer.tokenBytes(tokens[count]).length) {
      bytes -= tokenizer.tokenBytes(tokens[count]).length;
      count++;
    }
    return OptionalInt.of(count);
  }

  @Override
  public int[] next(String recent, String message) {
    Text whole = text(List.of(ASKED, ANSWERED, new Turn(Role.USER, message)), true);
    int at = whole.toString().indexOf(ANSWERED.content());
    if (at < 0) {
      throw TemplateException.unsuitable(
          "leaves out what the assistant said, so a conversation cannot go on");
    }
    int from = at + ANSWERED.content().length();
    for (String stop : stops) {
      if (recent.endsWith(stop) && whole.toString().startsWith(stop, from)) {
        from += stop.length();
      }
    }
    return encode(whole.substring(from, whole.length()));
  }

  @Override
  public List<String> stops() {
    return stops;
  }

  /** What the template writes behind an answer, up to what is certain to be its end. */
  private Optional<String> endOfAnswer() {
    String whole;
    try {
      whole = text(List.of(ASKED, ANSWERED, ASKED), false).toString();
    } catch (TemplateException _) {
      return Optional.empty(); // what is wrong is told to who asks
    }
    int from = whole.indexOf(ANSWERED.content()) + ANSWERED.content().length();
    int to = whole.lastIndexOf(ASKED.content());
    if (from < ANSWERED.content().length() || to < from) {
      return Optional.empty();
    }
    String between = whole.substring(from, to).stripTrailing();
    if (between.isEmpty()) {
      return Optional.empty();
    }
    int first = tokenizer.encode(between, true)[0];
    if (tokenizer.isControl(first)) {
      return Optional.of(tokenizer.decode(first));
    }
    String end = text(tokenizer.eos());
    if (!end.isEmpty() && between.startsWith(end)) {
      return Optional.of(end);
    }
    // A mark such as </s> that is no token here, or a line that begins the next turn.
    return Optional.of(
        Character.isWhitespace(between.charAt(0)) ? between : between.split("\\s", 2)[0]);
  }
}
