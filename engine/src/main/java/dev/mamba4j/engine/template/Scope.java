package dev.mamba4j.engine.template;

import java.util.HashMap;
import java.util.Map;

/** Names and their values, those of the surrounding scope behind them. */
final class Scope {
  private final Scope outer; // null for the outermost
  private final Budget budget;
  private final Map<String, Object> names;

  private Scope(Scope outer, Budget budget, Map<String, Object> names) {
    this.outer = outer;
    this.budget = budget;
    this.names = names;
  }

  /** The outermost scope, that of the template. */
  static Scope of(Map<String, Object> names, Budget budget) {
    return new Scope(null, budget, new HashMap<>(names));
  }

  /** A scope inside this one; what is set there is gone behind it. */
  Scope inner() {
    return new Scope(this, budget, new HashMap<>());
  }

  Budget budget() {
    return budget;
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      if (scope.names.containsKey(name)) {
        return scope.names.get(name);
      }
    }
    return new Undefined(name);
  }

  void set(String name, Object value) {
    names.put(name, value);
  }
}
