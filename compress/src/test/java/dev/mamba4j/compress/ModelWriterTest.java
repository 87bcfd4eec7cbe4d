package dev.mamba4j.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.formats.FormatException;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelWriterTest {
  @TempDir Path folder;

  @Test
  void saysWhichTypesItWritesWhenAskedForAnother() throws IOException {
    Path target = folder.resolve("model.gguf");
    try (ModelSource source = ModelWriter.open(Fixtures.checkpoint("tiny"))) {
      Plan plan = Plan.uniform(source, TensorType.IQ1_S);
      assertThatThrownBy(() -> ModelWriter.write(source, plan, target, ModelWriter.Progress.NONE))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(
              source.name() + ": tensor token_embd.weight cannot become IQ1_S; this version writes")
          .hasMessageContaining("F16")
          .hasMessageContaining("Q8_0")
          .hasMessageNotContainingAny("\n", "IQ1_M");
    }
    assertThat(folder).isEmptyDirectory();
  }
}
