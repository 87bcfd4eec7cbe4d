package dev.mamba4j.formats.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JsonTest {
  @Test
  void readsEveryKindOfValue() throws FormatException {
    Object value =
        Json.parse("{\"a\":[1,-2.5,true,null,\"\\u00e9\"],\"b\":{\"c\":9007199254740993}}", "x");
    assertThat(value)
        .isEqualTo(
            Map.of(
                "a",
                Arrays.asList(1L, -2.5, true, null, "é"),
                "b",
                Map.of("c", 9007199254740993L)));
  }

  @Test
  void readsPythonsInfinity() throws FormatException {
    assertThat(Json.parse("[0.0, Infinity]", "x"))
        .isEqualTo(List.of(0.0, Double.POSITIVE_INFINITY));
  }

  @Test
  void writesWhatItReads() throws FormatException {
    String text = "{\"a\":[1,-2.5,true,null,\"\\n\"],\"b\":{}}";
    assertThat(Json.write(Json.parse(text, "x"))).isEqualTo(text);
  }

  @Test
  void namesFileLineAndColumnOfAnError() {
    assertThatThrownBy(() -> Json.parse("{\n  \"a\": tru\n}", "config.json"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("config.json: not valid JSON at line 2, column")
        .hasMessageNotContaining("\n");
  }

  @Test
  void rejectsDeepNestingTrailingTextAndNothing() {
    assertThatThrownBy(() -> Json.parse("[".repeat(100_000), "x"))
        .isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> Json.parse("{} {}", "x")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> Json.parse("", "x")).isInstanceOf(FormatException.class);
  }

  @Test
  void namesTheFieldThatIsMissingOrOdd() throws FormatException {
    JsonObject object = JsonObject.of("config.json", Json.parse("{\"a\":{\"b\":\"c\"}}", "x"));
    assertThatThrownBy(() -> object.integer("n"))
        .hasMessage("config.json: field \"n\": expected a whole number, found nothing");
    assertThatThrownBy(() -> object.object("a").list("b"))
        .hasMessage("config.json: a: field \"b\": expected an array, found the string \"c\"");
  }
}
