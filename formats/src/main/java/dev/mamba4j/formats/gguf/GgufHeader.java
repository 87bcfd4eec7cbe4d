package dev.mamba4j.formats.gguf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Writes all that precedes the tensor data, padding included. */
final class GgufHeader {
  private final LittleEndianOutput out;

  private GgufHeader(LittleEndianOutput out) {
    this.out = out;
  }

  static void write(LittleEndianOutput out, GgufMetadata metadata, List<GgufTensorInfo> tensors)
      throws IOException {
    GgufHeader header = new GgufHeader(out);
    int alignment = metadata.alignment();
    out.u32(GgufFormat.MAGIC);
    out.u32(GgufFormat.VERSION);
    out.u64(tensors.size());
    out.u64(metadata.values().size());
    for (Map.Entry<String, GgufValue> entry : metadata.values().entrySet()) {
      header.text(entry.getKey());
      out.u32(entry.getValue().type().id());
      header.value(entry.getValue());
    }
    long offset = 0;
    for (GgufTensorInfo tensor : tensors) {
      header.tensor(tensor, offset);
      offset = GgufFormat.align(offset + tensor.byteSize(), alignment);
    }
    out.pad(alignment);
  }

  private void value(GgufValue value) throws IOException {
    switch (value) {
      case GgufValue.Whole(GgufValueType type, long number) -> out.low(number, type.bytes());
      case GgufValue.Float32(float number) -> out.u32(Float.floatToRawIntBits(number));
      case GgufValue.Float64(double number) -> out.u64(Double.doubleToRawLongBits(number));
      case GgufValue.Bool(boolean truth) -> out.low(truth ? 1 : 0, 1);
      case GgufValue.Text text -> text(text.utf8());
      case GgufNumbers numbers -> {
        array(numbers.elementType(), numbers.size());
        out.bytes(numbers.encoded());
      }
      case GgufStrings strings -> {
        array(GgufValueType.STRING, strings.size());
        out.bytes(strings.encoded());
      }
      case GgufValue.Nested(List<GgufValue> arrays) -> {
        array(GgufValueType.ARRAY, arrays.size());
        for (GgufValue array : arrays) {
          value(array);
        }
      }
    }
  }

  private void array(GgufValueType elementType, int size) throws IOException {
    out.u32(elementType.id());
    out.u64(size);
  }

  private void tensor(GgufTensorInfo tensor, long offset) throws IOException {
    text(tensor.name());
    long[] dimensions = tensor.dimensions();
    out.u32(dimensions.length);
    for (long dimension : dimensions) {
      out.u64(dimension);
    }
    out.u32(tensor.type().id());
    out.u64(offset);
  }

  private void text(String text) throws IOException {
    text(text.getBytes(StandardCharsets.UTF_8));
  }

  private void text(byte[] utf8) throws IOException {
    out.u64(utf8.length);
    out.bytes(utf8);
  }
}
