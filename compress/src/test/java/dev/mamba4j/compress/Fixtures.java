package dev.mamba4j.compress;

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

  static Path resource(String name) {
    try {
      return Path.of(Fixtures.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
