package dev.mamba4j.serve;

import dev.mamba4j.engine.PackedState;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What is remembered and where: by tokens, by name and by last use, with the bytes that it takes.
 * Not safe for use by several threads at a time; {@link StateCache} has the lock.
 */
final class StateIndex {
  private final PrefixTree<Entry> tree = new PrefixTree<>();
  private final Map<String, Entry> byId = new HashMap<>();
  private long memoryUsed;
  private long diskUsed;
  private long clock;

  /** A remembered state, in memory, on disk or both. */
  static final class Entry {
    private final String id;
    private final int[] tokens;
    private PackedState memory;
    private long fileBytes; // 0 if there is no file
    private boolean saved;
    private boolean removed;
    private long used;
    private int readers;

    private Entry(int[] tokens) {
      this.tokens = tokens;
      id = StateFolder.id(tokens);
    }

    String id() {
      return id;
    }

    int[] tokens() {
      return tokens;
    }

    /** Null if it is on disk only. */
    PackedState memory() {
      return memory;
    }

    boolean inMemory() {
      return memory != null;
    }

    boolean onDisk() {
      return fileBytes > 0;
    }

    long fileBytes() {
      return fileBytes;
    }

    /** Whether it stays until a client deletes it. */
    boolean saved() {
      return saved;
    }

    void setSaved() {
      saved = true;
    }

    /** Whether it is out of reach, and goes with its last reader. */
    boolean removed() {
      return removed;
    }

    boolean inUse() {
      return readers > 0;
    }
  }

  /** Adds what was not there; used last. */
  Entry add(int[] tokens) {
    Entry entry = new Entry(tokens);
    entry.used = ++clock;
    tree.put(tokens, entry);
    byId.put(entry.id, entry);
    return entry;
  }

  /** Takes an entry out of reach; what it holds is the caller's to free. */
  void remove(Entry entry) {
    entry.removed = true;
    tree.remove(entry.tokens);
    byId.remove(entry.id);
  }

  /** Keeps an entry from being freed until it is released. */
  void acquire(Entry entry) {
    entry.readers++;
  }

  /** Acquires an entry for a client. */
  void use(Entry entry) {
    acquire(entry);
    entry.used = ++clock;
  }

  /** Lets go of an acquired entry. */
  void release(Entry entry) {
    entry.readers--;
  }

  void setMemory(Entry entry, PackedState state) {
    memoryUsed += state.byteSize();
    entry.memory = state;
  }

  void freeMemory(Entry entry) {
    memoryUsed -= entry.memory.byteSize();
    entry.memory.close();
    entry.memory = null;
  }

  /** Notes the size of an entry's file, 0 for none. */
  void setFile(Entry entry, long bytes) {
    diskUsed += bytes - entry.fileBytes;
    entry.fileBytes = bytes;
  }

  /** The entry of the longest prefix of at most {@code limit} tokens; see {@link PrefixTree}. */
  PrefixTree.Match<Entry> find(int[] tokens, int limit) {
    return tree.find(tokens, limit);
  }

  /** The entry of just these tokens. */
  Optional<Entry> get(int[] tokens) {
    return tree.get(tokens);
  }

  Optional<Entry> get(String id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** The eligible one that was used longest ago. */
  Optional<Entry> oldest(Predicate<Entry> eligible) {
    return byId.values().stream().filter(eligible).min(Comparator.comparingLong(e -> e.used));
  }

  /** All of them, the last used first. */
  List<Entry> all() {
    return byId.values().stream()
        .sorted(Comparator.comparingLong((Entry e) -> e.used).reversed())
        .toList();
  }

  int size() {
    return tree.size();
  }

  long memoryUsed() {
    return memoryUsed;
  }

  long diskUsed() {
    return diskUsed;
  }
}
