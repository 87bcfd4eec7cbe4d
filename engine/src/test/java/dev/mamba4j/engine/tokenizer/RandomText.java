package dev.mamba4j.engine.tokenizer;

import java.util.List;
import java.util.Random;
import java.util.function.IntPredicate;

/** Random Unicode text with all that makes tokenizers differ, the same for the same seed. */
final class RandomText {
  private static final List<String> PIECES =
      List.of(
          " ",
          "  ",
          "   ",
          " ".repeat(24),
          " ".repeat(31),
          "\n",
          "\r\n",
          "\t",
          "\u00A0",
          "\u2003",
          "\u3000",
          "\u0085",
          "'s",
          "'LL",
          "'ve",
          " 're",
          "'l",
          "''",
          "<|endoftext|>",
          "<|padding|>",
          "<|endoftext",
          "the",
          " and",
          "Hello",
          "1234",
          " 7",
          "½",
          "…",
          "e\u0301",
          "A\u030A",
          "\u1100\u1161\u11A8",
          "\uAC00\u11A8",
          "\u0344",
          "\u212B",
          "\uFDFA",
          "😀",
          "👩\u200D🚀",
          "\uFEFF",
          "\uFFFD",
          "\0");

  private static final int[] BLOCKS = {
    0x20, 0x7F, 0xA0, 0x250, 0x300, 0x370, 0x370, 0x530, 0x591, 0x6FF, 0x900, 0xD80, 0x1100, 0x1200,
    0x2000, 0x2070, 0x20D0, 0x20F1, 0x3040, 0x3100, 0x4E00, 0x5000, 0xAC00, 0xAD00, 0x1F300, 0x1F650
  };

  private final Random random;
  private final IntPredicate allowed;

  /**
   * @param allowed which code points may be drawn
   */
  RandomText(long seed, IntPredicate allowed) {
    random = new Random(seed);
    this.allowed = allowed;
  }

  String next() {
    StringBuilder text = new StringBuilder();
    int pieces = random.nextInt(40);
    for (int i = 0; i < pieces; i++) {
      switch (random.nextInt(4)) {
        case 0 -> text.append(PIECES.get(random.nextInt(PIECES.size())));
        case 1 -> text.appendCodePoint(codePoint(0, 0x110000));
        case 2 -> run(text);
        default -> text.append((char) (' ' + random.nextInt(95)));
      }
    }
    return text.toString();
  }

  /** Some code points of one block, as words of a language are. */
  private void run(StringBuilder text) {
    int block = 2 * random.nextInt(BLOCKS.length / 2);
    for (int left = random.nextInt(8); left > 0; left--) {
      text.appendCodePoint(codePoint(BLOCKS[block], BLOCKS[block + 1]));
    }
  }

  private int codePoint(int from, int to) {
    while (true) {
      int codePoint = random.nextInt(from, to);
      boolean surrogate = codePoint >= 0xD800 && codePoint < 0xE000;
      boolean drawn = Character.isDefined(codePoint) || random.nextInt(50) == 0;
      if (!surrogate && drawn && allowed.test(codePoint)) {
        return codePoint;
      }
    }
  }
}
