package dev.mamba4j.engine;

import dev.mamba4j.engine.ChatPrompt.Role;
import dev.mamba4j.engine.ChatPrompt.Turn;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufNumbers;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.gguf.GgufWriter;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A remembered state on disk, with the tokens that led to it: a GGUF file of its own kind ({@code
 * general.type} "mamba4j-state"), so that it is checked like any other and {@code inspect} shows
 * it. It belongs to one model, which its fingerprint tells, and appears under its name only when it
 * is complete.
 *
 * @param tokens all that the state has read, in order
 * @param state the packed state
 * @param logits of the next token, (vocabulary); empty if they were not kept
 * @param turns the conversation that the tokens are; empty if they are none
 */
@SuppressWarnings("ArrayRecordComponent") // copied on the way in and out
public record SavedState(int[] tokens, PackedState state, float[] logits, List<Turn> turns) {
  private static final String KIND = "mamba4j-state";
  private static final String TOKENS = "mamba4j.state.tokens";
  private static final String MODEL = "mamba4j.state.model";
  private static final String PACKING = "mamba4j.state.packing";
  private static final String LOGITS = "mamba4j.state.logits";
  private static final String ROLES = "mamba4j.state.roles";
  private static final String CONTENTS = "mamba4j.state.contents";

  /** Checks that tokens and state belong together. */
  public SavedState {
    if (tokens.length != state.position()) {
      throw new IllegalArgumentException(
          "a state of " + state.position() + " tokens with " + tokens.length + " tokens");
    }
    tokens = tokens.clone();
    logits = logits.clone();
    turns = List.copyOf(turns);
  }

  /** A state without logits: something has to be read before there is a next token. */
  public SavedState(int[] tokens, PackedState state) {
    this(tokens, state, new float[0], List.of());
  }

  @Override
  public int[] tokens() {
    return tokens.clone();
  }

  @Override
  public float[] logits() {
    return logits.clone();
  }

  /**
   * Writes it to a file, on the disk when this returns.
   *
   * @param fingerprint that of the model, see {@link LanguageModel#fingerprint}
   */
  public void write(Path file, String fingerprint) throws IOException {
    GgufMetadata.Builder metadata =
        GgufMetadata.builder()
            .putString("general.type", KIND)
            .putString(MODEL, fingerprint)
            .putString(PACKING, state.packing().name().toLowerCase(Locale.ROOT))
            .putInt32s(TOKENS, tokens)
            .putFloat32s(LOGITS, logits);
    if (!turns.isEmpty()) {
      metadata.putStrings(ROLES, turns.stream().map(turn -> turn.role().name()).toList());
      metadata.putStrings(CONTENTS, turns.stream().map(Turn::content).toList());
    }
    List<GgufTensorInfo> infos = new ArrayList<>();
    List<MemorySegment> data = new ArrayList<>();
    for (Part part : parts(state)) {
      infos.add(part.info());
      data.add(part.data());
    }
    try (GgufWriter writer = GgufWriter.create(file, metadata.build(), infos)) {
      for (int i = 0; i < data.size(); i++) {
        writer.write(infos.get(i).name(), data.get(i));
      }
      writer.finish();
    }
  }

