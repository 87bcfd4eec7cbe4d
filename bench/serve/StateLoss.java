import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.ModelOptions;
import dev.mamba4j.engine.PackedState;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.StatePacking;
import dev.mamba4j.engine.sampling.LogProbabilities;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * What a state loses when it is packed, as the divergence (nats) of the next token's distribution
 * and of those after the following tokens, over windows of a text:
 *
 * <pre>java -cp 'cli/target/app/*' bench/serve/StateLoss.java MODEL.gguf TEXT [WINDOWS]</pre>
 */
final class StateLoss {
  private static final int READ = 200;
  private static final int AFTER = 64;

  public static void main(String[] args) throws IOException {
    int windows = args.length > 2 ? Integer.parseInt(args[2]) : 100;
    try (LanguageModel model = LanguageModel.open(Path.of(args[0]), ModelOptions.defaults())) {
      int[] text = model.tokenizer().encode(Files.readString(Path.of(args[1])), false);
      for (StatePacking packing : List.of(StatePacking.HALF, StatePacking.INT8)) {
        measure(model, packing, text, windows);
      }
    }
  }

  private static void measure(LanguageModel model, StatePacking packing, int[] text, int windows) {
    double[] after = new double[AFTER];
    double[] first = new double[windows];
    double worst = 0;
    long bytes = 0;
    for (int i = 0; i < windows; i++) {
      int at = (int) ((long) i * (text.length - READ - AFTER) / windows);
      try (Mamba2State exact = model.mamba2().newState();
          Mamba2State unpacked = model.mamba2().newState()) {
        int[] read = Arrays.copyOfRange(text, at, at + READ);
        model.mamba2().prefill(exact, read, PrefillListener.NONE);
        try (PackedState packed = PackedState.of(exact, packing)) {
          packed.unpackInto(unpacked);
          bytes = packed.byteSize();
        }
        for (int k = 0; k < AFTER; k++) {
          int token = text[at + READ + k];
          double loss = divergence(model, next(model, exact, token), next(model, unpacked, token));
          after[k] += loss / windows;
          worst = Math.max(worst, loss);
          first[i] += k == 0 ? loss : 0;
        }
      }
    }
    System.out.printf(
        "%s (%d bytes): first token %.2g on average, %.2g at most; %d tokens %.2g, %.2g at most%n",
        packing,
        bytes,
        Arrays.stream(first).average().orElseThrow(),
        Arrays.stream(first).max().orElseThrow(),
        AFTER,
        Arrays.stream(after).average().orElseThrow(),
        worst);
  }

  private static float[] next(LanguageModel model, Mamba2State state, int token) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    model.mamba2().step(state, token, logits);
    return logits;
  }

  private static double divergence(LanguageModel model, float[] base, float[] other) {
    return LogProbabilities.divergence(base, other, model.vocabulary());
  }
}
