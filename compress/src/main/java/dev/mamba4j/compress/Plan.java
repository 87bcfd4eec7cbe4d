package dev.mamba4j.compress;

import dev.mamba4j.formats.tensor.TensorType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What each tensor of a model becomes.
 *
 * @param types tensor name to type, in the order of the file
 */
public record Plan(Map<String, TensorType> types) {
  private static final String HEAD = "output.weight";
  private static final String EMBEDDING = "token_embd.weight";

  /** Copies the map. */
  public Plan {
    types = new LinkedHashMap<>(types);
  }

  /**
   * One type for all matrices, but for the one that gives the logits, which has six bits at least,
   * as llama.cpp has it. Parameters between the projections stay float32; a matrix whose rows are
   * not whole blocks of the type gets the next larger one that fits.
   */
  public static Plan uniform(ModelSource source, TensorType type) {
    List<SourceTensor> tensors = source.tensors();
    boolean tied = tensors.stream().noneMatch(tensor -> tensor.name().equals(HEAD));
    String head = tied ? EMBEDDING : HEAD;
    Map<String, TensorType> types = new LinkedHashMap<>();
    for (SourceTensor tensor : tensors) {
      TensorType wanted = tensor.name().equals(head) ? headType(type) : type;
      types.put(tensor.name(), tensor.typeFor(wanted));
    }
    return new Plan(types);
  }

  private static TensorType headType(TensorType type) {
    return type.bitsPerWeight() < TensorType.Q6_K.bitsPerWeight() ? TensorType.Q6_K : type;
  }

  /** The type that each matrix holds without loss. */
  public static Plan lossless(ModelSource source) {
    Map<String, TensorType> types = new LinkedHashMap<>();
    for (SourceTensor tensor : source.tensors()) {
      types.put(tensor.name(), tensor.typeFor(tensor.info().type()));
    }
    return new Plan(types);
  }

  /** The type of a tensor. */
  TensorType type(SourceTensor tensor) {
    TensorType type = types.get(tensor.name());
    if (type == null) {
      throw new IllegalArgumentException("the plan does not name tensor " + tensor.name());
    }
    return type;
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