  /**
   * The tokens and the state of a file.
   *
   * @param config the shape of the model
   * @param fingerprint that of the model
   * @throws FormatException if it is no such file, is damaged, or belongs to another model
   */
  public static SavedState read(Path path, Mamba2Config config, String fingerprint)
      throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      requireModel(file, fingerprint);
      int[] tokens = tokens(file, config.vocabulary());
      float[] logits = logits(file, config.vocabulary());
      List<Turn> turns = turns(file);
      StatePacking packing = packing(file.metadata().string(PACKING), path);
      PackedState state = new PackedState(config, packing, tokens.length);
      try {
        for (Part part : parts(state)) {
          part.data().copyFrom(find(file, part.info()));
        }
      } catch (FormatException e) {
        state.close();
        throw e;
      }
      return new SavedState(tokens, state, logits, turns);
    }
  }

  /** The tokens of a file alone; see {@link #read}. */
  public static int[] readTokens(Path path, Mamba2Config config, String fingerprint)
      throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      requireModel(file, fingerprint);
      return tokens(file, config.vocabulary());
    }
  }

  /** How many tokens the state of a file has read, whatever model it belongs to. */
  public static int countTokens(Path path) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      requireState(file);
      return file.metadata().numbers(TOKENS).size();
    }
  }

  private static void requireState(GgufFile file) throws FormatException {
    String kind = file.metadata().optionalString("general.type").orElse("model");
    if (!kind.equals(KIND)) {
      throw new FormatException(file.path() + ": expected a saved state, found a " + kind);
    }
  }

  private static void requireModel(GgufFile file, String fingerprint) throws FormatException {
    requireState(file);
    if (!file.metadata().string(MODEL).equals(fingerprint)) {
      throw new FormatException(
          file.path() + ": the state belongs to another model; delete it or use that model");
    }
  }

  private static int[] tokens(GgufFile file, int vocabulary) throws FormatException {
    GgufNumbers numbers = file.metadata().numbers(TOKENS);
    int[] tokens = new int[numbers.size()];
    for (int i = 0; i < tokens.length; i++) {
      long token = numbers.integer(i);
      if (token < 0 || token >= vocabulary) {
        throw new FormatException(
            "%s: %s: expected ids from 0 to %d, found %d"
                .formatted(file.path(), TOKENS, vocabulary - 1, token));
      }
      tokens[i] = (int) token;
    }
    return tokens;
  }

  private static float[] logits(GgufFile file, int vocabulary) throws FormatException {
    if (file.metadata().value(LOGITS).isEmpty()) {
      return new float[0];
    }
    GgufNumbers numbers = file.metadata().numbers(LOGITS);
    if (numbers.size() != 0 && numbers.size() != vocabulary) {
      throw new FormatException(
          "%s: %s: expected %d numbers, found %d"
              .formatted(file.path(), LOGITS, vocabulary, numbers.size()));
    }
    float[] logits = new float[numbers.size()];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = numbers.float32(i);
    }
    return logits;
  }

  private static List<Turn> turns(GgufFile file) throws FormatException {
    if (!file.metadata().has(ROLES)) {
      return List.of();
    }
    List<String> roles = file.metadata().strings(ROLES);
    List<String> contents = file.metadata().strings(CONTENTS);
    if (roles.size() != contents.size()) {
      throw new FormatException(
          "%s: %d %s, but %d %s"
              .formatted(file.path(), roles.size(), ROLES, contents.size(), CONTENTS));
    }
    List<Turn> turns = new ArrayList<>();
    for (int i = 0; i < roles.size(); i++) {
      try {
        turns.add(new Turn(Role.valueOf(roles.get(i)), contents.get(i)));
      } catch (IllegalArgumentException e) {
        throw new FormatException(
            file.path() + ": " + ROLES + ": \"" + roles.get(i) + "\" is not known", e);
      }
    }
    return turns;
  }

  private static StatePacking packing(String name, Path path) throws FormatException {
    for (StatePacking packing : StatePacking.values()) {
      if (packing.name().equalsIgnoreCase(name)) {
        return packing;
      }
    }
    throw new FormatException(path + ": " + PACKING + ": \"" + name + "\" is not known");
  }

  private static MemorySegment find(GgufFile file, GgufTensorInfo expected) throws FormatException {
    GgufTensor tensor =
        file.tensor(expected.name())
            .orElseThrow(() -> new FormatException(file.path() + ": no tensor " + expected.name()));
    if (!tensor.info().equals(expected)) {
      throw new FormatException(
          file.path() + ": expected tensor " + expected + ", found " + tensor.info());
    }
    return tensor.data();
  }

  /** A tensor of the file and where its bytes are. */
  private record Part(GgufTensorInfo info, MemorySegment data) {}

  private static List<Part> parts(PackedState state) {
    List<Part> parts = new ArrayList<>();
    for (int layer = 0; layer < state.config().layers(); layer++) {
      parts.add(
          new Part(
              new GgufTensorInfo(
                  "blk." + layer + ".conv_state", TensorType.F32, state.config().convStateSize()),
              state.conv(layer)));
      parts.add(
          new Part(
              new GgufTensorInfo(
                  "blk." + layer + ".ssm_state",
                  state.packing().type(),
                  state.config().scanStateSize()),
              state.scan(layer)));
      parts.add(
          new Part(
              new GgufTensorInfo(
                  "blk." + layer + ".ssm_factor", TensorType.F32, state.config().heads()),
              state.factors(layer)));
    }
    return parts;
  }
}
