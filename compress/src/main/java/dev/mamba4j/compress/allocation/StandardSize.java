package dev.mamba4j.compress.allocation;

import dev.mamba4j.compress.ModelSource;
import dev.mamba4j.compress.ModelWriter;
import dev.mamba4j.compress.Plan;
import dev.mamba4j.compress.RoundToNearest;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of llama.cpp for mixed files, such as Q4_K_M. Here each means the best plan of a size:
 *
 * <ul>
 *   <li>S: that of a file whose matrices all have the type;
 *   <li>M: that of llama.cpp's file of this name, which keeps the head (or the embedding that it
 *       is) in Q6_K;
 *   <li>L: halfway from M to the M of the next type.
 * </ul>
 */
public final class StandardSize {
  private static final List<TensorType> TYPES =
      List.of(TensorType.Q2_K, TensorType.Q3_K, TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K);

  private static final TensorType HEAD = TensorType.Q6_K;
  private static final Pattern NAME = Pattern.compile("(Q[2-5]_K)_([SML])");

  private StandardSize() {}

  /** The names, for messages. */
  public static String names() {
    return "Q2_K, Q3_K, Q4_K and Q5_K with _S, _M or _L";
  }

  /** Whether a name is one of these, in any case. */
  public static boolean isOne(String name) {
    return NAME.matcher(name.toUpperCase(Locale.ROOT)).matches();
  }

  /** The size that a name stands for, in any case; empty if it is none of these. */
  public static Optional<Goal> goal(String name, ModelSource source) throws IOException {
    Matcher matcher = NAME.matcher(name.toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int index = TYPES.indexOf(TensorType.valueOf(matcher.group(1)));
    TensorType type = TYPES.get(index);
    long medium = bytes(source, type, HEAD);
    long size =
        switch (matcher.group(2)) {
          case "S" -> bytes(source, type, type);
          case "M" -> medium;
          default -> (medium + bytes(source, TYPES.get(index + 1), HEAD)) / 2;
        };
    return Optional.of(new Goal.FileSize(size, matcher.group()));
  }

  private static long bytes(ModelSource source, TensorType type, TensorType head)
      throws IOException {
    return ModelWriter.fileBytes(source, Plan.uniform(source, type, head), new RoundToNearest());
  }
}
