package dev.mamba4j.evaluate;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.kernels.Work;
import dev.mamba4j.kernels.WorkListener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The time that a part of the step takes in decoding a token, all layers together.
 *
 * @param part norm, in_proj, heads, gate_norm, out_proj or head, as the engine names the phases of
 *     its works; the convolution belongs to the heads
 * @param seconds mean of some tokens
 * @param bytes of memory that it needs: its weights are read once, the state is read and written
 */
public record PartTime(String part, double seconds, long bytes) {
  private static final String HEADS = "heads";

  /** Decodes some tokens and takes the time of each part. */
  public static List<PartTime> measure(LanguageModel model, int tokens) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    Clock clock = new Clock();
    Map<String, Long> bytes;
    try (Mamba2State state = model.mamba2().newState()) {
      bytes = bytes(model);
      model.mamba2().step(state, 0, logits); // warms up
      model.tell(clock);
      for (int i = 0; i < tokens; i++) {
        model.mamba2().step(state, i % model.vocabulary(), logits);
      }
    } finally {
      model.tell(null);
    }
    List<PartTime> parts = new ArrayList<>();
    clock.nanos.forEach(
        (part, nanos) ->
            parts.add(new PartTime(part, nanos / 1e9 / tokens, bytes.getOrDefault(part, 0L))));
    return parts;
  }

  /** Bytes per second that the part moved. */
  public double bytesPerSecond() {
    return bytes / seconds;
  }

  private static Map<String, Long> bytes(LanguageModel model) {
    boolean tied = model.file().tensor("output.weight").isEmpty();
    Map<String, Long> bytes = new HashMap<>();
    for (GgufTensor tensor : model.file().tensors()) {
      if (tied || !tensor.name().equals("token_embd.weight")) {
        bytes.merge(partOf(tensor.name()), tensor.info().byteSize(), Long::sum);
      }
    }
    bytes.merge(HEADS, 2 * model.mamba2().config().stateBytes(), Long::sum);
    return bytes;
  }

  private static String partOf(String tensor) {
    if (!tensor.startsWith("blk.")) {
      return "head"; // the head or what stands in for it, and its norm
    }
    return switch (tensor.substring(tensor.indexOf('.', "blk.".length()) + 1)) {
      case "attn_norm.weight" -> "norm";
      case "ssm_in.weight" -> "in_proj";
      case "ssm_norm.weight" -> "gate_norm";
      case "ssm_out.weight" -> "out_proj";
      default -> HEADS;
    };
  }

  /** A phase takes from the end of the one before it to its own. */
  private static final class Clock implements WorkListener {
    private final Map<String, Long> nanos = new LinkedHashMap<>();
    private long last;

    @Override
    public void begins(Work work) {
      last = System.nanoTime();
    }

    @Override
    public void ended(Work work, int phase) {
      long now = System.nanoTime();
      nanos.merge(work.name(phase), now - last, Long::sum);
      last = now;
    }
  }
}
