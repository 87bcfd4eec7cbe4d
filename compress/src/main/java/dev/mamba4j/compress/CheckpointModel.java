package dev.mamba4j.compress;

import dev.mamba4j.engine.Mamba2Config;
import dev.mamba4j.engine.tokenizer.TokenizerData;
import dev.mamba4j.engine.tokenizer.TokenizerMetadata;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.checkpoint.Checkpoint;
import dev.mamba4j.formats.checkpoint.CheckpointTensor;
import dev.mamba4j.formats.gguf.GgufMetadata;
import dev.mamba4j.formats.gguf.GgufTensorInfo;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A published checkpoint under the names and conventions of GGUF. Takes the naming of state-spaces
 * ({@code backbone.embedding.weight}), of transformers ({@code backbone.embeddings.weight}) and
 * Codestral's prefix {@code model.}.
 *
 * <p>Only A is changed: the checkpoint has A_log, the file A = -exp(A_log).
 */
final class CheckpointModel implements ModelSource {
  private static final String PREFIX = "model.";
  private static final String LAYERS = "backbone.layers.";

  private final Path folder;
  private final Checkpoint checkpoint;
  private final Mamba2Config config;
  private final Map<String, CheckpointTensor> unused;
  private final List<SourceTensor> tensors = new ArrayList<>();
  private final List<String> notices = new ArrayList<>();
  private final GgufMetadata metadata;

  private CheckpointModel(Path folder, Checkpoint checkpoint) throws IOException {
    this.folder = folder;
    this.checkpoint = checkpoint;
    unused = new HashMap<>();
    checkpoint.tensors().forEach((name, tensor) -> unused.put(stripPrefix(name), tensor));
    CheckpointConfig shape = CheckpointConfig.read(folder);
    CheckpointTensor embedding = takeEmbedding();
    config = shape.toModel(folder.toString(), rows(embedding));
    addMatrix("token_embd.weight", embedding, config.vocabulary(), config.width());
    addHead(embedding, shape.tied());
    addVector("output_norm.weight", "backbone.norm_f.weight", config.width());
    for (int i = 0; i < config.layers(); i++) {
      addLayer(LAYERS + i + ".", "blk." + i + ".");
    }
    if (!unused.isEmpty()) {
      throw new FormatException(
          "%s: tensor %s has no place in a Mamba-2 model of %d layers"
              .formatted(folder, unused.keySet().iterator().next(), config.layers()));
    }
    metadata = readMetadata();
  }

