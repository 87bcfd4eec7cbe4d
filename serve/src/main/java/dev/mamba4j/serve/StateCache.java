package dev.mamba4j.serve;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PackedState;
import dev.mamba4j.engine.SavedState;
import dev.mamba4j.serve.StateIndex.Entry;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The states at the ends of prompts and turns, found by the longest prefix of a new prompt. Under a
 * budget of memory the one used longest ago goes, to a folder if there is one, where the same holds
 * for the disk. States that a client saved stay until it deletes them.
 *
 * <p>Safe for use by several threads. Packing, unpacking and files are outside the lock.
 */
final class StateCache implements AutoCloseable {
  /** A shorter sequence of tokens is read again sooner than remembered. */
  static final int SHORTEST = 16;

  private final ServerOptions.States options;
  private final Optional<StateFolder> folder;
  private final ReentrantLock lock = new ReentrantLock();

  private final StateIndex index = new StateIndex(); // guarded by the lock, as its entries are

  /**
   * What was found of a prompt.
   *
   * @param restored how many tokens the state has read now
   * @param shared how many tokens at its beginning are those of some remembered sequence
   */
  record Found(int restored, int shared) {}

  /** What a client is told of a state. */
  record Description(String id, int tokens, long bytes, boolean inMemory, boolean saved) {}

  /** Remembers what the folder has of earlier runs. */
  StateCache(LanguageModel model, ServerOptions.States options) throws IOException {
    this.options = options;
    folder =
        options.folder().isPresent()
            ? Optional.of(StateFolder.open(options.folder().get(), model))
            : Optional.empty();
    if (folder.isPresent()) {
      for (StateFolder.Found file : folder.get().list()) {
        Entry entry = index.add(file.tokens());
        index.setFile(entry, file.bytes());
        if (file.saved()) {
          entry.setSaved();
        }
      }
    }
  }

  /** Whether anything is remembered at all. */
  boolean enabled() {
    return options.memory() > 0;
  }

  /**
   * Makes a state remember as much of the tokens as is known, at most {@code limit}.
   *
   * @param into is left as it is, or half overwritten, if nothing is known
   */
  Found restore(int[] tokens, int limit, Mamba2State into) {
    while (true) {
      PrefixTree.Match<Entry> match;
      lock.lock();
      try {
        match = index.find(tokens, limit);
        match.value().ifPresent(index::use);
      } finally {
        lock.unlock();
      }
      if (match.value().isEmpty()) {
        return new Found(0, match.shared());
      }
      Entry entry = match.value().get();
      try {
        unpack(entry, into);
        return new Found(entry.tokens().length, match.shared());
      } catch (IOException _) {
        forget(entry); // its file is gone or damaged: look for a shorter one
      } finally {
        release(entry);
      }
    }
  }

  private void release(Entry entry) {
    lock.lock();
    try {
      index.release(entry);
      if (entry.removed() && !entry.inUse()) {
        drop(entry);
      }
    } finally {
      lock.unlock();
    }
  }

  private void unpack(Entry entry, Mamba2State into) throws IOException {
    if (entry.inMemory()) {
      entry.memory().unpackInto(into);
      return;
    }
    SavedState stored = folder.orElseThrow().read(entry.id(), entry.saved());
    stored.state().unpackInto(into);
    lock.lock();
    try {
      if (!entry.inMemory() && !entry.removed()) {
        index.setMemory(entry, stored.state());
      } else {
        stored.state().close();
      }
    } finally {
      lock.unlock();
    }
    shrink();
  }

  /**
   * Remembers a state. Takes a while for a large one; not for the thread that runs the model.
   *
   * @param state is packed and left as it is
   * @param saved whether it is to stay until it is deleted
   * @return what it is called
   */
  String remember(int[] tokens, Mamba2State state, boolean saved) throws IOException {
    Entry entry = known(tokens);
    if (entry == null) {
      entry = add(tokens, PackedState.of(state, options.packing()));
    }
    try {
      if (saved) {
        save(entry);
      }
    } finally {
      release(entry);
    }
    shrink();
    if (saved && folder.isEmpty() && memoryUsed() > options.memory()) {
      forget(entry);
      throw new IOException(
          "no room for another saved state; delete some, or start the server with more memory or a"
              + " folder for states");
    }
    return entry.id();
  }

  private Entry known(int[] tokens) {
    lock.lock();
    try {
      Entry entry = index.get(tokens).orElse(null);
      if (entry != null) {
        index.use(entry);
      }
      return entry;
    } finally {
      lock.unlock();
    }
  }

  private Entry add(int[] tokens, PackedState packed) {
    lock.lock();
    try {
      Entry entry = index.get(tokens).orElse(null);
      if (entry != null) { // another thread was faster
        packed.close();
      } else {
        entry = index.add(tokens);
        index.setMemory(entry, packed);
      }
      index.acquire(entry);
      return entry;
    } finally {
      lock.unlock();
    }
  }

