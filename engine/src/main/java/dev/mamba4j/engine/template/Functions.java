package dev.mamba4j.engine.template;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/** What templates may call by name, as {@code transformers} has it. */
final class Functions {
  private Functions() {}

  /** The functions by name. */
  static Map<String, Object> all(Supplier<LocalDateTime> clock) {
    return Map.of(
        "raise_exception", (Function) (given, budget) -> raise(given, budget),
        "strftime_now", (Function) (given, _) -> format(clock.get(), given),
        "namespace", (Function) (given, _) -> new Namespace(new LinkedHashMap<>(given.named())),
        "dict", (Function) (given, _) -> dict(given.named()),
        "range", (Function) Functions::range);
  }

  private static Object raise(Arguments given, Budget budget) {
    throw TemplateException.raised(PythonText.str(given.get(0, "message"), budget).toString());
  }

  private static Map<Text, Object> dict(Map<String, Object> named) {
    Map<Text, Object> dict = new LinkedHashMap<>();
    named.forEach((name, value) -> dict.put(Text.written(name), value));
    return dict;
  }

  private static List<Object> range(Arguments given, Budget budget) {
    boolean one = given.positional().size() == 1;
    long from = one ? 0 : given.integer(0, "start", 0);
    long to = given.integer(one ? 0 : 1, "stop", 0);
    long step = given.integer(2, "step", 1);
    if (step == 0) {
      throw TemplateException.of("the step of a range is 0");
    }
    List<Object> all = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      budget.step();
      all.add(i);
    }
    return all;
  }

  private static Text format(LocalDateTime now, Arguments given) {
    String pattern = Values.text(given.get(0, "format")).toString();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      if (c != '%' || i + 1 == pattern.length()) {
        text.append(c);
      } else {
        i++;
        boolean plain = pattern.charAt(i) == '-' && i + 1 < pattern.length(); // no leading zero
        i += plain ? 1 : 0;
        String part = field(now, pattern.charAt(i));
        text.append(plain ? part.replaceFirst("^0+(?=.)", "") : part);
      }
    }
    return Text.written(text.toString());
  }

  private static String field(LocalDateTime now, char directive) {
    String pattern =
        switch (directive) {
          case 'Y' -> "uuuu";
          case 'y' -> "uu";
          case 'm' -> "MM";
          case 'B' -> "MMMM";
          case 'b' -> "MMM";
          case 'd' -> "dd";
          case 'j' -> "DDD";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'H' -> "HH";
          case 'I' -> "hh";
          case 'M' -> "mm";
          case 'S' -> "ss";
          case 'p' -> "a";
          case '%' -> "'%'";
          default -> throw TemplateException.of("strftime_now does not know %" + directive);
        };
    return now.format(DateTimeFormatter.ofPattern(pattern, Locale.US));
  }
}
