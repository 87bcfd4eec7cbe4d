package dev.mamba4j.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What work that was cut short finds again, and who may touch it. */
class WorkFolderTest {
  @TempDir private Path folder;
  private Path target;

  @BeforeEach
  void name() {
    target = folder.resolve("a.gguf");
  }

  private void leave(String key, String name) throws IOException {
    try (WorkFolder work = WorkFolder.open(target)) {
      work.claim(key);
      Files.writeString(work.file(name), "done");
    }
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void theSameWorkFindsWhatItLeft() throws IOException {
    leave("one", "part");
    assertThat(names()).containsExactly(".a.gguf.work");
    try (WorkFolder work = WorkFolder.open(target)) {
      work.claim("one");
      assertThat(work.file("part")).hasContent("done");
      work.delete();
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void otherWorkDeletesIt() throws IOException {
    leave("one", "part");
    try (WorkFolder work = WorkFolder.open(target)) {
      work.claim("two");
      assertThat(work.file("part")).doesNotExist();
    }
    leave("two", ".part.partial");
    WorkFolder.forget(target);
    assertThat(names()).isEmpty();
    WorkFolder.forget(target); // nothing there
  }

  @Test
  void whatWasNotClaimedIsNotKept() throws IOException {
    try (WorkFolder work = WorkFolder.open(target)) {
      Files.writeString(work.file("floats"), "1 2 3");
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void aSecondProcessIsRefused() throws IOException {
    try (WorkFolder work = WorkFolder.open(target)) {
      Files.writeString(work.file("floats"), "1 2 3");
      assertThatThrownBy(() -> WorkFolder.open(target))
          .isInstanceOf(IOException.class)
          .hasMessage(target + ": cannot be written: another process is writing it");
      assertThatThrownBy(() -> WorkFolder.forget(target)).isInstanceOf(IOException.class);
      assertThat(work.file("floats")).exists();
    }
  }

  @Test
  void aPlaceThatIsMissingOrTakenIsNamed() throws IOException {
    Path nowhere = folder.resolve("none").resolve("a.gguf");
    assertThatThrownBy(() -> WorkFolder.open(nowhere))
        .isInstanceOf(IOException.class)
        .hasMessage(nowhere + ": cannot be written: there is no folder " + folder.resolve("none"));
    Files.writeString(folder.resolve(".a.gguf.work"), "mine");
    assertThatThrownBy(() -> WorkFolder.open(target))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(".a.gguf.work: expected a folder");
  }
}
