package dev.mamba4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Token ids as a user gives them: whole numbers with commas between. */
record TokenList(List<Integer> ids) {
  private static final Pattern COMMA = Pattern.compile(",");

  /** Reads the list. */
  static final class Converter implements ITypeConverter<TokenList> {
    @Override
    public TokenList convert(String text) {
      try {
        return new TokenList(
            Arrays.stream(COMMA.split(text, -1)).map(id -> Integer.valueOf(id.strip())).toList());
      } catch (NumberFormatException e) {
        throw new TypeConversionException(
            "expected token ids with commas between, like 1953,329,622, not \"" + text + "\"");
      }
    }
  }

  /**
   * The ids, all below the size of the vocabulary.
   *
   * @throws UsageException if one is not
   */
  int[] checked(int vocabulary) {
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new UsageException(
            "--tokens: %d is not in the vocabulary of %d".formatted(id, vocabulary));
      }
    }
    return ids.stream().mapToInt(Integer::intValue).toArray();
  }
}
