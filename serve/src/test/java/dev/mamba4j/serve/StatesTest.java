package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.engine.Mamba2State;
import dev.mamba4j.engine.PackedState;
import dev.mamba4j.engine.PrefillListener;
import dev.mamba4j.engine.StatePacking;
import dev.mamba4j.engine.sampling.LogProbabilities;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Remembered states: what they cost, where they go, and what clients do with them. */
class StatesTest {
  private static LanguageModel model;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    model = ServedModel.open();
  }

  private static int[] tokens(int seed, int length) {
    return new Random(seed).ints(length, 0, model.vocabulary()).toArray();
  }

  private static Mamba2State read(int[] tokens) {
    Mamba2State state = model.mamba2().newState();
    model.mamba2().prefill(state, tokens, PrefillListener.NONE);
    return state;
  }

  private static float[] next(Mamba2State state, int token) {
    float[] logits = new float[model.mamba2().config().vocabulary()];
    model.mamba2().step(state, token, logits);
    return logits;
  }

  /** The bound for int8 is 1e-3. */
  @ParameterizedTest
  @EnumSource(StatePacking.class)
  void packingChangesLittle(StatePacking packing) {
    double worst = 0;
    for (int seed = 0; seed < 8; seed++) {
      try (Mamba2State exact = read(tokens(seed, 200));
          PackedState packed = PackedState.of(exact, packing);
          Mamba2State unpacked = model.mamba2().newState()) {
        packed.unpackInto(unpacked);
        assertThat(unpacked.position()).isEqualTo(200);
        assertThat(packed.packing()).isEqualTo(packing);
        worst = Math.max(worst, divergence(next(exact, 5), next(unpacked, 5)));
      }
    }
    double bound =
        switch (packing) {
          case FLOAT -> 0;
          case HALF -> 1e-5;
          case INT8 -> 1e-3;
        };
    assertThat(worst).isCloseTo(0, within(bound));
  }

  private static double divergence(float[] base, float[] other) {
    int n = model.vocabulary();
    LogProbabilities p = LogProbabilities.of(base, n);
    LogProbabilities q = LogProbabilities.of(other, n);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Math.exp(p.get(i)) * (p.get(i) - q.get(i));
    }
    return sum;
  }

  @Test
  void statesBeyondTheBudgetGoToTheFolderAndAreFoundAgain() throws IOException {
    long one = bytes(StatePacking.FLOAT);
    try (StateCache cache = cache(2 * one, StatePacking.FLOAT)) {
      for (int seed = 0; seed < 5; seed++) {
        remember(cache, tokens(seed, 30));
      }
      assertThat(cache.memoryUsed()).isLessThanOrEqualTo(2 * one);
      assertThat(cache.size()).isEqualTo(5);
      for (int seed = 0; seed < 5; seed++) {
        assertRestores(cache, tokens(seed, 30));
      }
      assertThat(cache.memoryUsed()).isLessThanOrEqualTo(2 * one);
    }
    try (StateCache again = cache(2 * one, StatePacking.FLOAT)) {
      assertThat(again.size()).isEqualTo(5);
      assertRestores(again, tokens(4, 30));
    }
  }

  private static long bytes(StatePacking packing) {
    try (Mamba2State state = model.mamba2().newState();
        PackedState packed = PackedState.of(state, packing)) {
      return packed.byteSize();
    }
  }

  private StateCache cache(long memory, StatePacking packing) throws IOException {
    return new StateCache(
        model, new ServerOptions.States(memory, Optional.of(folder), 1L << 30, packing));
  }

  private static void remember(StateCache cache, int[] tokens) throws IOException {
    try (Mamba2State state = read(tokens)) {
      cache.remember(tokens, state, false);
    }
  }

  /** All tokens but the last two come from the cache, and the logits are those of reading all. */
  private static void assertRestores(StateCache cache, int[] known) {
    int[] longer = Arrays.copyOf(known, known.length + 2);
    try (Mamba2State state = model.mamba2().newState();
        Mamba2State exact = read(known)) {
      StateCache.Found found = cache.restore(longer, longer.length - 1, state);
      assertThat(found.restored()).isEqualTo(known.length);
      assertThat(next(state, 3)).isEqualTo(next(exact, 3));
    }
  }

  @Test
  void aDamagedFileIsForgotten() throws IOException {
    int[] tokens = tokens(1, 30);
    try (StateCache cache = cache(1L << 30, StatePacking.INT8)) {
      remember(cache, tokens);
    }
    Path file;
    try (Stream<Path> files = Files.walk(folder)) {
      file = files.filter(Files::isRegularFile).findFirst().orElseThrow();
    }
    try (StateCache cache = cache(1L << 30, StatePacking.INT8);
        Mamba2State state = model.mamba2().newState()) {
      byte[] bytes = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
      assertThat(cache.restore(tokens, 30, state).restored()).isZero();
      assertThat(cache.size()).isZero();
    }
    Files.write(file, new byte[] {1, 2, 3});
    try (StateCache cache = cache(1L << 30, StatePacking.INT8)) {
      assertThat(cache.size()).isZero();
    }
  }

  @Test
  void theDiskHasABudgetToo() throws IOException {
    long one = bytes(StatePacking.FLOAT);
    ServerOptions.States small =
        new ServerOptions.States(one, Optional.of(folder), 3 * one, StatePacking.FLOAT);
    try (StateCache cache = new StateCache(model, small)) {
      for (int seed = 0; seed < 8; seed++) {
        remember(cache, tokens(seed, 20));
      }
    }
    try (Stream<Path> files = Files.walk(folder)) {
      long total = files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
      assertThat(total).isPositive().isLessThanOrEqualTo(3 * one + one / 2);
    }
  }

  @Test
  void aPromptSeenBeforeIsNotReadAgain() throws Exception {
    int[] prompt = tokens(9, 300);
    try (Server server = Server.start(model, ServerOptions.defaults("tiny"))) {
      Client client = Client.of(server);
      assertThat(cached(client, prompt)).isZero();
      awaitStates(client, 1);
      assertThat(cached(client, prompt)).isGreaterThanOrEqualTo(268); // but for the last 32
      int[] other = prompt.clone();
      other[290] ^= 1;
      assertThat(cached(client, other)).isGreaterThanOrEqualTo(236);
    }
  }

  private static long cached(Client client, int[] prompt) throws Exception {
    return client
        .ask("/v1/completions", Map.of("prompt", boxed(prompt), "max_tokens", 1, "temperature", 0))
        .object("usage")
        .object("prompt_tokens_details")
        .integer("cached_tokens");
  }

  private static void awaitStates(Client client, int least) throws Exception {
    for (int i = 0; i < 500 && list(client).size() < least; i++) {
      Thread.sleep(10);
    }
  }

  private static List<?> list(Client client) throws Exception {
    return Client.object(client.get("/v1/states")).list("data");
  }

  private static List<Integer> boxed(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }

  @Test
  void clientsSaveForkAndDeleteStates() throws Exception {
    int[] prompt = tokens(3, 40);
    int[] more = tokens(4, 10);
    ServerOptions.States kept =
        new ServerOptions.States(1L << 30, Optional.of(folder), 1L << 30, StatePacking.FLOAT);
    String forked;
    try (Server server = start(kept)) {
      Client client = Client.of(server);
      JsonObject saved = client.ask("/v1/states", Map.of("prompt", boxed(prompt)));
      assertThat(saved.integer("tokens")).isEqualTo(40);
      JsonObject fork =
          client.ask("/v1/states", Map.of("prompt", boxed(more), "state", saved.string("id")));
      assertThat(fork.integer("tokens")).isEqualTo(50);
      forked = fork.string("id");
      assertThat(client.delete("/v1/states/" + saved.string("id")).statusCode()).isEqualTo(200);
      assertThat(client.get("/v1/states/" + saved.string("id")).statusCode()).isEqualTo(404);
    }
    try (Server server = start(kept)) {
      Client client = Client.of(server);
      JsonObject found = Client.object(client.get("/v1/states/" + forked));
      assertThat(found.bool("saved", false)).isTrue();
      String byState = text(client, Map.of("prompt", List.of(7L), "state", forked));
      int[] whole = Completions.concat(Completions.concat(prompt, more), new int[] {7});
      assertThat(byState).isEqualTo(text(client, Map.of("prompt", boxed(whole))));
      assertThat(client.post("/v1/states", Map.of("prompt", "x", "state", "../../x")).statusCode())
          .isEqualTo(404);
    }
  }

  private static Server start(ServerOptions.States states) throws IOException {
    ServerOptions all = ServerOptions.defaults("tiny");
    return Server.start(
        model,
        new ServerOptions(all.host(), 0, "tiny", List.of(), List.of(), all.limits(), states));
  }

  private static String text(Client client, Map<String, Object> fields) throws Exception {
    Map<String, Object> request = new HashMap<>(fields);
    request.put("max_tokens", 10);
    request.put("temperature", 0);
    return Client.choice(client.ask("/v1/completions", request), 0).string("text");
  }
}
