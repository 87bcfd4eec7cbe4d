package dev.mamba4j.serve;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;

/** Counters and gauges, in the text form that Prometheus reads. */
final class Metrics {
  private static final String PREFIX = "mamba4j_";

  /** A metric that only grows, or one that is asked for its value. */
  private record Metric(String kind, String help, DoubleSupplier value) {}

  private final Map<String, Metric> metrics = new TreeMap<>();
  private final Map<Integer, LongAdder> responses = new ConcurrentSkipListMap<>();

  final LongAdder promptTokens = counter("prompt_tokens_total", "Tokens of prompts read.");
  final LongAdder cachedTokens =
      counter("cached_tokens_total", "Tokens of prompts found in remembered states.");
  final LongAdder generatedTokens = counter("generated_tokens_total", "Tokens generated.");
  final LongAdder passes = counter("passes_total", "Passes over the weights.");
  final LongAdder passNanos = new LongAdder();
  final LongAdder rejected = counter("rejected_total", "Requests turned away with 429.");
  final LongAdder cancelled =
      counter("cancelled_total", "Sequences ended because the client went away.");

  Metrics() {
    metrics.put(
        "pass_seconds_total",
        new Metric("counter", "Time spent in passes.", () -> passNanos.sum() / 1e9));
  }

  private LongAdder counter(String name, String help) {
    LongAdder adder = new LongAdder();
    metrics.put(name, new Metric("counter", help, adder::sum));
    return adder;
  }

  /** A value that is asked for when someone looks. */
  void gauge(String name, String help, DoubleSupplier value) {
    metrics.put(name, new Metric("gauge", help, value));
  }

  void response(int status) {
    responses.computeIfAbsent(status, _ -> new LongAdder()).increment();
  }

  String text() {
    StringBuilder out = new StringBuilder();
    metrics.forEach(
        (name, metric) -> {
          head(out, name, metric.kind(), metric.help());
          out.append(PREFIX).append(name).append(' ').append(number(metric.value().getAsDouble()));
          out.append('\n');
        });
    head(out, "http_responses_total", "counter", "Responses by status.");
    responses.forEach(
        (status, count) ->
            out.append(PREFIX)
                .append("http_responses_total{status=\"")
                .append(status)
                .append("\"} ")
                .append(count.sum())
                .append('\n'));
    return out.toString();
  }

  private static void head(StringBuilder out, String name, String kind, String help) {
    out.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(PREFIX).append(name).append(' ').append(kind).append('\n');
  }

  private static String number(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.6f", value);
  }
}
