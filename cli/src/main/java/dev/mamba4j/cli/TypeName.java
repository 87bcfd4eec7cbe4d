package dev.mamba4j.cli;

import dev.mamba4j.formats.tensor.TensorType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The tensor types that can be written, by name in any case. */
final class TypeName implements ITypeConverter<TensorType> {
  @Override
  public TensorType convert(String name) {
    for (TensorType type : TensorType.values()) {
      if (type.canEncode() && type.name().equals(name.toUpperCase(Locale.ROOT))) {
        return type;
      }
    }
    throw new TypeConversionException(
        "\"" + name + "\" is not a type that mamba4j writes; there are " + all());
  }

  private static String all() {
    return Arrays.stream(TensorType.values())
        .filter(TensorType::canEncode)
        .map(TensorType::name)
        .collect(Collectors.joining(", "));
  }
}
