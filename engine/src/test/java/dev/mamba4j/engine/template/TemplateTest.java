package dev.mamba4j.engine.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
  private static String given(String template, String content) {
    Text text = Template.of(template).render(Map.of("c", Text.given(content), "w", "<w>"));
    BitSet given = text.given();
    StringBuilder marked = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      marked.append(given.get(i) ? text.toString().charAt(i) : '_');
    }
    return marked.toString();
  }

  /** What is left of the text when all that the template wrote is an underscore. */
  @ParameterizedTest
  @CsvSource({
    "{{ w + c + w }},                                 ___<a> b___",
    "{{ c | trim ~ 1 }},                              <a> b_",
    "{{ c | upper }}{{ c.title() }},                  <A> B<A> B",
    "{{ c[1:] }}{{ c[0] }}{{ c[::-1] }},              a> b<b >a<",
    "{{ c.split('a') | join('-') }},                  <_> b",
    "{{ c.split() | join('-') }},                     <a>_b",
    "{{ c | replace('a'~ '' 'b') }},                  <a> b",
    "{{ c.replace('a' 'x') }},                        <_> b",
    "{% set x %}({{ c }}){% endset %}{{ x }},         _<a> b_",
    "{% for d in c %}{{ d }}.{% endfor %},            <_a_>_ _b_",
    "{{ [c] | tojson }},                              __<a> b__",
    "{{ {c: 1}.keys() | first }},                     <a> b",
    "{{ {'k': c} }},                                  _______<a> b__",
    "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(c) }}, _<a> b_"
  })
  void knowsWhichCharactersWereGiven(String template, String expected) {
    // Commas end fields here, so two arguments stand side by side.
    String whole = template.replace("'a'~ '' 'b'", "'z', 'b'").replace("('a' 'x')", "('a', 'x')");
    assertThat(given(whole, "<a> b")).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(1000000000) %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{% set n = namespace(t='xxxxxxxx') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{%"
            + " endfor %}",
        "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor"
            + " %}",
        "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l == n.l }}",
        "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l }}",
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
        "{% set a = 'a' * 2000000 %}{{ (a ~ 'b') in (a ~ a) }}",
        "{% set a = 'a' * 2000000 %}{% for i in range(99999) %}{% if a.strip() %}{% endif %}{%"
            + " endfor %}",
        "{% set a = 'a' * 2000000 %}{% for i in range(99) %}{{ a | list | length }}{% endfor %}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 9 ** 99 }}"
      })
  void boundsWhatATemplateDoes(String template) {
    assertThatThrownBy(() -> Template.of(template).render(Map.of()))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  void deepNestingIsAnError() {
    String parentheses = "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}";
    assertThatThrownBy(() -> Template.of(parentheses).render(Map.of()))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("nested too deeply");
    String sum = "{{ 1" + " + 1".repeat(200_000) + " }}";
    assertThatThrownBy(() -> Template.of(sum).render(Map.of()))
        .isInstanceOf(TemplateException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ ''.__class__.__mro__ }}", "{{ c.getClass() }}", "{{ [].append(1) }}",
        "{{ namespace.__init__ }}{{ self.x }}", "{{ range.call() }}", "{% include 'x' %}",
        "{% import 'x' as y %}", "{{ lipsum() }}", "{{ c.format(c) }}"
      })
  void nothingOutsideItsValuesIsReached(String template) {
    assertThatThrownBy(() -> Template.of(template).render(Map.of("c", "text")))
        .isInstanceOf(TemplateException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "a{% if x %}b # line 1: expected 'endif', found the end",
        "{{ 1 # line 1: a tag has no end",
        "{% endfor %} # line 1: there is no statement 'endfor' here",
        "{{ 1 +}} # line 1: expected a value, found '}}'",
        "{{ x | nope }} # line 1: there is no filter 'nope'",
        "{{ x is nope }} # line 1: there is no test 'nope'",
        "{% break %} # line 1: break outside a loop",
        "{{ 'abc }} # line 1: a string has no end",
        "{{ nope() }} # line 1: nope is no function that a template may call"
      })
  void saysWhereItFails(String template, String message) {
    assertThatThrownBy(() -> Template.of(template).render(Map.of("x", 1)))
        .isInstanceOf(TemplateException.class)
        .hasMessage("chat template, " + message);
  }

  @Test
  void tellsTheLine() {
    assertThatThrownBy(
            () -> Template.of("a\n{% if true %}\n\n{{ x.y }}{% endif %}").render(Map.of()))
        .hasMessage("chat template, line 4: 'x' is undefined");
  }
}
