package dev.mamba4j.formats.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Files for the tests: those that make_fixtures.py wrote with Python, and small ones by hand. */
final class Fixtures {
  private Fixtures() {}

  static byte[] bytes(String name) {
    try (InputStream in = Fixtures.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonObject json(String name) throws IOException {
    return JsonObject.of(name, Json.parse(new String(bytes(name), StandardCharsets.UTF_8), name));
  }

  static Path file(Path folder, String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  /** A safetensors file with any header, right or wrong. */
  static byte[] safetensors(String header, int dataBytes) {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(text.length)
        .put(text)
        .array();
  }

  /** A safetensors file with tensors of four F32 zeros. */
  static byte[] safetensors(String... names) {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < names.length; i++) {
      header.append(
          "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[%d,%d]}"
              .formatted(i == 0 ? "" : ",", names[i], 16 * i, 16 * i + 16));
    }
    return safetensors(header.append("}").toString(), 16 * names.length);
  }

  /** An archive as torch.save writes it, with one storage "0" of 16 bytes. */
  static byte[] torch(byte[] pickle) {
    return zip(ZipEntry.STORED, Map.of("m/data.pkl", pickle, "m/data/0", new byte[16]));
  }

  static byte[] zip(int method, Map<String, byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(method);
      for (Map.Entry<String, byte[]> content : entries.entrySet()) {
        ZipEntry entry = new ZipEntry(content.getKey());
        CRC32 crc = new CRC32();
        crc.update(content.getValue());
        entry.setSize(content.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(content.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * Bytes from pieces: text in single quotes stands for its Latin-1 bytes, anything else is hex.
   * {@code "80 02 'cos\nsystem\n'"}
   */
  static byte[] assemble(String pieces) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String[] parts = pieces.split("'", -1);
    for (int i = 0; i < parts.length; i++) {
      bytes.writeBytes(
          i % 2 == 1
              ? parts[i].getBytes(StandardCharsets.ISO_8859_1)
              : HexFormat.of().parseHex(parts[i].replaceAll("\\s", "")));
    }
    return bytes.toByteArray();
  }

  /** Compares a tensor with its type, shape and values as Python wrote them. */
  static void assertHolds(CheckpointTensor tensor, JsonObject expected) throws IOException {
    assertThat(tensor.type().name()).isEqualTo(expected.string("type"));
    assertThat(tensor.shape()).containsExactly(longs(expected.list("shape")));
    List<?> values = expected.list("values");
    float[] wanted = new float[values.size()];
    for (int i = 0; i < wanted.length; i++) {
      wanted[i] = Float.parseFloat(values.get(i).toString());
    }
    assertThat(all(tensor)).as(tensor.name()).containsExactly(wanted);
  }

  static long[] longs(List<?> numbers) {
    return numbers.stream().mapToLong(number -> (Long) number).toArray();
  }

  static float[] all(CheckpointTensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    tensor.read(0, values, 0, values.length);
    return values;
  }
}
