package dev.mamba4j.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the arrows of the design. */
class ArchitectureTest {
  private static final String BASE = "dev.mamba4j.";

  /** A module may use those before it. */
  private static final List<String> MODULES =
      List.of("formats", "kernels", "engine", "compress", "evaluate", "serve", "cli");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.mamba4j");

  private static String all(String module) {
    return BASE + module + "..";
  }

  static List<String> modulesWithOthersAbove() {
    return MODULES.subList(0, MODULES.size() - 1);
  }

  @ParameterizedTest
  @MethodSource("modulesWithOthersAbove")
  void aModuleUsesOnlyThoseBelow(String module) {
    String[] above =
        MODULES.subList(MODULES.indexOf(module) + 1, MODULES.size()).stream()
            .map(ArchitectureTest::all)
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(all(module))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(above)
        .allowEmptyShould(true) // a module may not have begun
        .check(CLASSES);
  }

  @Test
  void kernelsKnowTensorTypesButNoFiles() {
    noClasses()
        .that()
        .resideInAPackage(all("kernels"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            BASE + "formats", all("formats.gguf"), all("formats.checkpoint"), all("formats.json"))
        .check(CLASSES);
  }

  @Test
  void jsonIsReadInOnePlace() {
    onlyIn("tools.jackson..", "formats");
    onlyIn("net.razorvine..", "formats");
  }

  @Test
  void theTerminalBelongsToTheCommandLine() {
    onlyIn("picocli..", "cli");
    onlyIn("org.jline..", "cli");
  }

  @Test
  void theVectorApiStaysInTheKernelsAndTheSearchForScales() {
    noClasses()
        .that()
        .resideOutsideOfPackage(all("kernels"))
        .and()
        .doNotHaveSimpleName("VectorGroupSums")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  @Test
  void dataSetsAreReadInTheEvaluation() {
    onlyIn("dev.hardwood..", "evaluate");
  }

  @Test
  void httpBelongsToTheServer() {
    onlyIn("io.netty..", "serve");
  }

  private static void onlyIn(String library, String module) {
    noClasses()
        .that()
        .resideOutsideOfPackage(all(module))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(library)
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(BASE + "(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void allClassesAreInAModule() {
    classes()
        .should()
        .resideInAnyPackage(MODULES.stream().map(ArchitectureTest::all).toArray(String[]::new))
        .check(CLASSES);
  }
}
