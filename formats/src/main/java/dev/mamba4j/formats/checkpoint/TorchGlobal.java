package dev.mamba4j.formats.checkpoint;

import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * All that a pickle of a checkpoint may name. The set is closed: {@link #find} knows nothing else,
 * nothing can be added while the program runs, and no name leads to a class or method of Java.
 */
sealed interface TorchGlobal {

  /** What a module and a name stand for, or empty if checkpoints do not need it. */
  static Optional<TorchGlobal> find(String module, String name) {
    for (Function function : Function.values()) {
      if (function.module.equals(module) && function.name.equals(name)) {
        return Optional.of(function);
      }
    }
    return module.equals("torch")
        ? DataType.ofTorchStorage(name).map(StorageType::new)
        : Optional.empty();
  }

  /** A class such as {@code torch.HalfStorage}: named in persistent ids, never called. */
  record StorageType(DataType type) implements TorchGlobal {}

  /** What may be called. */
  enum Function implements TorchGlobal {
    ORDERED_DICT("collections", "OrderedDict"),
    REBUILD_TENSOR("torch._utils", "_rebuild_tensor_v2"),
    REBUILD_PARAMETER("torch._utils", "_rebuild_parameter"),
    SIZE("torch", "Size");

    private final String module;
    private final String name;

    Function(String module, String name) {
      this.module = module;
      this.name = name;
    }

    /** The result of the call, or empty if these are not arguments that torch.save writes. */
    Optional<Object> call(Tuple arguments) {
      return switch (this) {
        case ORDERED_DICT ->
            arguments.size() == 0 ? Optional.of(new LinkedHashMap<>()) : Optional.empty();
        case REBUILD_TENSOR -> tensor(arguments);
        case REBUILD_PARAMETER ->
            arguments.size() == 3 && arguments.has(0, TorchTensor.class)
                ? Optional.of(arguments.get(0))
                : Optional.empty();
        case SIZE ->
            arguments.size() == 1 && arguments.has(0, Tuple.class)
                ? Optional.of(arguments.get(0))
                : Optional.empty();
      };
    }

    /** (storage, offset, size, stride, requires_grad, backward_hooks[, metadata]). */
    private static Optional<Object> tensor(Tuple arguments) {
      if ((arguments.size() == 6 || arguments.size() == 7)
          && arguments.get(0) instanceof TorchStorage storage
          && arguments.get(1) instanceof Long offset
          && arguments.get(2) instanceof Tuple size
          && arguments.get(3) instanceof Tuple stride) {
        return Optional.of(new TorchTensor(storage, offset, size, stride));
      }
      return Optional.empty();
    }

    @Override
    public String toString() {
      return module + "." + name;
    }
  }
}
