package dev.mamba4j.compress;

import dev.mamba4j.formats.gguf.GgufMetadata;
import java.util.List;

/**
 * A model that can be written as GGUF: metadata and tensors under their GGUF names, from a
 * checkpoint, a GGUF file or thin air. Values are read as they are needed.
 */
public interface ModelSource extends AutoCloseable {
  /** Where the model comes from, for messages. */
  String name();

  /** All keys but those that the types of the written tensors decide. */
  GgufMetadata metadata();

  /** The tensors in the order of the file to be written. */
  List<SourceTensor> tensors();

  /** What was done to the weights of the model that it is made from, by name; nothing as a rule. */
  default List<String> transforms() {
    return List.of();
  }

  /** What a user should know about the import, a line each; nothing as a rule. */
  default List<String> notices() {
    return List.of();
  }

  @Override
  void close();
}
