package dev.mamba4j.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number of bytes: {@code 2534080}, {@code 1.3GB} (powers of 1000), {@code 900MiB} (of 1024). */
final class ByteSize implements ITypeConverter<Long> {
  private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?) ?([kmg]i?)?b?");
  private static final Map<String, Long> UNITS =
      Map.of(
          "k",
          1_000L,
          "m",
          1_000_000L,
          "g",
          1_000_000_000L,
          "ki",
          1L << 10,
          "mi",
          1L << 20,
          "gi",
          1L << 30);

  @Override
  public Long convert(String text) {
    Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (!matcher.matches() || text.length() > 30) {
      throw new TypeConversionException(
          "\"" + text + "\" is not a size; write it like 1.3GB, 900MiB or 2534080");
    }
    long unit = matcher.group(2) == null ? 1 : UNITS.get(matcher.group(2));
    return new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit)).longValue();
  }
}
