package dev.mamba4j.engine.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Templates whose texts Jinja2 3.1.6 gave, set up as {@code transformers} does it: an immutable
 * sandbox, {@code trim_blocks}, {@code lstrip_blocks}, {@code loopcontrols}, its {@code tojson},
 * {@code raise_exception} and {@code strftime_now}, the latter at 2026-03-05 14:07:09.
 */
class JinjaAgreementTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 5, 14, 7, 9);

  @TestFactory
  List<DynamicTest> givesTheTextOfJinja2() throws IOException {
    try (InputStream in = JinjaAgreementTest.class.getResourceAsStream("jinja2.json")) {
      JsonObject file = JsonObject.of("jinja2.json", Json.parse(in, "jinja2.json"));
      List<DynamicTest> tests = new ArrayList<>();
      for (Object item : file.list("cases")) {
        JsonObject example = JsonObject.of("case", item);
        Map<String, Object> values =
            file.object("values").object(example.string("values")).fields();
        String template = example.string("template");
        tests.add(
            DynamicTest.dynamicTest(
                example.optionalString("name").orElse(template),
                () -> check(template, values, example)));
      }
      return tests;
    }
  }

  private static void check(String template, Map<String, Object> values, JsonObject example)
      throws IOException {
    if (example.has("expected")) {
      assertThat(Template.of(template, () -> NOW).render(values))
          .hasToString(example.string("expected"));
    } else {
      // The words are our own, but for those of the template.
      assertThatThrownBy(() -> Template.of(template, () -> NOW).render(values))
          .isInstanceOf(TemplateException.class)
          .hasMessageContaining("chat template");
    }
  }
}
