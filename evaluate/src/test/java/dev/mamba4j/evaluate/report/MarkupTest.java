package dev.mamba4j.evaluate.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class MarkupTest {
  @Test
  void noTextBecomesMarkup() {
    Markup element = Markup.of("p").with("title", "\"><script>&").text("<b>Tom & \"Jerry\"</b>");
    assertThat(element)
        .hasToString(
            "<p title=\"&quot;&gt;&lt;script&gt;&amp;\">"
                + "&lt;b&gt;Tom &amp; &quot;Jerry&quot;&lt;/b&gt;</p>");
  }

  @Test
  void whatHtmlForbidsIsReplaced() {
    String odd = "a\0b\u001bc\ud800d\ue000e\uffff\n";
    assertThat(Markup.of("p").text(odd + "\ud83d\udc78"))
        .hasToString("<p>a\ufffdb\ufffdc\ufffdd\ue000e\ufffd\n\ud83d\udc78</p>");
  }

  @Test
  void elementsWithoutContentHaveNoEnd() {
    assertThat(Markup.of("meta").with("charset", "utf-8")).hasToString("<meta charset=\"utf-8\">");
    assertThat(Markup.of("line", "grid").with("x1", 3).with("x2", 4.25))
        .hasToString("<line class=\"grid\" x1=\"3\" x2=\"4.3\"></line>");
  }

  @Test
  void aStyleSheetCannotEndItself() {
    assertThatThrownBy(() -> Markup.style("a{}</style><script>"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
