package dev.mamba4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/** Which processors a thread may run on; Linux only, see sched_setaffinity(2). */
final class Affinity {
  private static final int MOST_PROCESSORS = 1024;

  private Affinity() {}

  /**
   * Keeps the calling thread, which must be a platform thread, to some processors. Where the system
   * does not let us, it stays where it may run now, which costs speed only.
   *
   * @return whether the system did it
   */
  static boolean keepTo(List<Integer> processors) {
    try (Arena arena = Arena.ofConfined()) {
      Optional<MemorySegment> function =
          Linker.nativeLinker().defaultLookup().find("sched_setaffinity");
      if (function.isEmpty()) {
        return false;
      }
      MethodHandle set =
          Linker.nativeLinker()
              .downcallHandle(
                  function.get(),
                  FunctionDescriptor.of(
                      ValueLayout.JAVA_INT,
                      ValueLayout.JAVA_INT,
                      ValueLayout.JAVA_LONG,
                      ValueLayout.ADDRESS));
      MemorySegment mask = arena.allocate(MOST_PROCESSORS / Byte.SIZE, Long.BYTES);
      for (int processor : processors) {
        long at = (long) processor / Long.SIZE;
        long bits = mask.getAtIndex(ValueLayout.JAVA_LONG, at);
        mask.setAtIndex(ValueLayout.JAVA_LONG, at, bits | 1L << processor % Long.SIZE);
      }
      return (int) set.invokeExact(0, mask.byteSize(), mask) == 0;
    } catch (Throwable _) { // invokeExact declares it; nothing that goes wrong here matters
      return false;
    }
  }
}
