package dev.mamba4j.compress;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/** Checkpoints with known logits: those of the test resources, and the small model. */
final class Fixtures {
  static final List<String> SHAPES =
      List.of("codestral-like-f32-groups8", "hf-sharded-bf16-groups2", "native-tied-f16");

  private Fixtures() {}

  /** The folder of a checkpoint; "tiny" is the small model of the repository. */
  static Path checkpoint(String name) {
    return name.equals("tiny")
        ? Path.of(System.getProperty("mamba4j.root"), "models", "tiny")
        : resource("shapes/" + name);
  }

  /** What mamba2_reference.py gave for the checkpoint. */
  static Path expectedLogits(String name) {
    return name.equals("tiny")
        ? resource("tiny/expected_logits.json")
        : resource("shapes/" + name + "/expected_logits.json");
  }

  /** The model as a file whose matrices have one type. */
  static Path write(Path input, TensorType type, Path file) throws IOException {
    try (ModelSource source = ModelWriter.open(input)) {
      ModelWriter.write(source, Plan.uniform(source, type), file, ModelWriter.Progress.NONE);
    }
    return file;
  }

  /** The tokens whose logits are known for the small model. */
  static int[] prompt() throws IOException {
    return ids(Json.read(expectedLogits("tiny")).list("tokens"));
  }

  /** Token ids as JSON has them. */
  static int[] ids(List<?> numbers) {
    return numbers.stream().mapToInt(id -> ((Long) id).intValue()).toArray();
  }

  /** A file beside the repository, which need not exist. */
  static Path shared(String name) {
    return Path.of(System.getProperty("mamba4j.root")).resolveSibling("shared").resolve(name);
  }

  static Path resource(String name) {
    try {
      return Path.of(Fixtures.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
