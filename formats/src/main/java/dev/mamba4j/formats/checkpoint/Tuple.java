package dev.mamba4j.formats.checkpoint;

import java.util.List;

/** A Python tuple. It can share parts with others, so nothing here ever walks into it unasked. */
record Tuple(List<Object> items) {
  int size() {
    return items.size();
  }

  Object get(int index) {
    return items.get(index);
  }

  boolean has(int index, Class<?> type) {
    return type.isInstance(items.get(index));
  }
}
