package dev.mamba4j.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number of percent, with or without the sign. */
final class Percent implements ITypeConverter<Double> {
  @Override
  public Double convert(String text) {
    try {
      return Double.valueOf(text.strip().replaceFirst(" ?%$", ""));
    } catch (NumberFormatException e) {
      throw new TypeConversionException("\"" + text + "\" is not a percentage such as 0.5%");
    }
  }
}
