package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Reads the pickle of a PyTorch checkpoint: protocols 2 to 5, the opcodes that {@code torch.save}
 * writes for dictionaries of tensors, and the names of {@link TorchGlobal}. Opcodes are those of
 * Python's {@code pickletools}.
 *
 * <p>Why not the library {@code net.razorvine:pickle} (1.5): names that it does not know become
 * dictionaries instead of errors, and its table of constructors is static and open to the whole
 * program; it allocates what a length asks for before it looks for the bytes; its dictionaries lose
 * the order of the file; and its methods for single opcodes cannot be overridden. All opcodes that
 * matter would have to be replaced.
 *
 * <p>A pickle is a program. This reader runs no code, never recurses into values, and bounds the
 * steps and the bytes, so that a hostile pickle ends soon and within a heap of 256 MiB.
 *
 * <p>Python values become Java values so: int Long, float Double, str String, tuple {@link Tuple},
 * list ArrayList, dict LinkedHashMap, and the rest {@link Other}.
 */
final class PickleReader {
  /** A tensor takes about 30 steps. */
  private static final int MAX_STEPS = 2_000_000;

  private static final int MAX_BYTES = 32 << 20;

  /** Values that stand in a pickle without meaning for the tensors. */
  private enum Other {
    NONE,
    TRUE,
    FALSE,
    BYTES
  }

  private final MemorySegment pickle;
  private final String where;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final ArrayList<Integer> marks = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private long position;
  private long opcodeAt;

  private PickleReader(MemorySegment pickle, String where) {
    this.pickle = pickle;
    this.where = where;
  }

  /** The value that the pickle makes. */
  static Object read(MemorySegment pickle, String where) throws FormatException {
    if (pickle.byteSize() > MAX_BYTES) {
      throw new FormatException(
          where
              + ": pickle of "
              + pickle.byteSize()
              + " bytes, expected at most "
              + MAX_BYTES
              + "; no checkpoint needs so many");
    }
    return new PickleReader(pickle, where).run();
  }

  private Object run() throws FormatException {
    for (int step = 0; step < MAX_STEPS; step++) {
      opcodeAt = position;
      int opcode = unsigned8();
      if (opcode == '.') {
        return pop();
      }
      execute(opcode);
    }
    throw error("more than " + MAX_STEPS + " steps, which no checkpoint needs");
  }

