package dev.mamba4j.cli;

import dev.mamba4j.engine.sampling.OptionException;
import dev.mamba4j.engine.sampling.SamplingOptions;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Option;

/** How tokens are chosen: the samplers under the names that llama.cpp gives them. */
final class SamplingChoice {
  @Option(
      names = "--temp",
      paramLabel = "X",
      description = "Temperature; 0 takes the most probable token (default ${DEFAULT-VALUE}).")
  private double temperature = 0.8;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      description = "Choose among the N most probable; 0 is off (default ${DEFAULT-VALUE}).")
  private int topK = 40;

  @Option(
      names = "--top-p",
      paramLabel = "X",
      description =
          "Choose among the most probable that add up to X; 1 is off (default ${DEFAULT-VALUE}).")
  private double topP = 0.95;

  @Option(
      names = "--min-p",
      paramLabel = "X",
      description =
          "Drop what has less than X times the highest probability; 0 is off (default"
              + " ${DEFAULT-VALUE}).")
  private double minP = 0.05;

  @Option(
      names = "--repeat-penalty",
      paramLabel = "X",
      description = "Divide the logits of recent tokens; 1 is off (default ${DEFAULT-VALUE}).")
  private double repeatPenalty = 1;

  @Option(
      names = "--repeat-last-n",
      paramLabel = "N",
      description =
          "How many tokens the penalties look at; -1 is the whole text (default ${DEFAULT-VALUE}).")
  private int repeatLastN = 64;

  @Option(
      names = "--presence-penalty",
      paramLabel = "X",
      description = "Taken off the logit of each recent token (default ${DEFAULT-VALUE}).")
  private double presencePenalty;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "X",
      description = "The same for each time that it occurred (default ${DEFAULT-VALUE}).")
  private double frequencyPenalty;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Start of the random numbers; the same seed gives the same text.")
  private Long seed;

  /**
   * The options, always with a seed, so that it can be told.
   *
   * @throws UsageException if one is out of range
   */
  SamplingOptions options() {
    try {
      return SamplingOptions.builder()
          .temperature(temperature)
          .topK(topK)
          .topP(topP)
          .minP(minP)
          .repeatPenalty(repeatPenalty)
          .repeatLastN(repeatLastN)
          .presencePenalty(presencePenalty)
          .frequencyPenalty(frequencyPenalty)
          .seed(seed == null ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : seed)
          .build();
    } catch (OptionException e) {
      throw new UsageException(e.messageFor(name(e.option())));
    }
  }

  /** What an option of the engine is called here: topK is --top-k. */
  private static String name(String option) {
    return option.equals("temperature")
        ? "--temp"
        : "--" + option.replaceAll("[A-Z]", "-$0").toLowerCase(Locale.ROOT);
  }
}
