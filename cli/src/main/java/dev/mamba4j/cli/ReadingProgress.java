package dev.mamba4j.cli;

import dev.mamba4j.engine.PrefillListener;

/** Shows how far a model is with reading, and ends that at Ctrl-C. */
class ReadingProgress implements PrefillListener, AutoCloseable {
  private final Console console;
  private final ProgressBar bar;

  ReadingProgress(Console console) {
    this.console = console;
    bar = new ProgressBar(console, rate -> Figures.rate(rate, "tokens"));
  }

  @Override
  public final boolean progress(int done, int total) {
    bar.update("reading", done, total);
    return !console.interruption().requested();
  }

  @Override
  public final void close() {
    bar.close();
  }
}
