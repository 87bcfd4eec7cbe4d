package dev.mamba4j.compress;

import dev.mamba4j.formats.tensor.TensorType;

/**
 * What a tensor becomes.
 *
 * @param type the type in the file
 * @param reason why, for people; may be empty
 */
public record Choice(TensorType type, String reason) {
  /** A type without more ado. */
  public static Choice of(TensorType type) {
    return new Choice(type, "");
  }
}
