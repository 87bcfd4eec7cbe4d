package dev.mamba4j.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What bench measures, on the small model: what must hold however fast the machine is. */
class SpeedTest {
  // models/tiny/config.json, expand and head size being 2 and 64 by default.
  private static final long WIDTH = 256;
  private static final long LAYERS = 6;
  private static final long VOCABULARY = 4096;
  private static final long STATE = 64;
  private static final long INNER = 2 * WIDTH;
  private static final long HEADS = INNER / 64;
  private static final long CHANNELS = INNER + 2 * STATE;
  private static final long PROJECTED = INNER + CHANNELS + HEADS;

  private static final long IN_BYTES = 2 * PROJECTED * WIDTH; // F16
  private static final long OUT_BYTES = 2 * WIDTH * INNER; // F16
  private static final long HEAD_BYTES = 2 * VOCABULARY * WIDTH + 4 * WIDTH; // F16, and its norm
  private static final long CONV_BYTES = 4 * (4 * CHANNELS + CHANNELS); // F32
  private static final long SCAN_BYTES = 4 * 3 * HEADS; // F32: A, D and the bias of dt
  private static final long CONV_STATE = 4 * 3 * CHANNELS; // F32
  private static final long SCAN_STATE = 4 * (INNER * STATE + HEADS); // F32
  private static final long STATE_BYTES = CONV_STATE + SCAN_STATE;

  @TempDir private static Path folder;
  private static LanguageModel model;

  @BeforeAll
  static void openTheModel() throws IOException {
    model = TinyModel.open(folder, TensorType.F16);
  }

  @AfterAll
  static void closeTheModel() {
    model.close();
  }

  @Test
  void namesTestsAsLlamaBenchDoes() {
    Speed prefill = Speed.prefill(model, 70, 2);
    assertThat(prefill.test()).isEqualTo("pp70");
    assertThat(prefill.tokensPerSecond()).isPositive();
    assertThat(prefill.deviation()).isPositive();
    int[] between = new int[1];
    Speed decode = Speed.decode(model, 3, 1, () -> between[0]++);
    assertThat(between[0]).as("before and after").isEqualTo(2);
    assertThat(decode.test()).isEqualTo("tg3");
    assertThat(decode.tokensPerSecond()).isPositive();
    assertThat(decode.deviation()).as("of one").isZero();
  }

  @Test
  void aTokenNeedsEveryWeightOnceAndTheStateTwice() {
    long weights =
        LAYERS * (IN_BYTES + OUT_BYTES + CONV_BYTES + SCAN_BYTES + 4 * WIDTH + 4 * INNER)
            + HEAD_BYTES;
    DecodeBound one = DecodeBound.of(model, 1);
    assertThat(one.bytesPerToken()).isEqualTo(weights + 2 * LAYERS * STATE_BYTES);
    assertThat(DecodeBound.of(model, 4).bytesPerToken())
        .isEqualTo(weights / 4 + 2 * LAYERS * STATE_BYTES);
    assertThat(new DecodeBound(250, 1e3).tokensPerSecond()).isEqualTo(4);
  }

  @Test
  void partsOfAStepNeedTogetherWhatATokenNeeds() throws IOException {
    List<PartTime> parts = PartTime.measure(model, 5);
    assertThat(parts)
        .extracting(PartTime::part)
        .containsExactly("norm", "in_proj", "conv", "scan", "gate_norm", "out_proj", "head");
    assertThat(parts)
        .extracting(part -> part.work().bytes())
        .containsExactly(
            LAYERS * 4 * WIDTH,
            LAYERS * IN_BYTES,
            LAYERS * (CONV_BYTES + 2 * CONV_STATE),
            LAYERS * (SCAN_BYTES + 2 * SCAN_STATE),
            LAYERS * 4 * INNER,
            LAYERS * OUT_BYTES,
            HEAD_BYTES);
    assertThat(parts).allSatisfy(part -> assertThat(part.seconds()).isPositive());
    assertThat(parts)
        .extracting(part -> part.work().operations())
        .containsExactly(
            0L,
            LAYERS * 2 * PROJECTED * WIDTH,
            LAYERS * 2 * 4 * CHANNELS,
            LAYERS * 4 * INNER * STATE,
            0L,
            LAYERS * 2 * WIDTH * INNER,
            2 * VOCABULARY * WIDTH);
    PartTime head = new PartTime("head", 0.5, new StepWork(100, Map.of(TensorType.F16, 30L), 0));
    assertThat(head.bytesPerSecond()).isEqualTo(200);
    assertThat(head.operationsPerSecond()).isEqualTo(60);
  }

  @Test
  void theSlowerOfMemoryAndArithmeticIsTheBound() {
    StepWork memory = new StepWork(1000, Map.of(TensorType.F16, 10L), 5);
    StepWork arithmetic = new StepWork(10, Map.of(TensorType.Q8_0, 300L), 50);
    Roofline roof =
        new Roofline(
            100,
            Map.of(TensorType.F16, 10.0, TensorType.Q8_0, 50.0),
            Map.of(TensorType.F16, 20.0, TensorType.Q8_0, 100.0),
            5,
            Map.of("in_proj", memory, "head", arithmetic));
    assertThat(roof.boundSeconds(memory)).isEqualTo(10);
    assertThat(roof.boundSeconds(arithmetic)).isEqualTo(300 / 50.0 + 50 / 5.0);
    assertThat(roof.decodeTokensPerSecond()).isEqualTo(1 / 18.0); // 1 + 1 + 6 + 10 seconds
    assertThat(roof.prefillTokensPerSecond()).isEqualTo(1 / 1.5); // without the head
  }

  /** A core does more than a million and less than a quadrillion operations a second. */
  @Test
  void measuresWhatTheKernelsComputeFromTheCaches() {
    Roofline roof = Roofline.measure(model, 1e9);
    assertThat(roof.decodeProducts()).containsOnlyKeys(TensorType.F16);
    assertThat(roof.decodeProducts().get(TensorType.F16)).isBetween(1e6, 1e15);
    assertThat(roof.prefillProducts().get(TensorType.F16)).isBetween(1e6, 1e15);
    assertThat(roof.scan()).isBetween(1e6, 1e15);
  }

  /** No memory of today reads a petabyte a second, and none a kilobyte. */
  @Test
  void readsWithAllThreads() {
    for (int threads : new int[] {1, 3}) {
      assertThat(ReadBandwidth.measure(threads)).isBetween(1e3, 1e15);
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void thePeakCoversMemoryThatIsGone() throws IOException {
    assertThat(PeakMemory.reset()).isTrue();
    long before = PeakMemory.bytes().orElseThrow();
    long touched = 64 << 20;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(touched, 4096);
      block.fill((byte) 1);
    }
    long peak = PeakMemory.bytes().orElseThrow();
    assertThat(peak - before).isCloseTo(touched, within(touched / 2));
    assertThat(peak).isGreaterThanOrEqualTo(residentBytes());
    assertThat(PeakMemory.reset()).isTrue();
    assertThat(PeakMemory.bytes().orElseThrow()).isLessThan(peak - touched / 2);
  }

  /** The second number of statm, in pages. */
  private static long residentBytes() throws IOException {
    String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ", -1);
    return Long.parseLong(pages[1]) * 4096;
  }
}