  private void execute(int opcode) throws FormatException {
    switch (opcode) {
      case 0x80 -> protocol();
      case 0x95 -> require(int64()); // FRAME: no more than a hint for buffering
      case 'N' -> stack.add(Other.NONE);
      case 0x88 -> stack.add(Other.TRUE);
      case 0x89 -> stack.add(Other.FALSE);
      case 'J' -> stack.add((long) int32());
      case 'K' -> stack.add((long) unsigned8());
      case 'M' -> stack.add((long) unsigned16());
      case 0x8a -> stack.add(longInteger(unsigned8()));
      case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(int64())));
      case 'X' -> stack.add(text(unsigned32()));
      case 0x8c -> stack.add(text(unsigned8()));
      case 0x8d -> stack.add(text(int64()));
      case 'B' -> skipBytes(unsigned32());
      case 'C' -> skipBytes(unsigned8());
      case 0x8e -> skipBytes(int64());
      case ')' -> stack.add(new Tuple(List.of()));
      case 0x85 -> tuple(1);
      case 0x86 -> tuple(2);
      case 0x87 -> tuple(3);
      case '(' -> marks.add(stack.size());
      case 't' -> stack.add(new Tuple(popToMark()));
      case ']' -> stack.add(new ArrayList<>());
      case 'a' -> append(List.of(pop()));
      case 'e' -> append(popToMark());
      case '}' -> stack.add(new LinkedHashMap<>());
      case 's' -> setItems(popItems(2));
      case 'u' -> setItems(popToMark());
      case 'b' -> build();
      case 'q' -> memo.put((long) unsigned8(), peek());
      case 'r' -> memo.put(unsigned32(), peek());
      case 0x94 -> memo.put((long) memo.size(), peek());
      case 'h' -> recall(unsigned8());
      case 'j' -> recall(unsigned32());
      case 'c' -> global(line(), line());
      case 0x93 -> stackGlobal();
      case 'R' -> reduce();
      case 'Q' -> persistentId();
      default ->
          throw error(
              String.format("expected an opcode that torch.save writes, found 0x%02x", opcode));
    }
  }

  private void protocol() throws FormatException {
    int version = unsigned8();
    if (version < 2 || version > 5) {
      throw error("expected protocol 2 to 5, found " + version);
    }
  }

  private void tuple(int size) throws FormatException {
    stack.add(new Tuple(popItems(size)));
  }

  private void append(List<Object> items) throws FormatException {
    if (!(peek() instanceof ArrayList<?>)) {
      throw error("expected a list to add to, found " + kind(peek()));
    }
    @SuppressWarnings("unchecked") // all lists on the stack were made here
    List<Object> list = (List<Object>) peek();
    list.addAll(items);
  }

  private void setItems(List<Object> items) throws FormatException {
    if (!(peek() instanceof LinkedHashMap<?, ?>)) {
      throw error("expected a dictionary to add to, found " + kind(peek()));
    }
    if (items.size() % 2 != 0) {
      throw error("expected pairs of keys and values, found " + items.size() + " values");
    }
    @SuppressWarnings("unchecked") // all dictionaries on the stack were made here
    Map<Object, Object> dictionary = (Map<Object, Object>) peek();
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      if (!(key instanceof String) && !(key instanceof Long)) {
        // Others could be nested so deeply that a hash of them never ends.
        throw error("expected a string or a number as key, found " + kind(key));
      }
      dictionary.put(key, items.get(i + 1));
    }
  }

  /** Attributes of an OrderedDict, such as the versions of modules: not needed. */
  private void build() throws FormatException {
    Object attributes = pop();
    if (!(peek() instanceof LinkedHashMap<?, ?>) || !(attributes instanceof LinkedHashMap<?, ?>)) {
      throw error("expected attributes of a dictionary, found those of " + kind(peek()));
    }
  }

  private void recall(long index) throws FormatException {
    Object value = memo.get(index);
    if (value == null) {
      throw error("expected an earlier value under number " + index + ", found nothing");
    }
    stack.add(value);
  }

  private void stackGlobal() throws FormatException {
    Object name = pop();
    Object module = pop();
    if (!(module instanceof String moduleText) || !(name instanceof String nameText)) {
      throw error("expected a module and a name, found " + kind(module) + " and " + kind(name));
    }
    global(moduleText, nameText);
  }

  private void global(String module, String name) throws FormatException {
    TorchGlobal known =
        TorchGlobal.find(module, name)
            .orElseThrow(
                () ->
                    new FormatException(
                        where
                            + ": pickle asks for "
                            + Quoted.inner(module + "." + name)
                            + ", which no checkpoint needs; refused"));
    stack.add(known);
  }

  private void reduce() throws FormatException {
    Object arguments = pop();
    Object callable = pop();
    if (!(callable instanceof TorchGlobal.Function function)
        || !(arguments instanceof Tuple tuple)) {
      throw error("expected a call of a function, found one of " + kind(callable));
    }
    stack.add(
        function
            .call(tuple)
            .orElseThrow(
                () -> error("call of " + function + ": unexpected number or kinds of arguments")));
  }

  private void persistentId() throws FormatException {
    stack.add(
        TorchStorage.of(pop())
            .orElseThrow(
                () -> error("expected ('storage', type, key, device, size) as persistent id")));
  }

  private Object peek() throws FormatException {
    if (stack.size() <= fence()) {
      throw error("expected a value on the stack, found none");
    }
    return stack.getLast();
  }

  private Object pop() throws FormatException {
    Object value = peek();
    stack.removeLast();
    return value;
  }

  private List<Object> popItems(int count) throws FormatException {
    if (stack.size() - fence() < count) {
      throw error("expected " + count + " values on the stack, found fewer");
    }
    return popFrom(stack.size() - count);
  }

  private List<Object> popToMark() throws FormatException {
    if (marks.isEmpty()) {
      throw error("expected a mark on the stack, found none");
    }
    return popFrom(marks.removeLast());
  }

  private List<Object> popFrom(int from) {
    List<Object> top = stack.subList(from, stack.size());
    List<Object> items = List.copyOf(top);
    top.clear();
    return items;
  }

  /** Values below the last mark are out of reach until the mark is taken. */
  private int fence() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  /** Bytes that follow, checked before anything is made of them. */
  private long require(long count) throws FormatException {
    if (count < 0 || count > pickle.byteSize() - position) {
      throw error(
          "expected "
              + Long.toUnsignedString(count)
              + " more bytes, found "
              + (pickle.byteSize() - position));
    }
    return count;
  }

  private long advance(long count) throws FormatException {
    long at = position;
    position += require(count);
    return at;
  }

  private void skipBytes(long length) throws FormatException {
    advance(length);
    stack.add(Other.BYTES);
  }

  private String text(long length) throws FormatException {
    return string(advance(length), length);
  }

  private String line() throws FormatException {
    long start = position;
    int c;
    do {
      c = unsigned8();
    } while (c != '\n');
    return string(start, position - 1 - start);
  }

  private String string(long at, long length) {
    return new String(
        pickle.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /** LONG1: little-endian two's complement of any length. */
  private Long longInteger(int length) throws FormatException {
    if (length > Long.BYTES) {
      throw error("expected an integer of at most 8 bytes, found " + length);
    }
    long at = advance(length);
    long value = 0;
    for (int i = length - 1; i >= 0; i--) {
      int digit = LittleEndian.int8(pickle, at + i); // the highest brings the sign
      value = i == length - 1 ? digit : (value << 8) | (digit & 0xff);
    }
    return value;
  }

  private int unsigned8() throws FormatException {
    return Byte.toUnsignedInt(LittleEndian.int8(pickle, advance(1)));
  }

  private int unsigned16() throws FormatException {
    return LittleEndian.unsigned16(pickle, advance(2));
  }

  private int int32() throws FormatException {
    return LittleEndian.int32(pickle, advance(4));
  }

  private long unsigned32() throws FormatException {
    return LittleEndian.unsigned32(pickle, advance(4));
  }

  private long int64() throws FormatException {
    return LittleEndian.int64(pickle, advance(8));
  }

  /** What a value is, without looking into it. */
  static String kind(Object value) {
    return switch (value) {
      case String text -> "the string " + Quoted.of(text);
      case Long number -> "the number " + number;
      case Double number -> "the number " + number;
      case Tuple _ -> "a tuple";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a dictionary";
      case TorchTensor _ -> "a tensor";
      case TorchStorage _ -> "a storage";
      case TorchGlobal.StorageType storage -> "the storage class of " + storage.type();
      case TorchGlobal.Function function -> "the function " + function;
      default -> value.toString().toLowerCase(Locale.ROOT);
    };
  }

  private FormatException error(String what) {
    return new FormatException(where + ": pickle at offset " + opcodeAt + ": " + what);
  }
}
