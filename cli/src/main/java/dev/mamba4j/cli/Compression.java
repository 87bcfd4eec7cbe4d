package dev.mamba4j.cli;

import dev.mamba4j.compress.allocation.StandardSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes files of several sizes from a checkpoint; those that are there already stay. */
final class Compression {
  private final Console console;
  private final Path folder;
  private final Child child;

  /**
   * @param folder where the files go
   */
  Compression(Console console, Path folder) {
    this.console = console;
    this.folder = folder;
    child = new Child(console);
  }

  /**
   * Converts and compresses.
   *
   * @param types as {@code quantize --type} names them
   * @param text what mixes are measured on
   * @return the file without loss, and one for each type
   */
  List<Path> run(Path checkpoint, List<String> types, Optional<Path> text) throws IOException {
    for (String type : types) {
      if (StandardSize.isOne(type) && text.isEmpty()) {
        throw new UsageException(
            type + " is a mix, and a text is needed to measure it on: --text FILE");
      }
    }
    Files.createDirectories(folder);
    String name = checkpoint.toAbsolutePath().normalize().getFileName().toString();
    Path original = folder.resolve(name + ".gguf");
    make(original, List.of("convert", checkpoint.toString(), "-o", original.toString()));
    List<Path> files = new ArrayList<>(List.of(original));
    for (String type : types) {
      Path file = folder.resolve(name + "-" + type + ".gguf");
      List<String> command =
          new ArrayList<>(
              List.of("quantize", original.toString(), "-o", file.toString(), "--type", type));
      if (StandardSize.isOne(type)) {
        command.addAll(List.of("-f", text.orElseThrow().toString()));
        Path matrix = folder.resolve(name + ".imatrix.gguf");
        if (Files.exists(matrix)) {
          command.addAll(List.of("--calibration", matrix.toString()));
        }
      }
      make(file, command);
      files.add(file);
    }
    return files;
  }

  /** A file has its name only once it is complete, so one that is there is done. */
  private void make(Path file, List<String> command) throws IOException {
    if (Files.exists(file)) {
      console.note(file + " is there already");
    } else {
      console.note("writing " + file);
      child.run(command);
    }
  }
}
