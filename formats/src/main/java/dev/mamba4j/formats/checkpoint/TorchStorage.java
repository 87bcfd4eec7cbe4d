package dev.mamba4j.formats.checkpoint;

import java.util.Optional;

/**
 * What a persistent id of a PyTorch pickle stands for: the values in the archive's entry {@code
 * data/KEY}.
 *
 * @param elements number of values
 */
record TorchStorage(DataType type, String key, long elements) {

  /** Reads {@code ('storage', torch.XStorage, key, device, elements)}. */
  static Optional<TorchStorage> of(Object id) {
    if (id instanceof Tuple parts
        && parts.size() == 5
        && "storage".equals(parts.get(0))
        && parts.get(1) instanceof TorchGlobal.StorageType storage
        && parts.get(2) instanceof String key
        && parts.has(3, String.class)
        && parts.get(4) instanceof Long elements) {
      return Optional.of(new TorchStorage(storage.type(), key, elements));
    }
    return Optional.empty();
  }
}
