package dev.mamba4j.compress.transform;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.SourceTensor;
import dev.mamba4j.compress.calibration.ImportanceMatrix;
import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.gguf.GgufMetadata;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A model that computes the same and loses less when it is quantized. Each layer gets the scales
 * and the order of channels with the smallest {@link LayerChoice measured error}. The tensors
 * remain those of a Mamba-2 model, so that any program runs the file.
 *
 * <p>It reads from the source, which must stay open; closing it closes nothing.
 */
public final class TransformedModel implements ModelSource {
  /** What may be done. */
  public enum Kind {
    /** Numbers move between the weights of norms and the columns of the projections behind. */
    SCALE,
    /** Channels change places within a head, heads within a group. */
    PERMUTE;

    /**
     * The one of a name.
     *
     * @param where the plan that names it, for the message
     */
    public static Kind of(String name, Path where) throws FormatException {
      for (Kind kind : values()) {
        if (kind.toString().equals(name)) {
          return kind;
        }
      }
      throw new FormatException(
          "%s: \"%s\" is not a transform; there are %s"
              .formatted(where, name, Arrays.toString(values())));
    }

    /** As plans and the command line name it. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String KEY = "mamba4j.transforms";

  private final ModelSource source;
  private final List<LayerTransform> layers;
  private final EnumSet<Kind> kinds;
  private final List<SourceTensor> tensors;

  private TransformedModel(ModelSource source, List<LayerTransform> layers, EnumSet<Kind> kinds) {
    this.source = source;
    this.kinds = kinds;
    this.layers = List.copyOf(layers);
    tensors = source.tensors().stream().map(this::changed).toList();
  }

  /**
   * Chooses what is done to each layer.
   *
   * @param importance of the inputs of the projections; a layer that it does not know of stays
   * @param kinds what may be done
   */
  public static TransformedModel of(
      ModelSource source, ImportanceMatrix importance, EnumSet<Kind> kinds) throws FormatException {
    Map<String, SourceTensor> byName =
        source.tensors().stream().collect(Collectors.toMap(SourceTensor::name, tensor -> tensor));
    int groups = source.metadata().int32("mamba2.ssm.group_count");
    List<LayerTransform> layers = new ArrayList<>();
    for (int i = 0; byName.containsKey(in(i)); i++) {
      int heads = (int) byName.get("blk." + i + ".ssm_a").info().elements();
      layers.add(
          new LayerChoice(byName.get(in(i)), byName.get(out(i)), heads, groups, importance, kinds)
              .best());
    }
    return new TransformedModel(source, layers, kinds);
  }

  /** With what is to be done to each layer. */
  static TransformedModel of(ModelSource source, List<LayerTransform> layers) {
    return new TransformedModel(source, layers, EnumSet.allOf(Kind.class));
  }

  private static String in(int layer) {
    return "blk." + layer + ".ssm_in.weight";
  }

  private static String out(int layer) {
    return "blk." + layer + ".ssm_out.weight";
  }

  private SourceTensor changed(SourceTensor tensor) {
    if (!tensor.name().startsWith("blk.")) {
      return tensor;
    }
    int dot = tensor.name().indexOf('.', 4);
    LayerTransform layer = layers.get(Integer.parseInt(tensor.name(), 4, dot, 10));
    int columns = (int) tensor.info().columns();
    int elements = (int) Math.min(Integer.MAX_VALUE, tensor.info().elements());
    View view =
        switch (tensor.name().substring(dot + 1)) {
          case "attn_norm.weight" ->
              new View(tensor, elements, null, null, inverse(layer.inScale()));
          case "ssm_in.weight" ->
              new View(
                  tensor, columns, projectedRows(layer, elements / columns), null, layer.inScale());
          case "ssm_conv1d.weight" ->
              new View(tensor, columns, convolved(layer, elements / columns), null, null);
          case "ssm_conv1d.bias" -> new View(tensor, 1, convolved(layer, elements), null, null);
          case "ssm_dt.bias", "ssm_a", "ssm_d" -> new View(tensor, 1, layer.heads(), null, null);
          case "ssm_norm.weight" ->
              new View(tensor, elements, null, layer.channels(), inverse(layer.outScale()));
          case "ssm_out.weight" ->
              new View(tensor, columns, null, layer.channels(), layer.outScale());
          default -> null;
        };
    return view == null ? tensor : view.tensor();
  }

  /** Rows of z, x, B, C, dt. */
  private static int[] projectedRows(LayerTransform layer, int rows) {
    int inner = layer.channels().length;
    int heads = layer.heads().length;
    int[] order = new int[rows];
    for (int i = 0; i < rows; i++) {
      if (i < inner) {
        order[i] = layer.channels()[i];
      } else if (i < 2 * inner) {
        order[i] = inner + layer.channels()[i - inner];
      } else if (i < rows - heads) {
        order[i] = i;
      } else {
        order[i] = rows - heads + layer.heads()[i - (rows - heads)];
      }
    }
    return order;
  }

  /** Channels of x, B, C. */
  private static int[] convolved(LayerTransform layer, int channels) {
    int inner = layer.channels().length;
    int[] order = new int[channels];
    for (int i = 0; i < channels; i++) {
      order[i] = i < inner ? layer.channels()[i] : i;
    }
    return order;
  }

  private static float[] inverse(float[] scale) {
    float[] inverse = new float[scale.length];
    for (int i = 0; i < scale.length; i++) {
      inverse[i] = 1 / scale[i];
    }
    return inverse;
  }

  /** The importance matrix of this model by that of the source. */
  public ImportanceMatrix importance(ImportanceMatrix of) {
    SortedMap<String, ImportanceMatrix.Columns> entries = new TreeMap<>(of.entries());
    for (int i = 0; i < layers.size(); i++) {
      LayerTransform layer = layers.get(i);
      entries.computeIfPresent(in(i), (_, known) -> moved(known, null, layer.inScale()));
      entries.computeIfPresent(
          out(i), (_, known) -> moved(known, layer.channels(), layer.outScale()));
    }
    return new ImportanceMatrix(
        of.datasets(), of.chunks(), of.chunkSize(), Collections.unmodifiableSortedMap(entries));
  }

  private static ImportanceMatrix.Columns moved(
      ImportanceMatrix.Columns known, int[] order, float[] scale) {
    double[] sums = new double[scale.length];
    for (int i = 0; i < sums.length; i++) {
      sums[i] = known.sums()[order == null ? i : order[i]] / ((double) scale[i] * scale[i]);
    }
    return new ImportanceMatrix.Columns(sums, known.count());
  }

  /** What was done, a layer each. */
  public List<String> choices() {
    return layers.stream().map(LayerTransform::text).toList();
  }

  @Override
  public List<String> transforms() {
    return kinds.stream().map(Kind::toString).toList();
  }

  @Override
  public String name() {
    return source.name();
  }

  @Override
  public GgufMetadata metadata() {
    GgufMetadata.Builder keys = source.metadata().toBuilder();
    keys.putString(KEY, String.join("; ", choices()));
    return keys.build();
  }

  @Override
  public List<SourceTensor> tensors() {
    return tensors;
  }

  @Override
  public void close() {
    // The source belongs to the caller.
  }
}
