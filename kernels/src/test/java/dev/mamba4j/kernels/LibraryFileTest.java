package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryFileTest {
  private static final byte[] CONTENT = "library".getBytes(StandardCharsets.UTF_8);

  @TempDir Path base;

  @Test
  void unpacksIntoAFolderOfTheUserAlone() throws IOException {
    Path folder = base.resolve("a/cache");
    Path file = LibraryFile.unpack(CONTENT, "lib.so", List.of(folder));
    // The beginning of the SHA-256 digest that sha256sum prints for it.
    assertThat(file).isEqualTo(folder.resolve("b718f1354f724731-lib.so")).hasBinaryContent(CONTENT);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)))
        .isEqualTo("rwx------");
    assertThat(names(folder)).containsExactly("b718f1354f724731-lib.so");
  }

  @Test
  void unpacksOnceAndEachContentByItself() throws IOException {
    Path folder = base.resolve("cache");
    Path first = LibraryFile.unpack(CONTENT, "lib.so", List.of(folder));
    Object key = Files.readAttributes(first, "unix:ino").get("ino");
    assertThat(LibraryFile.unpack(CONTENT, "lib.so", List.of(folder))).isEqualTo(first);
    assertThat(Files.readAttributes(first, "unix:ino").get("ino")).isEqualTo(key);
    assertThat(LibraryFile.unpack(new byte[] {1}, "lib.so", List.of(folder))).isNotEqualTo(first);
    assertThat(names(folder)).hasSize(2);
  }

  @Test
  void replacesWhatIsNotTheLibrary() throws IOException {
    Path folder = base.resolve("cache");
    Path file = LibraryFile.unpack(CONTENT, "lib.so", List.of(folder));
    Files.writeString(file, "LIBRARY");
    assertThat(LibraryFile.unpack(CONTENT, "lib.so", List.of(folder))).hasBinaryContent(CONTENT);
    Path elsewhere = base.resolve("elsewhere");
    Files.write(elsewhere, CONTENT);
    Files.delete(file);
    Files.createSymbolicLink(file, elsewhere);
    assertThat(LibraryFile.unpack(CONTENT, "lib.so", List.of(folder))).hasBinaryContent(CONTENT);
    assertThat(Files.isSymbolicLink(file)).isFalse();
  }

  @Test
  void refusesAFolderThatOthersCanEnterOrThatIsALink() throws IOException {
    Path open = Files.createDirectory(base.resolve("open"));
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertRefuses(open);
    Path closed =
        Files.createDirectory(
            base.resolve("closed"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    assertRefuses(Files.createSymbolicLink(base.resolve("link"), closed));
    assertRefuses(Files.createSymbolicLink(base.resolve("dangling"), base.resolve("nothing")));
    assertRefuses(Files.createFile(base.resolve("file")));
    assertThat(names(open)).isEmpty();
    assertThat(names(closed)).isEmpty();
    assertThat(Files.exists(base.resolve("nothing"), LinkOption.NOFOLLOW_LINKS)).isFalse();
  }

  @Test
  void takesTheNextFolderWhereOneCannotBeUsed() throws IOException {
    Path file = Files.createFile(base.resolve("file"));
    Path next = base.resolve("next");
    assertThat(LibraryFile.unpack(CONTENT, "lib.so", List.of(file, file.resolve("below"), next)))
        .hasParent(next);
  }

  @Test
  void saysThatThereIsNoResource() {
    assertThatThrownBy(() -> LibraryFile.of("/native/none.so"))
        .isInstanceOf(NoSuchFileException.class);
  }

  private static void assertRefuses(Path folder) {
    assertThatThrownBy(() -> LibraryFile.unpack(CONTENT, "lib.so", List.of(folder)))
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessageContaining(folder.toString()));
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
