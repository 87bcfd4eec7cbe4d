package dev.mamba4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher in a checkout of stand-ins: JDKs that print their arguments, a Maven that obeys. */
class LauncherTest {
  private static final String MAVEN =
      """
      #!/bin/sh
      echo "mvn with $JAVA_HOME" >>"$(dirname "$0")/built"
      mkdir -p cli/target/app && : >cli/target/app/mamba4j-cli.jar
      """;

  @TempDir private Path temporary;
  private Path root;
  private Path launcher;
  private Path tools;

  @BeforeEach
  void checkOut() throws IOException {
    root = Files.createDirectories(temporary.resolve("a checkout"));
    launcher = root.resolve("mamba4j");
    Files.copy(Path.of(System.getProperty("mamba4j.root"), "mamba4j"), launcher);
    Files.createDirectories(root.resolve("engine/src/main"));
    Files.writeString(root.resolve("pom.xml"), "");
    age(root.resolve("engine/src/main"));
    age(root.resolve("pom.xml"));
    tools = Files.createDirectories(temporary.resolve("tools"));
    script(tools.resolve("mvn"), MAVEN);
  }

  private static void age(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(3600)));
  }

  private static void script(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Path jdk(String name, String version) throws IOException {
    Path home = temporary.resolve(name);
    script(
        home.resolve("bin/java"),
        "#!/bin/sh\necho \"%s\"\nprintf '<%%s>\\n' \"$@\"\n".formatted(name));
    Files.writeString(
        home.resolve("release"), "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  private Outcome launch(Map<String, String> environment, Path program, String... arguments)
      throws Exception {
    Map<String, String> all = new HashMap<>(environment);
    all.putIfAbsent("PATH", tools + ":/usr/bin:/bin");
    all.put("HOME", temporary.toString());
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    return Forked.run(temporary, all, command);
  }

  private Map<String, String> javaHome(Path home) {
    return Map.of("JAVA_HOME", home.toString());
  }

  private long builds() throws IOException {
    Path built = tools.resolve("built");
    return Files.exists(built) ? Files.readAllLines(built).size() : 0;
  }

  @Test
  void passesArgumentsOnAsTheyAre() throws Exception {
    Path jdk = jdk("jdk 25", "25.0.3");
    Outcome outcome = launch(javaHome(jdk), launcher, "generate", "two words", "*", "");
    assertThat(outcome.code()).isZero();
    assertThat(outcome.out())
        .startsWith("jdk 25\n")
        .contains(
            "<--add-modules>\n<jdk.incubator.vector>\n", "<--enable-native-access=ALL-UNNAMED>")
        .endsWith(
            "<-cp>\n<%s/cli/target/app/*>\n<dev.mamba4j.cli.Main>\n<generate>\n<two words>\n<*>\n<>\n"
                .formatted(root.toRealPath()));
  }

  @Test
  void whereNumbersAreInCOnlyTheSearchForScalesTakesTheVectorApi() throws Exception {
    String machine = System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
    Path library = root.resolve("kernels/target/classes/native/linux-" + machine + "/kernels.so");
    Files.createDirectories(library.getParent());
    Files.createFile(library);
    assumeTrue(
        Files.readString(Path.of("/proc/cpuinfo")).matches("(?s).*\\b(avx2|asimddp)\\b.*"),
        "this processor lacks what the kernels in C need");
    Map<String, String> environment = javaHome(jdk("jdk", "25"));
    assertThat(launch(environment, launcher, "quantize").out()).contains("jdk.incubator.vector");
    for (String command : List.of("generate", "serve")) {
      assertThat(launch(environment, launcher, command).out())
          .contains("<" + command + ">")
          .doesNotContain("jdk.incubator.vector");
    }
  }

  @Test
  void addsTheUsersJavaOptions() throws Exception {
    Map<String, String> environment =
        Map.of("JAVA_HOME", jdk("jdk", "25").toString(), "MAMBA4J_JAVA_OPTS", "-Xmx1g  -Da=*");
    assertThat(launch(environment, launcher).out()).contains("<-Xmx1g>\n<-Da=*>\n<-cp>");
  }

  @Test
  void worksThroughSymbolicLinks() throws Exception {
    Path jdk = jdk("jdk", "25.0.1");
    Files.createDirectories(temporary.resolve("bin"));
    Path direct = Files.createSymbolicLink(temporary.resolve("bin/m4j"), launcher);
    Path relative = Files.createSymbolicLink(temporary.resolve("bin/again"), Path.of("../bin/m4j"));
    for (Path link : List.of(direct, relative)) {
      assertThat(launch(javaHome(jdk), link).out())
          .contains("<" + root.toRealPath() + "/cli/target/app/*>");
    }
  }

  @Test
  void takesTheJdkOfThePathWhereJavaHomeIsTooOld() throws Exception {
    Path old = jdk("old", "17.0.15");
    Path current = jdk("current", "26-ea");
    String path = current.resolve("bin") + ":" + tools + ":/usr/bin:/bin";
    Outcome outcome = launch(Map.of("JAVA_HOME", old.toString(), "PATH", path), launcher);
    assertThat(outcome.out()).startsWith("current\n");
  }

  @Test
  void looksWhereJdksUsuallyAre() throws Exception {
    String text = Files.readString(launcher).replace("/usr/lib/jvm/*", "/nosuch/*");
    Files.writeString(launcher, text.replace("/opt/", "/nosuch/").replace("/usr/java", "/nosuch"));
    jdk(".sdkman/candidates/java/21-tem", "21.0.2");
    jdk(".sdkman/candidates/java/25-tem", "25.0.2");
    Outcome outcome = launch(Map.of("JAVA_HOME", ""), launcher);
    assertThat(outcome.out()).startsWith(".sdkman/candidates/java/25-tem\n");
  }

  @Test
  void saysWhatToInstallWhereThereIsNoJdk() throws Exception {
    String text = Files.readString(launcher).replaceAll("/usr/lib/jvm|/opt|/usr/java", "/nosuch");
    Files.writeString(launcher, text);
    Outcome outcome = launch(javaHome(jdk("old", "17.0.15")), launcher, "--version");
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("JDK 25", "JAVA_HOME", "https://adoptium.net");
  }

  @Test
  void buildsOnFirstUseAndWhenSourcesAreNewer() throws Exception {
    Map<String, String> environment = javaHome(jdk("jdk", "25"));
    Outcome first = launch(environment, launcher);
    assertThat(first.err()).startsWith("mamba4j: building");
    assertThat(tools.resolve("built")).content().contains("mvn with " + temporary + "/jdk");
    assertThat(launch(environment, launcher).err()).isEmpty();
    assertThat(builds()).isEqualTo(1);
    Files.writeString(root.resolve("engine/src/main/New.java"), "");
    Files.setLastModifiedTime(
        root.resolve("engine/src/main/New.java"), FileTime.from(Instant.now().plusSeconds(2)));
    launch(environment, launcher);
    assertThat(builds()).isEqualTo(2);
  }

  /** A JDK that keeps classes as Java does, from a checkout whose small model converts. */
  @Test
  void startsWithTheClassesThatTheBuildKept() throws Exception {
    Path jdk = jdk("jdk", "25");
    script(
        jdk.resolve("bin/java"),
        """
        #!/bin/sh
        printf '<%s>\\n' "$@"
        for argument in "$@"; do
          case $argument in
            -XX:ArchiveClassesAtExit=*) echo kept >"${argument#*=}" ;;
          esac
        done
        """);
    String option = "<-XX:SharedArchiveFile=" + root.toRealPath() + "/cli/target/classes.jsa>";
    Outcome first = launch(javaHome(jdk), launcher, "doctor");
    assertThat(first.out()).contains(option).doesNotContain("<generate>", "kept");
    assertThat(first.err()).hasLineCount(1);
    assertThat(launch(javaHome(jdk), launcher, "doctor").out()).contains(option);
  }

  @Test
  void startsWithoutKeptClassesWhereThereAreNone() throws Exception {
    Path jdk = jdk("jdk", "25");
    assertThat(launch(javaHome(jdk), launcher).out()).doesNotContain("SharedArchiveFile");
    Files.writeString(root.resolve("cli/target/classes.jsa"), "of an older build");
    Files.delete(root.resolve("cli/target/app/mamba4j-cli.jar"));
    assertThat(launch(javaHome(jdk), launcher).out()).doesNotContain("SharedArchiveFile");
  }

  @Test
  void showsWhyABuildFailed() throws Exception {
    script(
        tools.resolve("mvn"),
        "#!/bin/sh\necho '[INFO] chatter'\necho '[ERROR] Foo.java:[3,4] no such method'\nexit 1\n");
    Outcome outcome = launch(javaHome(jdk("jdk", "25")), launcher);
    assertThat(outcome.code()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("the build failed", "build.log", "Foo.java:[3,4] no such method")
        .doesNotContain("chatter");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void asksForMavenWhereItHasToBuildWithoutIt() throws Exception {
    Files.delete(tools.resolve("mvn"));
    Path links = Files.createDirectory(temporary.resolve("links"));
    for (String tool : List.of("sh", "readlink", "dirname", "find", "head", "env")) {
      Files.createSymbolicLink(links.resolve(tool), Path.of("/usr/bin", tool));
    }
    Outcome outcome =
        launch(
            Map.of("JAVA_HOME", jdk("jdk", "25").toString(), "PATH", links.toString()), launcher);
    outcome.isOneLine(1);
    assertThat(outcome.err()).contains("Maven");
  }
}
