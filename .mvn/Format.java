import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs google-java-format over every source of the project: {@code Format.java JAR check|write}.
 */
final class Format {
  private static final List<String> JAVAC_PACKAGES =
      List.of("api", "code", "file", "parser", "tree", "util");

  public static void main(String[] args) throws IOException, InterruptedException {
    boolean write = args[1].equals("write");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name : JAVAC_PACKAGES) {
      command.add("--add-exports=jdk.compiler/com.sun.tools.javac." + name + "=ALL-UNNAMED");
    }
    command.addAll(List.of("-jar", args[0]));
    command.addAll(write ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    int options = command.size();
    try (Stream<Path> files = Files.walk(Path.of("."))) {
      files
          .map(Path::normalize)
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.toString().contains("target/") && !file.startsWith(".git"))
          .sorted()
          .forEach(file -> command.add(file.toString()));
    }
    if (command.size() == options) {
      return;
    }
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (status != 0 && !write) {
      System.err.println("The files above are not formatted. Run: mvn -N -Pformat validate");
    }
    System.exit(status);
  }
}
