package dev.mamba4j.compress;

import dev.mamba4j.formats.tensor.TensorType;
import java.util.OptionalDouble;

/**
 * What a tensor becomes.
 *
 * @param type the type in the file
 * @param reason why, for people; may be empty
 * @param nats divergence that the choice alone costs the model, if it was measured
 */
public record Choice(TensorType type, String reason, OptionalDouble nats) {
  /** A choice of which it is not known what it costs. */
  public Choice(TensorType type, String reason) {
    this(type, reason, OptionalDouble.empty());
  }

  /** A type without more ado. */
  public static Choice of(TensorType type) {
    return new Choice(type, "");
  }
}