  /** Makes an acquired entry one that stays. */
  private void save(Entry entry) throws IOException {
    if (folder.isPresent() && !entry.saved()) {
      if (entry.onDisk()) {
        folder.get().keep(entry.id());
      } else {
        write(entry, true);
      }
    }
    lock.lock();
    try {
      entry.setSaved();
    } finally {
      lock.unlock();
    }
  }

  /** Writes the file of an entry that someone has acquired. */
  private void write(Entry entry, boolean saved) throws IOException {
    long bytes = folder.orElseThrow().write(entry.tokens(), entry.memory(), saved);
    lock.lock();
    try {
      index.setFile(entry, bytes);
    } finally {
      lock.unlock();
    }
  }

  /** Lets go of what was used longest ago until all is within budget. */
  private void shrink() {
    while (true) {
      Entry oldest;
      lock.lock();
      try {
        if (index.memoryUsed() <= options.memory()) {
          break;
        }
        oldest = index.oldest(this::canLeaveMemory).orElse(null);
        if (oldest == null) {
          break; // all that is left is in use, or was saved and has no folder to go to
        }
        index.acquire(oldest);
      } finally {
        lock.unlock();
      }
      leaveMemory(oldest);
    }
    shrinkDisk();
  }

  private boolean canLeaveMemory(Entry entry) {
    return entry.inMemory() && !entry.inUse() && (folder.isPresent() || !entry.saved());
  }

  /** Takes an acquired entry out of memory, and releases it. */
  private void leaveMemory(Entry entry) {
    boolean onDisk = entry.onDisk();
    if (!onDisk && folder.isPresent()) {
      try {
        write(entry, entry.saved());
        onDisk = true;
      } catch (IOException _) {
        // The disk is full or gone: this state is forgotten, which costs time and nothing else.
      }
    }
    lock.lock();
    try {
      index.release(entry);
      if (!onDisk) {
        remove(entry);
      } else if (!entry.inUse() && entry.removed()) {
        drop(entry);
      } else if (!entry.inUse() && entry.inMemory()) {
        index.freeMemory(entry);
      }
    } finally {
      lock.unlock();
    }
  }

  private void shrinkDisk() {
    lock.lock();
    try {
      while (index.diskUsed() > options.disk()) {
        Optional<Entry> oldest =
            index.oldest(entry -> entry.onDisk() && !entry.inUse() && !entry.saved());
        if (oldest.isEmpty()) {
          return;
        }
        remove(oldest.get());
      }
    } finally {
      lock.unlock();
    }
  }

  private void forget(Entry entry) {
    lock.lock();
    try {
      remove(entry);
    } finally {
      lock.unlock();
    }
  }

  /** Takes an entry out of reach; its memory goes with its last reader. */
  private void remove(Entry entry) {
    if (!entry.removed()) {
      index.remove(entry);
      if (!entry.inUse()) {
        drop(entry);
      }
    }
  }

  private void drop(Entry entry) {
    if (entry.inMemory()) {
      index.freeMemory(entry);
    }
    if (entry.onDisk()) {
      index.setFile(entry, 0);
      folder.ifPresent(files -> files.delete(entry.id(), entry.saved()));
    }
  }

  /** The tokens of a state. */
  Optional<int[]> tokens(String id) {
    lock.lock();
    try {
      return index.get(id).map(Entry::tokens);
    } finally {
      lock.unlock();
    }
  }

  /** All that is remembered, the last used first. */
  List<Description> list() {
    lock.lock();
    try {
      return index.all().stream().map(StateCache::describe).toList();
    } finally {
      lock.unlock();
    }
  }

  /** One state. */
  Optional<Description> describe(String id) {
    lock.lock();
    try {
      return index.get(id).map(StateCache::describe);
    } finally {
      lock.unlock();
    }
  }

  private static Description describe(Entry entry) {
    long bytes = entry.inMemory() ? entry.memory().byteSize() : entry.fileBytes();
    return new Description(
        entry.id(), entry.tokens().length, bytes, entry.inMemory(), entry.saved());
  }

  /** Forgets a state; whether there was one. */
  boolean delete(String id) {
    lock.lock();
    try {
      Optional<Entry> entry = index.get(id);
      entry.ifPresent(this::remove);
      return entry.isPresent();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of memory in use. */
  long memoryUsed() {
    lock.lock();
    try {
      return index.memoryUsed();
    } finally {
      lock.unlock();
    }
  }

  /** How many states are remembered. */
  int size() {
    lock.lock();
    try {
      return index.size();
    } finally {
      lock.unlock();
    }
  }

  /** Puts into the folder what is in memory, the last used first, and frees the memory. */
  @Override
  public void close() {
    for (Description description : list()) {
      Entry entry;
      lock.lock();
      try {
        entry = index.get(description.id()).orElse(null);
        if (entry == null || !entry.inMemory()) {
          continue;
        }
        if (!fitsDisk(entry)) {
          remove(entry);
          continue;
        }
        index.acquire(entry);
      } finally {
        lock.unlock();
      }
      leaveMemory(entry);
    }
  }

  private boolean fitsDisk(Entry entry) {
    return entry.onDisk()
        || entry.saved()
        || index.diskUsed() + entry.memory().byteSize() <= options.disk();
  }
}