  /**
   * Opens a checkpoint folder.
   *
   * @throws FormatException if a tensor is missing, has a wrong shape or none that is known
   */
  static CheckpointModel open(Path folder) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(folder);
    try {
      return new CheckpointModel(folder, checkpoint);
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  private static String stripPrefix(String name) {
    return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
  }

  private CheckpointTensor takeEmbedding() throws FormatException {
    String transformers = "backbone.embeddings.weight";
    return unused.containsKey(transformers)
        ? take(transformers)
        : take("backbone.embedding.weight");
  }

  /** The head, unless it is the embedding once more. */
  private void addHead(CheckpointTensor embedding, boolean tied) throws FormatException {
    CheckpointTensor head = unused.remove("lm_head.weight");
    if (head == null && !tied) {
      throw missing("lm_head.weight");
    }
    if (!tied && !sameData(head, embedding)) {
      addMatrix("output.weight", head, config.vocabulary(), config.width());
    }
  }

  private static boolean sameData(CheckpointTensor a, CheckpointTensor b) {
    return a.type() == b.type()
        && a.isContiguous()
        && b.isContiguous()
        && a.data().mismatch(b.data()) < 0;
  }

  private void addLayer(String from, String to) throws FormatException {
    String mixer = from + "mixer.";
    int heads = config.heads();
    int channels = config.channels();
    addVector(to + "attn_norm.weight", from + "norm.weight", config.width());
    addMatrix(
        to + "ssm_in.weight", take(mixer + "in_proj.weight"), config.projected(), config.width());
    addVector(to + "ssm_conv1d.weight", mixer + "conv1d.weight", config.convWidth(), channels);
    addVector(to + "ssm_conv1d.bias", mixer + "conv1d.bias", channels);
    addVector(to + "ssm_dt.bias", mixer + "dt_bias", heads);
    CheckpointTensor logA = take(mixer + "A_log");
    check(logA, heads);
    SourceTensor.Values a =
        (first, target, count) -> {
          logA.read(first, target, 0, count);
          for (int i = 0; i < count; i++) {
            target[i] = (float) -Math.exp(target[i]);
          }
        };
    add(new GgufTensorInfo(to + "ssm_a", TensorType.F32, 1, heads), a);
    addVector(to + "ssm_d", mixer + "D", 1, heads);
    int groups = config.groups();
    addVector(to + "ssm_norm.weight", mixer + "norm.weight", config.inner() / groups, groups);
    addMatrix(
        to + "ssm_out.weight", take(mixer + "out_proj.weight"), config.width(), config.inner());
  }

  /** A small tensor, which is written as float32. */
  private void addVector(String to, String from, long... dimensions) throws FormatException {
    CheckpointTensor tensor = take(from);
    GgufTensorInfo info = new GgufTensorInfo(to, TensorType.F32, dimensions);
    check(tensor, info.elements());
    add(info, (first, target, count) -> tensor.read(first, target, 0, count));
  }

  private void addMatrix(String to, CheckpointTensor tensor, int rows, int columns)
      throws FormatException {
    long[] shape = tensor.shape();
    if (shape.length != 2 || shape[0] != rows || shape[1] != columns) {
      throw wrongShape(tensor, "[" + rows + ", " + columns + "]");
    }
    TensorType type =
        switch (tensor.type()) {
          case F16 -> TensorType.F16;
          case BF16 -> TensorType.BF16;
          default -> TensorType.F32;
        };
    boolean asStored = tensor.isContiguous() && tensor.type().bytes() == type.blockBytes();
    Optional<MemorySegment> stored = asStored ? Optional.of(tensor.data()) : Optional.empty();
    SourceTensor.Values values = (first, target, count) -> tensor.read(first, target, 0, count);
    tensors.add(new SourceTensor(new GgufTensorInfo(to, type, columns, rows), values, stored));
  }

  private void add(GgufTensorInfo info, SourceTensor.Values values) {
    tensors.add(new SourceTensor(info, values, Optional.empty()));
  }

  private CheckpointTensor take(String name) throws FormatException {
    CheckpointTensor tensor = unused.remove(name);
    if (tensor == null) {
      throw missing(name);
    }
    return tensor;
  }

  private FormatException missing(String name) {
    return new FormatException("%s: tensor %s is missing".formatted(folder, name));
  }

  private static int rows(CheckpointTensor embedding) throws FormatException {
    long[] shape = embedding.shape();
    if (shape.length != 2 || shape[0] < 1 || shape[0] > 1 << 24) {
      throw wrongShape(embedding, "[vocabulary, width]");
    }
    return (int) shape[0];
  }

  private static void check(CheckpointTensor tensor, long elements) throws FormatException {
    if (tensor.elements() != elements) {
      throw wrongShape(tensor, elements + " values");
    }
  }

  private static FormatException wrongShape(CheckpointTensor tensor, String expected) {
    return new FormatException(
        "%s: tensor %s: expected %s as the configuration says, found shape %s"
            .formatted(tensor.file(), tensor.name(), expected, Arrays.toString(tensor.shape())));
  }

  private GgufMetadata readMetadata() throws IOException {
    GgufMetadata.Builder keys =
        ModelMetadata.of(config, folder.toRealPath().getFileName().toString());
    Optional<TokenizerData> tokenizer = tokenizer();
    if (tokenizer.isPresent()) {
      TokenizerMetadata.write(tokenizer.get().paddedTo(config.vocabulary()), keys);
    } else {
      ModelMetadata.putNoTokenizer(keys, config.vocabulary());
    }
    return keys.build();
  }

  private Optional<TokenizerData> tokenizer() throws IOException {
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      try {
        return Optional.of(TokenizerData.fromHuggingFace(json));
      } catch (FormatException e) {
        notices.add(e.getMessage() + "; the model is written without a tokenizer");
        return Optional.empty();
      }
    }
    TokenizerData neox = TokenizerData.gptNeoX();
    int tokens = neox.tokens().size();
    if (config.vocabulary() >= tokens && config.vocabulary() < tokens + 256) {
      notices.add(folder + ": no tokenizer.json; taking GPT-NeoX's, as state-spaces models use it");
      return Optional.of(neox);
    }
    notices.add(
        "%s: no tokenizer.json, and a vocabulary of %d is not GPT-NeoX's; the model is written without a tokenizer"
            .formatted(folder, config.vocabulary()));
    return Optional.empty();
  }

  @Override
  public String name() {
    return folder.toString();
  }

  @Override
  public GgufMetadata metadata() {
    return metadata;
  }

  @Override
  public List<SourceTensor> tensors() {
    return List.copyOf(tensors);
  }

  @Override
  public List<String> notices() {
    return List.copyOf(notices);
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
