package dev.mamba4j.evaluate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A report with everything in it: two models, tasks, a plan with costs, published figures. */
class ReportPageTest {
  private static final Pattern NUMBER =
      Pattern.compile("data-(x-|y-|)path=\"([^\"]+)\" data-\\1value=\"([^\"]+)\"");
  private static final Pattern SHOWN =
      Pattern.compile("data-path=\"([^\"]+)\" data-value=\"([^\"]+)\">([^<]+)<");
  private static final Map<String, Double> FACTORS =
      Map.of("kB", 1e3, "MB", 1e6, "GB", 1e9, "%", 0.01);

  private static Map<String, Object> document;
  private static String page;

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = ReportPageTest.class.getResourceAsStream("report.json")) {
      document = JsonObject.of("report.json", Json.parse(in, "report.json")).fields();
    }
    page = ReportPage.of(document);
  }

  @Test
  void everyNumberIsOfTheJson() {
    List<MatchResult> numbers = NUMBER.matcher(page).results().toList();
    assertThat(numbers).hasSizeGreaterThan(100);
    for (MatchResult number : numbers) {
      assertThat(at(number.group(2))).as(number.group(2)).hasToString(number.group(3));
    }
  }

  @Test
  void whatIsShownIsTheNumberRounded() {
    List<MatchResult> shown = SHOWN.matcher(page).results().toList();
    assertThat(shown).hasSizeGreaterThan(60);
    for (MatchResult each : shown) {
      String[] words = each.group(3).split(" ", 2);
      double factor = words.length < 2 ? 1 : FACTORS.getOrDefault(words[1], 1.0);
      double value = ((Number) at(each.group(1))).doubleValue();
      double last =
          words[0].contains(".") ? Math.pow(10, words[0].indexOf('.') + 1 - words[0].length()) : 1;
      assertThat(Double.parseDouble(words[0]) * factor)
          .as(each.group())
          .isCloseTo(value, within(0.5001 * last * factor));
    }
  }

  /** Ticks of axes, names and texts of the document aside. */
  @Test
  void noDigitStandsOutsideOfWhatIsMarked() {
    String rest = page.substring(page.indexOf("<main>"));
    rest = rest.replaceAll("<(data|tspan)[^>]*>[^<]*</\\1>", "");
    rest = rest.replaceAll("<text class=\"(tick|label)[^>]*>[^<]*</text>", "");
    rest = rest.replaceAll("(?s)<(li|p|span|small) class=\"[^\"]*name\">.*?</\\1>", "");
    rest = rest.replaceAll("<(h1|h3|code|th|b|summary|title|td)[ >].*?</\\1>", "");
    rest = rest.replaceAll("(?s)<[^>]*>", " ").replaceAll("(F16|Q4_K_M)", "");
    assertThat(rest).doesNotContainPattern("\\d");
  }

  @Test
  void textIsNeverMarkup() {
    assertThat(page)
        .contains("tiny: what &lt;compression&gt; costs", "Cortex &amp; Sons")
        .contains("&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
        .doesNotContain("<script");
  }

  @Test
  void nothingIsFetched() {
    assertThat(page).doesNotContain("http://", "https://", "@import", "url(", "src=");
    assertThat(page).contains("default-src 'none'");
  }

  @Test
  void elementsCloseInTurn() {
    List<String> open = new ArrayList<>();
    Matcher tags = Pattern.compile("<(/?)([a-z0-9]+)[^>]*>").matcher(page);
    while (tags.find()) {
      if (tags.group(1).isEmpty()) {
        open.add(tags.group(2));
        if (List.of("meta", "link").contains(tags.group(2))) {
          open.removeLast();
        }
      } else {
        assertThat(open.removeLast()).isEqualTo(tags.group(2));
      }
    }
    assertThat(open).isEmpty();
  }

  @Test
  void everyChartHasItsAxes() {
    assertThat(page)
        .contains(
            "decode, tokens per second",
            "mean accuracy, %",
            "file size, GB",
            "KL divergence, nats",
            "perplexity above base, %",
            "milliseconds per token",
            "prefill, tokens per second",
            "layer");
    assertThat(page.split("<svg", -1)).hasSize(8 + 1);
  }

  @Test
  void publishedFiguresAreMetMissedOrUnknown() {
    assertThat(page)
        .contains("<li class=\"met\">", "<li class=\"missed\">", "<li class=\"unknown\">");
  }

  @Test
  void whatIsMissingIsLeftOut() {
    Map<String, Object> model =
        Map.of("name", "one", "file_bytes", 1000L, "bits_per_weight", 8.5, "type", "Q8_0");
    String little = ReportPage.of(Map.of("title", "one", "models", List.of(model)));
    assertThat(little).contains("1.00 kB", "8.50").doesNotContain("<svg", "perplexity<", "Text<");
  }

  /** Follows a JSON pointer. */
  private static Object at(String pointer) {
    Object value = document;
    for (String step : pointer.substring(1).split("/", -1)) {
      value =
          value instanceof List<?> list
              ? list.get(Integer.parseInt(step))
              : ((Map<?, ?>) value).get(step);
    }
    return value;
  }
}
