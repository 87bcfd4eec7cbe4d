package dev.mamba4j.cli;

import dev.mamba4j.formats.gguf.GgufFile;
import dev.mamba4j.formats.gguf.GgufNumbers;
import dev.mamba4j.formats.gguf.GgufStrings;
import dev.mamba4j.formats.gguf.GgufTensor;
import dev.mamba4j.formats.gguf.GgufValue;
import dev.mamba4j.formats.gguf.GgufValueType;
import dev.mamba4j.formats.json.Json;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is in a GGUF file. */
@Command(
    name = "inspect",
    description = {
      "Shows what is in a GGUF file: metadata, tensors, sizes.",
      "",
      "Of long arrays the first values are shown."
    },
    footer = {"", "Example:", "  mamba4j inspect tiny.gguf"})
final class InspectCommand implements Callable<Integer> {
  private static final int SHOWN_ELEMENTS = 8;

  private final Console console;

  @Parameters(paramLabel = "FILE", description = "The GGUF file, of any architecture.")
  private Path input;

  @Option(names = "--json", description = "Print it as JSON.")
  private boolean json;

  InspectCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    try (GgufFile file = GgufFile.open(input)) {
      console.print(json ? Json.write(asJson(file)) + "\n" : asText(file));
    }
    return ExitCode.DONE;
  }

  private static String asText(GgufFile file) {
    StringBuilder text = new StringBuilder();
    text.append("%s: %s\n\n".formatted(file.path(), Figures.bytes(file.size())));
    TextTable keys = new TextTable("key", "type", "value");
    file.metadata().values().forEach((key, value) -> keys.row(key, typeName(value), show(value)));
    text.append(keys);
    TextTable tensors = new TextTable("tensor", "type", "shape", ">bytes", ">offset");
    for (GgufTensor tensor : file.tensors()) {
      tensors.row(
          tensor.name(),
          tensor.type().name(),
          Arrays.stream(tensor.dimensions())
              .mapToObj(Long::toString)
              .collect(Collectors.joining(" x ")),
          Long.toString(tensor.data().byteSize()),
          Long.toString(file.offset(tensor)));
    }
    text.append('\n').append(tensors);
    TextTable totals = new TextTable("type", ">tensors", ">weights", ">bytes", ">bits per weight");
    byType(file).forEach((type, list) -> totals.row(total(type.name(), list)));
    totals.row(total("all", file.tensors()));
    return text.append('\n').append(totals).toString();
  }

  private static String[] total(String name, List<GgufTensor> tensors) {
    WeightCount count = count(tensors);
    return new String[] {
      name,
      Integer.toString(tensors.size()),
      Long.toString(count.weights()),
      Long.toString(count.bytes()),
      Figures.number(count.bitsPerWeight())
    };
  }

  private static WeightCount count(List<GgufTensor> tensors) {
    return WeightCount.of(tensors.stream().map(GgufTensor::info));
  }

  private static Map<TensorType, List<GgufTensor>> byType(GgufFile file) {
    return file.tensors().stream()
        .collect(
            Collectors.groupingBy(
                GgufTensor::type, () -> new EnumMap<>(TensorType.class), Collectors.toList()));
  }

  private static String typeName(GgufValue value) {
    return switch (value) {
      case GgufNumbers numbers -> numbers.elementType() + "[" + numbers.size() + "]";
      case GgufStrings strings -> "string[" + strings.size() + "]";
      case GgufValue.Nested nested -> "array[" + nested.values().size() + "]";
      default -> value.type().toString();
    };
  }

  private static String show(GgufValue value) {
    return switch (value) {
      case GgufNumbers numbers -> list(numbers.size(), i -> element(numbers, i).toString());
      case GgufStrings strings ->
          list(strings.size(), i -> new GgufValue.Text(strings.get(i)).toString());
      case GgufValue.Nested nested ->
          list(nested.values().size(), i -> "(" + nested.values().get(i) + ")");
      default -> value.toString();
    };
  }

  private static String list(int size, IntFunction<String> element) {
    String first =
        IntStream.range(0, Math.min(size, SHOWN_ELEMENTS))
            .mapToObj(element)
            .collect(Collectors.joining(", "));
    return "[" + first + (size > SHOWN_ELEMENTS ? ", …]" : "]");
  }

  private static Object element(GgufNumbers numbers, int index) {
    return switch (numbers.elementType()) {
      case FLOAT32 -> numbers.float32(index);
      case FLOAT64 -> numbers.float64(index);
      case BOOL -> numbers.integer(index) != 0;
      case UINT64 -> Long.toUnsignedString(numbers.integer(index));
      default -> numbers.integer(index);
    };
  }

  private static Map<String, Object> asJson(GgufFile file) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    file.metadata().values().forEach((key, value) -> metadata.put(key, jsonValue(value)));
    List<Object> tensors = new ArrayList<>();
    for (GgufTensor tensor : file.tensors()) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("name", tensor.name());
      fields.put("type", tensor.type().name());
      fields.put("shape", Arrays.stream(tensor.dimensions()).boxed().toList());
      fields.put("bytes", tensor.data().byteSize());
      fields.put("offset", file.offset(tensor));
      tensors.add(fields);
    }
    WeightCount count = count(file.tensors());
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("file", file.path().toString());
    result.put("file_bytes", file.size());
    result.put("weights", count.weights());
    result.put("tensor_bytes", count.bytes());
    result.put("bits_per_weight", count.bitsPerWeight());
    result.put("metadata", metadata);
    result.put("tensors", tensors);
    return result;
  }

  /** Scalars as they are; of an array its type, size and first elements. */
  private static Object jsonValue(GgufValue value) {
    return switch (value) {
      case GgufValue.Text text -> text.value();
      case GgufValue.Bool bool -> bool.value();
      case GgufValue.Whole whole when whole.type() == GgufValueType.UINT64 && whole.value() < 0 ->
          whole.toString();
      case GgufValue.Whole whole -> whole.value();
      case GgufValue.Float32 number -> number.value();
      case GgufValue.Float64 number -> number.value();
      case GgufNumbers numbers ->
          jsonArray(numbers.elementType().toString(), numbers.size(), i -> element(numbers, i));
      case GgufStrings strings -> jsonArray("string", strings.size(), strings::get);
      case GgufValue.Nested nested ->
          jsonArray("array", nested.values().size(), i -> jsonValue(nested.values().get(i)));
    };
  }

  private static Map<String, Object> jsonArray(String type, int size, IntFunction<Object> element) {
    Map<String, Object> array = new LinkedHashMap<>();
    array.put("type", type);
    array.put("size", size);
    array.put(
        "first", IntStream.range(0, Math.min(size, SHOWN_ELEMENTS)).mapToObj(element).toList());
    return array;
  }
}
