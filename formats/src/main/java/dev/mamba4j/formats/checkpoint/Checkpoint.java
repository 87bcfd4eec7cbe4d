package dev.mamba4j.formats.checkpoint;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a trained model, in one file or in shards. All files are mapped until {@link
 * #close}; nothing is copied.
 *
 * <p>Safe for use by several threads, except {@link #close}.
 */
public final class Checkpoint implements AutoCloseable {
  private static final String INDEX = ".index.json";

  /** In the order of preference; safetensors need no pickle. */
  private static final List<String> CANDIDATES =
      List.of(
          "model.safetensors",
          "model.safetensors" + INDEX,
          "pytorch_model.bin",
          "pytorch_model.bin" + INDEX);

  private final Path path;
  private final Arena arena;
  private final Map<String, CheckpointTensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private Checkpoint(Path path, Arena arena) {
    this.path = path;
    this.arena = arena;
  }

  /**
   * Opens a checkpoint.
   *
   * @param folderOrFile a folder with a checkpoint under one of the usual names; or a file: {@code
   *     .safetensors}, an index of shards {@code .index.json}, or else a file of {@code torch.save}
   * @throws FormatException if there is none, or if a file or index is not what it should be
   */
  public static Checkpoint open(Path folderOrFile) throws IOException {
    Path file = Files.isDirectory(folderOrFile) ? find(folderOrFile) : folderOrFile;
    @SuppressWarnings("MustBeClosedChecker") // close() closes it
    Arena arena = Arena.ofShared();
    Checkpoint checkpoint = new Checkpoint(file, arena);
    try {
      if (file.toString().endsWith(".json")) {
        checkpoint.readShards();
      } else {
        checkpoint.add(shard(file, arena));
      }
      return checkpoint;
    } catch (IOException | RuntimeException e) {
      checkpoint.close();
      throw e;
    }
  }

  /** The file that was opened: the one with all tensors, or the index of the shards. */
  public Path path() {
    return path;
  }

  /** All tensors by name; file after file, and in each the order of the file. */
  public Map<String, CheckpointTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** The tensor with a name. */
  public Optional<CheckpointTensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /** The free text in safetensors files ({@code __metadata__}); mamba4j gives it no meaning. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  /** Unmaps the files; tensors cannot be read any more. */
  @Override
  public void close() {
    arena.close();
  }

  private static Path find(Path folder) throws FormatException {
    for (String name : CANDIDATES) {
      Path file = folder.resolve(name);
      if (Files.exists(file)) {
        return file;
      }
    }
    throw new FormatException(
        folder + ": no checkpoint in this folder; looked for " + String.join(", ", CANDIDATES));
  }

  private static Shard shard(Path file, Arena arena) throws IOException {
    MappedFile mapped = MappedFile.open(file, arena);
    return file.toString().endsWith(".safetensors")
        ? SafetensorsFile.read(mapped)
        : TorchFile.read(mapped);
  }

  private void add(Shard shard) {
    tensors.putAll(shard.tensors());
    shard.metadata().forEach(metadata::putIfAbsent);
  }

  /** Reads an index: {@code {"weight_map": {TENSOR: FILE, ...}}}. */
  private void readShards() throws IOException {
    JsonObject index = BoundedJson.read(MappedFile.open(path, arena).bytes(), path.toString());
    JsonObject weightMap = index.object("weight_map");
    Map<String, Set<String>> namesOfFile = new LinkedHashMap<>();
    for (String name : weightMap.fields().keySet()) {
      Quoted.checkedName(name, path.toString());
      String file = weightMap.string(name);
      namesOfFile.computeIfAbsent(file, _ -> new HashSet<>()).add(name);
    }
    for (Map.Entry<String, Set<String>> entry : namesOfFile.entrySet()) {
      Path file = shardPath(entry.getKey());
      Shard shard = shard(file, arena);
      for (String name : entry.getValue()) {
        if (!shard.tensors().containsKey(name)) {
          throw new FormatException(
              file + ": expected tensor \"" + name + "\", which " + path + " says is here");
        }
      }
      shard.tensors().keySet().retainAll(entry.getValue());
      add(shard);
    }
  }

  /** A shard lies beside its index: a name with a folder in it could lead anywhere. */
  private Path shardPath(String name) throws FormatException {
    if (name.isEmpty() || name.startsWith(".") || name.contains("/") || name.contains("\\")) {
      throw new FormatException(
          path + ": shard " + Quoted.of(name) + ": expected the name of a file beside the index");
    }
    try {
      Path file = path.resolveSibling(name);
      if (Files.exists(file)) {
        return file;
      }
      throw new FormatException(
          path + ": shard " + Quoted.of(name) + " is missing; download it into the same folder");
    } catch (InvalidPathException e) {
      throw new FormatException(path + ": shard " + Quoted.of(name) + ": not a file name", e);
    }
  }
}
