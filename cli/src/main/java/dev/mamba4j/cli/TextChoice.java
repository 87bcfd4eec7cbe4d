package dev.mamba4j.cli;

import dev.mamba4j.formats.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where the text comes from that a model reads. One of the two is given. */
class TextChoice {
  private static final String STANDARD_INPUT = "-";

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "The text; - reads standard input.")
  private String text;

  @Option(
      names = {"-f", "--file"},
      paramLabel = "FILE",
      description = "A file that holds the text, in UTF-8.")
  private Path file;

  /** The text as it is. */
  final String read(Console console) throws IOException {
    if (file != null) {
      return read(file);
    }
    return text.equals(STANDARD_INPUT) ? decode(console.in().readAllBytes(), name()) : text;
  }

  /** The text of a file in UTF-8. */
  static String read(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new FormatException(file + ": expected a text file, found a folder");
    }
    return decode(Files.readAllBytes(file), file.toString());
  }

  /** What the text is called: its file, or how it was given. */
  final String name() {
    if (file != null) {
      return file.toString();
    }
    return text.equals(STANDARD_INPUT) ? "standard input" : "text of the command line";
  }

  /** The text without the line end that editors and {@code echo} put after it. */
  final String readPrompt(Console console) throws IOException {
    String whole = read(console);
    boolean typed = file == null && !text.equals(STANDARD_INPUT);
    return typed || !whole.endsWith("\n") ? whole : whole.substring(0, whole.length() - 1);
  }

  private static String decode(byte[] bytes, String where) throws FormatException {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder(); // reports what is malformed
    ByteBuffer source = ByteBuffer.wrap(bytes);
    CharBuffer target = CharBuffer.allocate(bytes.length);
    CoderResult result = decoder.decode(source, target, true);
    if (result.isError()) {
      throw new FormatException(
          "%s: not UTF-8 text: byte %d is 0x%02x"
              .formatted(where, source.position(), bytes[source.position()]));
    }
    return target.flip().toString();
  }
}
