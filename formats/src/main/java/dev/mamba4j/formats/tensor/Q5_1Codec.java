package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;

/**
 * 5-bit integers above a minimum: blocks of 32, {@code value = d * q + m}.
 *
 * <p>Layout of a block: d, m (2 bytes each), then the quants as in {@link Q5_0Codec}: fifth bits (4
 * bytes), the other four (16 bytes).
 */
final class Q5_1Codec extends QuantizedCodec {
  Q5_1Codec() {
    super(32, 24);
  }

  @Override
  void decodeBlock(MemorySegment source, long block, float[] target, int to) {
    float scale = half(source, block);
    float minimum = half(source, block + 2);
    for (int i = 0; i < 32; i++) {
      int quant = Q5_0Codec.quant(source, block + 4, block + 8, i);
      target[to + i] = scale * quant + minimum;
    }
  }

  @Override
  BlockQuantizer quantizer() {
    return new AffineQuantizer(this, 31, 32);
  }

  @Override
  void packBlock(BlockCodes codes, MemorySegment target, long block) {
    putHalf(target, block, codes.d);
    putHalf(target, block + 2, codes.dMin);
    Q5_0Codec.packQuants(codes.quants, target, block + 4, block + 8);
  }
}
