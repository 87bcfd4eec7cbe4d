package dev.mamba4j.engine.sampling;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * How the next token is chosen. Defaults and meaning are those of llama.cpp; messages name an
 * option as the command line does.
 *
 * @param temperature divides the logits, at least 0; 0 takes the most probable token
 * @param topK how many of the most probable tokens stay; 0 keeps all
 * @param topP the most probable tokens stay until their probabilities add up to this, in [0, 1]; 1
 *     keeps all
 * @param minP tokens stay whose probability is at least this share of the highest one, in [0, 1]; 0
 *     keeps all
 * @param repeatPenalty divides positive logits of recent tokens and multiplies negative ones, above
 *     0; 1 changes nothing
 * @param repeatLastN how many recent tokens the three penalties look at; 0 turns them off, -1 looks
 *     at the whole text
 * @param presencePenalty taken off the logit of each recent token
 * @param frequencyPenalty taken off the logit of a recent token as often as it occurred
 * @param seed start of the random numbers; empty for a different one each time
 * @param logitBias token id to what is added to its logit before all else; negative infinity bans
 *     the token
 */
public record SamplingOptions(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repeatPenalty,
    int repeatLastN,
    double presencePenalty,
    double frequencyPenalty,
    OptionalLong seed,
    Map<Integer, Float> logitBias) {

  /** The value of {@link #repeatLastN} that stands for the whole text. */
  public static final int WHOLE_TEXT = -1;

  /**
   * @throws OptionException if an option is out of range
   */
  public SamplingOptions {
    require(
        temperature >= 0 && Double.isFinite(temperature), "temperature", "0 or more", temperature);
    require(topK >= 0, "topK", "0 (off) or more", topK);
    require(topP >= 0 && topP <= 1, "topP", "between 0 and 1", topP);
    require(minP >= 0 && minP <= 1, "minP", "between 0 and 1", minP);
    require(
        repeatPenalty > 0 && Double.isFinite(repeatPenalty),
        "repeatPenalty",
        "more than 0",
        repeatPenalty);
    require(
        repeatLastN >= WHOLE_TEXT,
        "repeatLastN",
        "-1 (the whole text), 0 (off) or more",
        repeatLastN);
    require(
        Double.isFinite(presencePenalty), "presencePenalty", "a finite number", presencePenalty);
    require(
        Double.isFinite(frequencyPenalty), "frequencyPenalty", "a finite number", frequencyPenalty);
    logitBias = Map.copyOf(logitBias);
    logitBias.forEach(SamplingOptions::requireBias);
  }

  private static void requireBias(int token, float bias) {
    require(token >= 0, "logitBias", "for a token id of 0 or more", token);
    require(
        bias < Float.POSITIVE_INFINITY,
        "logitBias",
        "a number below infinity for token " + token,
        bias);
  }

  private static void require(boolean valid, String option, String expected, Object found) {
    if (!valid) {
      throw new OptionException(option, expected, found);
    }
  }

  /** What llama.cpp does when told nothing: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05. */
  public static SamplingOptions defaults() {
    return builder().build();
  }

  /** Always the most probable token. */
  public static SamplingOptions greedy() {
    return builder().temperature(0).build();
  }

  /** Starts from {@link #defaults}. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether recent tokens change anything. */
  boolean penalizes() {
    return repeatLastN != 0
        && (repeatPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0);
  }

  /** Collects options; {@link #build} checks them. */
  public static final class Builder {
    private double temperature = 0.8;
    private int topK = 40;
    private double topP = 0.95;
    private double minP = 0.05;
    private double repeatPenalty = 1;
    private int repeatLastN = 64;
    private double presencePenalty;
    private double frequencyPenalty;
    private OptionalLong seed = OptionalLong.empty();
    private final Map<Integer, Float> logitBias = new HashMap<>();

    private Builder() {}

    /** See {@link SamplingOptions#temperature}. */
    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    /** See {@link SamplingOptions#topK}. */
    public Builder topK(int value) {
      topK = value;
      return this;
    }

    /** See {@link SamplingOptions#topP}. */
    public Builder topP(double value) {
      topP = value;
      return this;
    }

    /** See {@link SamplingOptions#minP}. */
    public Builder minP(double value) {
      minP = value;
      return this;
    }

    /** See {@link SamplingOptions#repeatPenalty}. */
    public Builder repeatPenalty(double value) {
      repeatPenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#repeatLastN}. */
    public Builder repeatLastN(int value) {
      repeatLastN = value;
      return this;
    }

    /** See {@link SamplingOptions#presencePenalty}. */
    public Builder presencePenalty(double value) {
      presencePenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#frequencyPenalty}. */
    public Builder frequencyPenalty(double value) {
      frequencyPenalty = value;
      return this;
    }

    /** See {@link SamplingOptions#seed}. */
    public Builder seed(long value) {
      seed = OptionalLong.of(value);
      return this;
    }

    /** Adds {@code bias} to the logit of {@code token}. */
    public Builder logitBias(int token, float bias) {
      logitBias.put(token, bias);
      return this;
    }

    /** Never gives {@code token}. */
    public Builder ban(int token) {
      return logitBias(token, Float.NEGATIVE_INFINITY);
    }

    /**
     * The options.
     *
     * @throws OptionException if an option is out of range
     */
    public SamplingOptions build() {
      return new SamplingOptions(
          temperature,
          topK,
          topP,
          minP,
          repeatPenalty,
          repeatLastN,
          presencePenalty,
          frequencyPenalty,
          seed,
          logitBias);
    }
  }
}
