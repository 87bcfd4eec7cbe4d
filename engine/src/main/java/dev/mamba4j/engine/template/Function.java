package dev.mamba4j.engine.template;

/** What a template may call. */
@FunctionalInterface
interface Function {
  Object call(Arguments arguments, Budget budget);
}
