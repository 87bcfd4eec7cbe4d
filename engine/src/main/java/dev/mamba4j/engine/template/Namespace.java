package dev.mamba4j.engine.template;

import java.util.Map;

/** Values that loops may change: what {@code namespace(...)} gives. */
record Namespace(Map<String, Object> values) {
  @Override
  public boolean equals(Object other) {
    return this == other; // may hold itself
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }

  @Override
  public String toString() {
    return "<Namespace>";
  }
}
