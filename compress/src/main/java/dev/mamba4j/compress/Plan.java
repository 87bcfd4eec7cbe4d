package dev.mamba4j.compress;

import dev.mamba4j.engine.Clipping;
import dev.mamba4j.formats.tensor.TensorType;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What each tensor of a model becomes, and what is cut off its activations.
 *
 * @param choices tensor name to choice, in the order of the file
 * @param goal what the plan is for, for people: "Q4_K_M", "at most 1300000000 bytes"; empty where
 *     there is no more to it than types
 * @param clipping limits of activations, if there are any
 */
public record Plan(Map<String, Choice> choices, String goal, Optional<Clipping> clipping) {
  private static final String HEAD = "output.weight";
  private static final String EMBEDDING = "token_embd.weight";

  /** Copies the map. */
  public Plan {
    choices = Collections.unmodifiableMap(new LinkedHashMap<>(choices));
  }

  /** A plan that leaves activations alone. */
  public Plan(Map<String, Choice> choices, String goal) {
    this(choices, goal, Optional.empty());
  }

  /** The same with limits of activations. */
  public Plan with(Clipping limits) {
    return new Plan(choices, goal, Optional.of(limits).filter(some -> !some.isNone()));
  }

  /**
   * One type for all matrices, but for the one that gives the logits, which has six bits at least,
   * as llama.cpp has it. Parameters between the projections stay float32; a matrix whose rows are
   * not whole blocks of the type gets the next larger one that fits.
   */
  public static Plan uniform(ModelSource source, TensorType type) {
    boolean small = type.canEncode() && type.bitsPerWeight() < TensorType.Q6_K.bitsPerWeight();
    return uniform(source, type, small ? TensorType.Q6_K : type);
  }

  /** As above, with a type for the matrix that gives the logits. */
  public static Plan uniform(ModelSource source, TensorType type, TensorType head) {
    boolean tied = source.tensors().stream().noneMatch(tensor -> tensor.name().equals(HEAD));
    String headName = tied ? EMBEDDING : HEAD;
    return each(source, tensor -> tensor.typeFor(tensor.name().equals(headName) ? head : type));
  }

  /** The type that each matrix holds without loss. */
  public static Plan lossless(ModelSource source) {
    return each(source, tensor -> tensor.typeFor(tensor.info().type()));
  }

  private static Plan each(ModelSource source, Function<SourceTensor, TensorType> type) {
    Map<String, Choice> choices = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      choices.put(tensor.name(), Choice.of(type.apply(tensor)));
    }
    return new Plan(choices, "");
  }

  /**
   * What a tensor becomes.
   *
   * @throws IllegalArgumentException if the plan does not name it
   */
  public Choice choice(SourceTensor tensor) {
    Choice choice = choices.get(tensor.name());
    if (choice == null) {
      throw new IllegalArgumentException("the plan does not name tensor " + tensor.name());
    }
    return choice;
  }

  /** The type of a tensor. */
  public TensorType type(SourceTensor tensor) {
    return choice(tensor).type();
  }

  /** The type that most values have: what the file as a whole is called. */
  TensorType mainType(ModelSource source) {
    Map<TensorType, Long> values = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      if (tensor.isMatrix()) {
        values.merge(type(tensor), tensor.info().elements(), Long::sum);
      }
    }
    return values.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(TensorType.F32);
  }
}
