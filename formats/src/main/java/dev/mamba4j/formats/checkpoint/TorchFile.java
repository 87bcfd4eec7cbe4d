package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a file of {@code torch.save} that holds a dictionary from names to tensors: a ZIP archive
 * whose entry {@code NAME/data.pkl} describes the tensors and whose entries {@code NAME/data/KEY}
 * hold their values, as PyTorch 1.6 and later write it.
 */
final class TorchFile {
  private static final int MAX_TENSORS = 100_000;

  private final MappedFile file;
  private final String where;
  private final Map<String, MemorySegment> entries;
  private final String root;

  private TorchFile(MappedFile file) throws FormatException {
    this.file = file;
    this.where = file.path().toString();
    if (!StoredZip.isZip(file.bytes())) {
      throw notZip();
    }
    this.entries = StoredZip.read(file);
    String first = entries.keySet().stream().findFirst().orElse("");
    this.root = first.substring(0, first.indexOf('/') + 1);
  }

  /** The tensors of a file, in the order of its dictionary. */
  static Shard read(MappedFile file) throws FormatException {
    return new Shard(new TorchFile(file).tensors(), Map.of());
  }

  private Map<String, CheckpointTensor> tensors() throws FormatException {
    MemorySegment pickle = entries.get(root + "data.pkl");
    if (pickle == null) {
      throw new FormatException(
          where
              + ": expected an entry "
              + Quoted.of(root + "data.pkl")
              + "; this ZIP archive is not from torch.save");
    }
    refuseBigEndian();
    if (!(PickleReader.read(pickle, where) instanceof Map<?, ?> dictionary)) {
      throw new FormatException(
          where + ": expected a dictionary of tensors; save the model's state_dict()");
    }
    if (dictionary.size() > MAX_TENSORS) {
      throw new FormatException(
          where + ": " + dictionary.size() + " tensors, expected at most " + MAX_TENSORS);
    }
    Map<String, CheckpointTensor> tensors = LinkedHashMap.newLinkedHashMap(dictionary.size());
    for (Map.Entry<?, ?> entry : dictionary.entrySet()) {
      String name = Quoted.checkedName(entry.getKey().toString(), where);
      if (!(entry.getValue() instanceof TorchTensor tensor)) {
        throw new FormatException(
            where
                + ": entry \""
                + name
                + "\": expected a tensor, found "
                + PickleReader.kind(entry.getValue())
                + "; save the model's state_dict() alone");
      }
      tensors.put(name, tensor(name, tensor));
    }
    return tensors;
  }

  private void refuseBigEndian() throws FormatException {
    MemorySegment order = entries.get(root + "byteorder");
    if (order != null && order.byteSize() > 0 && LittleEndian.int8(order, 0) == 'b') {
      throw new FormatException(
          where + ": values are big-endian; torch.save it again on a little-endian machine");
    }
  }

  private CheckpointTensor tensor(String name, TorchTensor tensor) throws FormatException {
    String tensorWhere = where + ": tensor \"" + name + "\"";
    MemorySegment values = values(tensor.storage(), tensorWhere);
    long[] shape = Shapes.of(tensor.size().items(), tensorWhere + ": size");
    long[] strides = Shapes.of(tensor.stride().items(), tensorWhere + ": stride");
    if (shape.length != strides.length) {
      throw new FormatException(
          tensorWhere + ": " + shape.length + " sizes, but " + strides.length + " strides");
    }
    long span = span(tensor, shape, strides);
    if (span < 0) {
      throw new FormatException(
          tensorWhere
              + ": shape "
              + Shapes.text(shape)
              + ", strides "
              + Shapes.text(strides)
              + " and offset "
              + tensor.offset()
              + " ask for more than the "
              + tensor.storage().elements()
              + " values stored");
    }
    DataType type = tensor.storage().type();
    MemorySegment data = values.asSlice(tensor.offset() * type.bytes(), span * type.bytes());
    return new CheckpointTensor(name, type, shape, strides, data, file.path());
  }

  /**
   * Number of stored values from the first to the last of a tensor, or -1 if they are not all
   * stored. A tensor with more values than are stored ({@code expand} makes them) is refused too:
   * it would let a small file ask for any amount of memory.
   */
  private static long span(TorchTensor tensor, long[] shape, long[] strides) {
    long stored = tensor.storage().elements();
    if (tensor.offset() < 0 || tensor.offset() > stored) {
      return -1;
    }
    try {
      long elements = Shapes.elements(shape);
      long span = elements == 0 ? 0 : 1;
      for (int i = 0; i < shape.length && elements > 0; i++) {
        span = Math.addExact(span, Math.multiplyExact(shape[i] - 1, strides[i]));
      }
      return elements <= stored && span <= stored - tensor.offset() ? span : -1;
    } catch (ArithmeticException e) {
      return -1;
    }
  }

  private MemorySegment values(TorchStorage storage, String tensorWhere) throws FormatException {
    String entry = root + "data/" + storage.key();
    MemorySegment values = entries.get(entry);
    if (values == null) {
      throw new FormatException(
          tensorWhere + ": expected its values in " + Quoted.of(entry) + ", which is missing");
    }
    int bytes = storage.type().bytes();
    if (values.byteSize() % bytes != 0 || values.byteSize() / bytes != storage.elements()) {
      throw new FormatException(
          tensorWhere
              + ": expected "
              + storage.elements()
              + " values of "
              + storage.type()
              + " in "
              + Quoted.of(entry)
              + ", found "
              + values.byteSize()
              + " bytes");
    }
    return values;
  }

  private FormatException notZip() {
    MemorySegment bytes = file.bytes();
    if (bytes.byteSize() > 2 && LittleEndian.int8(bytes, 0) == (byte) 0x80) {
      return new FormatException(
          where
              + ": written in PyTorch's form before 1.6, which is not a ZIP archive; save it again"
              + " with a newer PyTorch: torch.save(torch.load(PATH, weights_only=True), PATH)");
    }
    return new FormatException(
        where + ": at offset 0: expected a ZIP archive as torch.save writes it");
  }
}
