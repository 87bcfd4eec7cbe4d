package dev.mamba4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class VectorProductsTest {
  /** Bytecodes that C2 inlines at most, its FreqInlineSize. */
  private static final int INLINED = 325;

  static TensorType[] types() {
    return Arrays.stream(TensorType.values())
        .filter(VectorProducts::isDirect)
        .toArray(TensorType[]::new);
  }

  /** Else vectors go through the heap once several types are in use. */
  @ParameterizedTest
  @MethodSource("types")
  void everyTypeHasAMethodThatIsTooLargeToBeInlined(TensorType type) throws IOException {
    assertThat(codeLength(VectorProducts.class, "add" + type)).isGreaterThan(INLINED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"addRow", "addRowQ8_0", "addRowToTwo"})
  void soHasEveryLoopOverIntegers(String method) throws IOException {
    assertThat(codeLength(IntegerProducts.class, method)).isGreaterThan(INLINED);
  }

  private static int codeLength(Class<?> type, String method) throws IOException {
    try (InputStream file = type.getResourceAsStream(type.getSimpleName() + ".class")) {
      ClassModel model = ClassFile.of().parse(file.readAllBytes());
      return model.methods().stream()
          .filter(candidate -> candidate.methodName().equalsString(method))
          .map(candidate -> (CodeAttribute) candidate.code().orElseThrow())
          .mapToInt(CodeAttribute::codeLength)
          .findFirst()
          .orElseThrow();
    }
  }
}
