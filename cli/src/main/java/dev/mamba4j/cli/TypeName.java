package dev.mamba4j.cli;

import dev.mamba4j.formats.tensor.TensorType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The tensor types that can be written, by name in any case. */
final class TypeName implements ITypeConverter<TensorType> {
  @Override
  public TensorType convert(String name) {
    return TensorType.ofName(name)
        .filter(TensorType::canEncode)
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "\"%s\" is not a type that mamba4j writes; there are %s"
                        .formatted(name, TensorType.encodable())));
  }
}
