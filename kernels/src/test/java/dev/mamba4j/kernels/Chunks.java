package dev.mamba4j.kernels;

/** A work of one phase. */
record Chunks(int count, Body body) implements Work {
  /** What a chunk does. */
  interface Body {
    void run(int chunk);
  }

  /** So many chunks that do nothing. */
  static Chunks idle(int count) {
    return new Chunks(count, chunk -> {});
  }

  @Override
  public int phases() {
    return 1;
  }

  @Override
  public int chunks(int phase) {
    return count;
  }

  @Override
  public void run(int phase, int chunk) {
    body.run(chunk);
  }
}
