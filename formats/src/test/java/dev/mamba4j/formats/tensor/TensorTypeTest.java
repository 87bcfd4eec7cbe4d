package dev.mamba4j.formats.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class TensorTypeTest {
  @Test
  void findsTypesByTheirNumber() {
    for (TensorType type : TensorType.values()) {
      assertThat(TensorType.ofId(type.id())).contains(type);
    }
    // Numbers of types that ggml has removed, and none.
    for (int id : new int[] {-1, 4, 5, 31, 32, 33, 36, 37, 38, 1000}) {
      assertThat(TensorType.ofId(id)).isEmpty();
    }
  }

  /** What llama.cpp's files of the small model say: bytes of token_embd.weight, 256 x 4096. */
  @Test
  void knowsTheSizeOfABlock() {
    assertThat(TensorType.Q8_0.byteSize(256 * 4096)).isEqualTo(1_114_112);
    assertThat(TensorType.Q6_K.byteSize(256 * 4096)).isEqualTo(860_160);
    assertThat(TensorType.Q8_0.bitsPerWeight()).isEqualTo(8.5);
    assertThat(TensorType.Q4_K.bitsPerWeight()).isEqualTo(4.5);
  }

  @Test
  void rejectsPartsOfBlocksAndSizesThatOverflow() {
    assertThatThrownBy(() -> TensorType.Q8_0.byteSize(33))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("33 values are not a whole number of Q8_0 blocks of 32");
    assertThatThrownBy(() -> TensorType.F32.byteSize(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> TensorType.F32.byteSize(Long.MAX_VALUE))
        .isInstanceOf(ArithmeticException.class);
    float[] values = new float[33];
    MemorySegment target = MemorySegment.ofArray(new byte[100]);
    assertThatThrownBy(() -> TensorType.Q8_0.encode(values, 0, target, 0, 33))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void saysThatATypeCannotBeDecoded() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[TensorType.IQ1_S.blockBytes()]);
    float[] values = new float[TensorType.IQ1_S.blockSize()];
    assertThat(TensorType.IQ1_S.canDecode()).isFalse();
    assertThatThrownBy(() -> TensorType.IQ1_S.decode(bytes, 0, values, 0, values.length))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("tensor type IQ1_S cannot be decoded by this version of mamba4j");
  }

  @Test
  void saysThatATypeCannotBeEncoded() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[TensorType.IQ1_S.blockBytes()]);
    float[] values = new float[TensorType.IQ1_S.blockSize()];
    assertThat(TensorType.IQ1_S.canEncode()).isFalse();
    assertThatThrownBy(() -> TensorType.IQ1_S.encode(values, 0, bytes, 0, values.length))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("tensor type IQ1_S cannot be encoded by this version of mamba4j");
  }

  @Test
  void decodesWhateverItEncodes() {
    assertThat(TensorType.values())
        .filteredOn(TensorType::canEncode)
        .isNotEmpty()
        .allMatch(TensorType::canDecode);
  }

  @Test
  void keepsSinglePrecisionLittleEndian() {
    byte[] bytes = new byte[9];
    float[] values = {0, 1, -1.5f};
    TensorType.F32.encode(values, 1, MemorySegment.ofArray(bytes), 1, 2);
    assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("000000803f0000c0bf");
    float[] decoded = new float[3];
    TensorType.F32.decode(MemorySegment.ofArray(bytes), 1, decoded, 1, 2);
    assertThat(decoded).isEqualTo(values);
  }
}
