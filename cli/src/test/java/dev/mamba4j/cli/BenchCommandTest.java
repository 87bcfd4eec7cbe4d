package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BenchCommandTest {
  private static final String MODEL = TinyModel.Q8_0.toString();

  @Test
  void measuresEachTestAndThePartsOfAStep() throws IOException {
    JsonObject result =
        Outcome.of("bench", "-m", MODEL, "-p", "3,5", "-n", "2", "-r", "1", "-t", "2", "--json")
            .json();
    assertThat(values(result, "tests", "test")).containsExactly("pp3", "pp5", "tg2");
    assertThat(values(result, "parts", "part"))
        .containsExactly("norm", "in_proj", "conv", "scan", "gate_norm", "out_proj", "head");
    assertThat(values(result, "parts", "share"))
        .allSatisfy(share -> assertThat(number(share)).isPositive());
    JsonObject roofline = result.object("roofline");
    assertThat(roofline.object("decode_gop_s").number("Q8_0", 0)).isPositive();
    assertThat(roofline.number("decode_tokens_per_second", 0))
        .isLessThanOrEqualTo(roofline.number("memory_tokens_per_second", 0))
        .isLessThanOrEqualTo(roofline.number("arithmetic_tokens_per_second", 0));
    assertThat(values(result, "parts", "ms")).allSatisfy(ms -> assertThat(number(ms)).isPositive());
    assertThat(result.integer("threads")).isEqualTo(2);
    double speed = number(values(result, "tests", "tokens_per_second").getLast());
    double bound = result.number("bound_tokens_per_second", 0);
    assertThat(result.number("efficiency", 0)).isCloseTo(speed / bound, within(1e-9));
    assertThat(result.number("bandwidth_gb_s", 0)).isPositive();
  }

  @Test
  void measuresEachCombinationOfLists() throws IOException {
    String[] lists = {"-p", "3", "-n", "2", "-b", "1,2", "-t", "2,1", "-r", "1"};
    JsonObject result = bench(lists, "--json").json();
    assertThat(values(result, "tests", "test"))
        .containsExactly("pp3", "tg2", "tg2 b2", "pp3", "tg2", "tg2 b2");
    assertThat(values(result, "tests", "threads").toString()).isEqualTo("[2, 2, 2, 1, 1, 1]");
    assertThat(result.integer("threads")).isEqualTo(2);
    assertThat(bench(lists).out().lines().filter(line -> line.contains("tg2 b2"))).hasSize(2);
  }

  private static Outcome bench(String[] options, String... more) {
    return Outcome.of(
        Stream.of(new String[] {"bench", "-m", MODEL}, options, more)
            .flatMap(Stream::of)
            .toArray(String[]::new));
  }

  @Test
  void showsThemInTables() {
    Outcome outcome = Outcome.of("bench", "-m", MODEL, "-p", "0", "-n", "2", "-r", "1");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out())
        .contains(
            "tokens/s",
            "tg2",
            "part of a step",
            "out_proj",
            "by arithmetic",
            "Gop/s",
            "read bandwidth")
        .doesNotContain("pp512");
  }

  @ParameterizedTest
  @CsvSource({
    "-p,-1",
    "-n,'4,-1'",
    "-p,many",
    "-r,0",
    "-b,0",
    "-b,129",
    "-b,'1,0'",
    "-t,0",
    "-t,'1,0'",
    "-t,'1,,2'",
    "-t,x"
  })
  void refusesImpossibleNumbers(String option, String value) {
    Outcome.of("bench", "-m", MODEL, option, value).isOneLine(ExitCode.WRONG_USAGE);
  }

  private static List<Object> values(JsonObject result, String list, String field)
      throws IOException {
    return result.list(list).stream().<Object>map(item -> ((Map<?, ?>) item).get(field)).toList();
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }
}
