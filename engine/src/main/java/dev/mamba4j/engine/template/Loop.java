package dev.mamba4j.engine.template;

import java.util.List;

/** Where a loop is: what a template knows as {@code loop}. */
record Loop(List<Object> elements, int index) {
  Object attribute(String name) {
    int size = elements.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "previtem" -> index == 0 ? new Undefined(name) : elements.get(index - 1);
      case "nextitem" -> index == size - 1 ? new Undefined(name) : elements.get(index + 1);
      case "cycle" -> (Function) (given, _) -> cycle(given.positional());
      default -> new Undefined(name);
    };
  }

  private Object cycle(List<Object> values) {
    if (values.isEmpty()) {
      throw TemplateException.of("loop.cycle needs values");
    }
    return values.get(index % values.size());
  }
}
