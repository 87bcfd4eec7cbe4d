package dev.mamba4j.engine.template;

/** The value of what is not there: prints as nothing and is false; using it further is an error. */
record Undefined(String name) {
  TemplateException error() {
    return TemplateException.of("'" + name + "' is undefined");
  }
}
