package dev.mamba4j.compress;

import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The model in a GGUF file. */
final class GgufModel implements ModelSource {
  private final GgufFile file;
  private final List<SourceTensor> tensors;

  private GgufModel(GgufFile file, List<SourceTensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /**
   * Opens a file.
   *
   * @throws FormatException if it is not a Mamba-2 model or a tensor has a type that cannot be
   *     decoded
   */
  static GgufModel open(Path path) throws IOException {
    GgufFile file = GgufFile.open(path);
    try {
      Mamba2Config.of(file);
      List<SourceTensor> tensors = new ArrayList<>();
      for (GgufTensor tensor : file.tensors()) {
        tensors.add(source(path, tensor));
      }
      return new GgufModel(file, List.copyOf(tensors));
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static SourceTensor source(Path path, GgufTensor tensor) throws FormatException {
    if (!tensor.type().canDecode()) {
      throw new FormatException(
          "%s: tensor %s has type %s, which cannot be decoded; start from a file in F16 or Q8_0"
              .formatted(path, tensor.name(), tensor.type()));
    }
    SourceTensor.Values values =
        (first, target, count) -> {
          long offset = tensor.type().byteSize(first);
          tensor.type().decode(tensor.data(), offset, target, 0, count);
        };
    return new SourceTensor(tensor.info(), values, Optional.of(tensor.data()));
  }

  @Override
  public String name() {
    return file.path().toString();
  }

  @Override
  public GgufMetadata metadata() {
    return file.metadata();
  }

  @Override
  public List<SourceTensor> tensors() {
    return tensors;
  }

  @Override
  public void close() {
    file.close();
  }
}
