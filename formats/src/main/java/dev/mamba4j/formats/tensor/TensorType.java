package dev.mamba4j.formats.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The tensor types of GGUF: number in the file, block geometry and, where mamba4j reads or writes
 * the values themselves, how. Numbers and geometry are those of ggml's {@code enum ggml_type}.
 *
 * <p>Types without a decoder can be listed and copied. To support one, give it a {@link
 * BlockDecoder}; to quantize to it, a {@link BlockEncoder}.
 */
public enum TensorType {
  F32(0, 1, 4, new F32Codec()),
  F16(1, 1, 2, new F16Codec()),
  Q4_0(2, 32, 18, new Q4_0Codec()),
  Q4_1(3, 32, 20, new Q4_1Codec()),
  Q5_0(6, 32, 22, new Q5_0Codec()),
  Q5_1(7, 32, 24, new Q5_1Codec()),
  Q8_0(8, 32, 34, new Q8_0Codec()),
  Q8_1(9, 32, 36),
  Q2_K(10, 256, 84, new Q2_KCodec()),
  Q3_K(11, 256, 110, new Q3_KCodec()),
  Q4_K(12, 256, 144, new Q4_KCodec()),
  Q5_K(13, 256, 176, new Q5_KCodec()),
  Q6_K(14, 256, 210, new Q6_KCodec()),
  Q8_K(15, 256, 292),
  IQ2_XXS(16, 256, 66),
  IQ2_XS(17, 256, 74),
  IQ3_XXS(18, 256, 98),
  IQ1_S(19, 256, 50),
  IQ4_NL(20, 32, 18, new IQ4_NLCodec()),
  IQ3_S(21, 256, 110),
  IQ2_S(22, 256, 82),
  IQ4_XS(23, 256, 136, new IQ4_XSCodec()),
  I8(24, 1, 1),
  I16(25, 1, 2),
  I32(26, 1, 4),
  I64(27, 1, 8),
  F64(28, 1, 8),
  IQ1_M(29, 256, 56),
  BF16(30, 1, 2, new BF16Codec()),
  TQ1_0(34, 256, 54),
  TQ2_0(35, 256, 66),
  MXFP4(39, 32, 17);

  /** A 16-bit value at any byte of a file. */
  public static final ValueLayout.OfShort LITTLE_ENDIAN_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** A 32-bit float at any byte of a file. */
  public static final ValueLayout.OfFloat LITTLE_ENDIAN_FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int id;
  private final int blockSize;
  private final int blockBytes;

  @SuppressWarnings("ImmutableEnumChecker") // decoders have no state
  private final BlockDecoder decoder;

  @SuppressWarnings("ImmutableEnumChecker") // encoders have no state
  private final BlockEncoder encoder;

  TensorType(int id, int blockSize, int blockBytes) {
    this(id, blockSize, blockBytes, null, null);
  }

  TensorType(int id, int blockSize, int blockBytes, BlockCodec codec) {
    this(id, blockSize, blockBytes, codec, codec);
  }

  TensorType(int id, int blockSize, int blockBytes, BlockDecoder decoder, BlockEncoder encoder) {
    this.id = id;
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
    this.decoder = decoder;
    this.encoder = encoder;
  }

  /** The type with this number in a GGUF file, or empty if there is none. */
  public static Optional<TensorType> ofId(int id) {
    for (TensorType type : values()) {
      if (type.id == id) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** The type of this name, in any case, or empty if there is none. */
  public static Optional<TensorType> ofName(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equalsIgnoreCase(name)).findFirst();
  }

  /** The names of all types that can be encoded, for messages. */
  public static String encodable() {
    return Arrays.stream(values())
        .filter(TensorType::canEncode)
        .map(TensorType::name)
        .collect(Collectors.joining(", "));
  }

  /** The number of this type in a GGUF file. */
  public int id() {
    return id;
  }

  /** Values in a block; a row of a tensor is a whole number of blocks. */
  public int blockSize() {
    return blockSize;
  }

  /** Bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Average size of a value in bits, scales included. */
  public double bitsPerWeight() {
    return 8.0 * blockBytes / blockSize;
  }

  /** Whether {@link #decode} works for this type. */
  public boolean canDecode() {
    return decoder != null;
  }

  /** Whether {@link #encode} works for this type. */
  public boolean canEncode() {
    return encoder != null;
  }

  /**
   * A quantizer of single blocks, for methods that decide on integers themselves.
   *
   * @throws UnsupportedOperationException if the values are floats or {@link #canEncode()} is false
   */
  public BlockQuantizer newQuantizer() {
    if (encoder instanceof QuantizedCodec codec) {
      return codec.quantizer();
    }
    throw new UnsupportedOperationException("tensor type " + name() + " has no integers");
  }

  /**
   * Bytes that {@code count} values take.
   *
   * @throws IllegalArgumentException if the count is negative or not a whole number of blocks
   * @throws ArithmeticException if the size does not fit a long
   */
  public long byteSize(long count) {
    if (count < 0 || count % blockSize != 0) {
      throw new IllegalArgumentException(
          count + " values are not a whole number of " + name() + " blocks of " + blockSize);
    }
    return Math.multiplyExact(count / blockSize, (long) blockBytes);
  }

  /**
   * Decodes {@code count} values to floats.
   *
   * @param sourceOffset in bytes
   * @param count a multiple of {@link #blockSize()}
   * @throws UnsupportedOperationException if {@link #canDecode()} is false
   */
  public void decode(
      MemorySegment source, long sourceOffset, float[] target, int targetOffset, int count) {
    byteSize(count);
    if (!canDecode()) {
      throw new UnsupportedOperationException(
          "tensor type " + name() + " cannot be decoded by this version of mamba4j");
    }
    decoder.decode(source, sourceOffset, target, targetOffset, count);
  }

  /**
   * Encodes {@code count} floats, the error at each of which counts alike.
   *
   * @param targetOffset in bytes
   * @param count a multiple of {@link #blockSize()}
   * @throws UnsupportedOperationException if {@link #canEncode()} is false
   */
  public void encode(
      float[] source, int sourceOffset, MemorySegment target, long targetOffset, int count) {
    encode(source, sourceOffset, null, target, targetOffset, count);
  }

  /**
   * Encodes {@code count} floats so that the sum of squared errors is small, each error counted as
   * the importance of its column says.
   *
   * @param importance (columns) of the rows that the values are, not negative; null if all count
   *     alike
   * @param targetOffset in bytes
   * @param count a multiple of {@link #blockSize()} and of the columns
   * @throws UnsupportedOperationException if {@link #canEncode()} is false
   */
  public void encode(
      float[] source,
      int sourceOffset,
      float[] importance,
      MemorySegment target,
      long targetOffset,
      int count) {
    byteSize(count);
    if (importance != null
        && (importance.length % blockSize != 0 || count % importance.length != 0)) {
      throw new IllegalArgumentException(
          "%d values are not whole rows of %d columns in blocks of %d"
              .formatted(count, importance.length, blockSize));
    }
    if (!canEncode()) {
      throw new UnsupportedOperationException(
          "tensor type " + name() + " cannot be encoded by this version of mamba4j");
    }
    encoder.encode(source, sourceOffset, importance, target, targetOffset, count);
  }
}
