package dev.mamba4j.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.mamba4j.engine.LanguageModel;
import dev.mamba4j.formats.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server as strangers find it: bad requests, keys, crowds, clients that hang up. */
class ServerTest {
  private static LanguageModel model;

  @BeforeAll
  static void open() throws IOException {
    model = ServedModel.open();
  }

  private static ServerOptions options(List<String> keys, ServerOptions.Limits limits) {
    ServerOptions all = ServerOptions.defaults("tiny");
    return new ServerOptions(all.host(), 0, "tiny", keys, List.of(), limits, all.states());
  }

  private static ServerOptions.Limits limits(int parallel, int queue) {
    return new ServerOptions.Limits(parallel, queue, 1 << 16, 2000, 500, Duration.ofMinutes(1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"prompt\":}",
        "{\"prompt\":null}",
        "{\"prompt\":[]}",
        "{\"prompt\":{}}",
        "{\"prompt\":true}",
        "{\"prompt\":[1,\"a\"]}",
        "{\"prompt\":[-1]}",
        "{\"prompt\":[999999999]}",
        "{\"prompt\":[1.5]}",
        "{\"prompt\":[[1],[null]]}",
        "{\"prompt\":\"a\",\"max_tokens\":-1}",
        "{\"prompt\":\"a\",\"max_tokens\":1e400}",
        "{\"prompt\":\"a\",\"max_tokens\":99999999999999999999}",
        "{\"prompt\":\"a\",\"max_tokens\":\"5\"}",
        "{\"prompt\":\"a\",\"temperature\":-1}",
        "{\"prompt\":\"a\",\"temperature\":NaN}",
        "{\"prompt\":\"a\",\"top_p\":2}",
        "{\"prompt\":\"a\",\"n\":0}",
        "{\"prompt\":\"a\",\"n\":1000000}",
        "{\"prompt\":\"a\",\"stop\":5}",
        "{\"prompt\":\"a\",\"stop\":[\"\"]}",
        "{\"prompt\":\"a\",\"logprobs\":-7}",
        "{\"prompt\":\"a\",\"logit_bias\":{\"x\":1}}",
        "{\"prompt\":\"a\",\"logit_bias\":{\"1\":1e9}}",
        "{\"prompt\":\"a\",\"suffix\":\"b\"}",
        "{\"prompt\":\"a\",\"stream\":\"yes\"}",
        "{\"prompt\":\"a\",\"state\":\"none\"}",
      })
  void aBadRequestIsTheClientsFaultAndSaysWhy(String body) throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(2, 4)))) {
      HttpResponse<String> response = Client.of(server).postText("/v1/completions", body);
      assertThat(response.statusCode()).as(response.body()).isBetween(400, 404);
      JsonObject error = Client.object(response).object("error");
      assertThat(error.string("message")).isNotEmpty().doesNotContain("Exception");
    }
  }

  @Test
  void nothingMadeUpBringsItDown() throws Exception {
    Random random = new Random(11);
    try (Server server = Server.start(model, options(List.of(), limits(2, 4)))) {
      Client client = Client.of(server);
      String valid = "{\"prompt\":[1,2],\"max_tokens\":1,\"stop\":[\"a\"],\"temperature\":0.5}";
      for (int i = 0; i < 500; i++) {
        StringBuilder body = new StringBuilder(valid);
        for (int k = random.nextInt(4); k >= 0; k--) {
          body.setCharAt(random.nextInt(body.length()), (char) (32 + random.nextInt(95)));
        }
        int status = client.postText("/v1/completions", body.toString()).statusCode();
        assertThat(status).as(body.toString()).isLessThan(500);
      }
      assertThat(client.postText("/v1/completions", "[".repeat(30000)).statusCode()).isEqualTo(400);
      assertThat(client.get("/health").statusCode()).isEqualTo(200);
    }
  }

  /** Bytes that are no HTTP, or too much of it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u0001\u0002\u0003\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n{",
        "GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "FLOOD",
      })
  void whatIsNoHttpIsTurnedAway(String request) throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(1, 0)));
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
      socket.setSoTimeout(10_000);
      String bytes =
          request.equals("FLOOD")
              ? "GET / HTTP/1.1\r\n" + "X-Header: 0123456789\r\n".repeat(5000) + "\r\n"
              : request;
      OutputStream out = socket.getOutputStream();
      out.write(bytes.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      socket.shutdownOutput();
      InputStream in = socket.getInputStream();
      String answer = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
      assertThat(answer)
          .satisfiesAnyOf(
              a -> assertThat(a).isEmpty(), a -> assertThat(a).startsWith("HTTP/1.1 4"));
      assertThat(Client.of(server).get("/health").statusCode()).isEqualTo(200);
    } catch (SocketException _) {
      // cut off while it was still sending
    }
  }

  @Test
  void pathsAndMethodsAreFixed() throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(1, 0)))) {
      Client client = Client.of(server);
      assertThat(client.get("/nothing").statusCode()).isEqualTo(404);
      assertThat(client.get("/v1/completions").statusCode()).isEqualTo(405);
      assertThat(client.get("/v1/models/other").statusCode()).isEqualTo(404);
      assertThat(client.get("/v1/models/tiny").statusCode()).isEqualTo(200);
      assertThat(client.get("/metrics").body()).contains("mamba4j_generated_tokens_total");
      assertThat(client.get("/").body()).contains("<title>mamba4j</title>");
      assertThat(client.get("/openapi.json").body()).contains("\"/v1/completions\"");
    }
  }

  @Test
  void aKeyIsAskedForWhereThereAreKeys() throws Exception {
    try (Server server = Server.start(model, options(List.of("first", "second"), limits(1, 0)))) {
      Client client = Client.of(server);
      assertThat(client.get("/v1/models").statusCode()).isEqualTo(401);
      assertThat(client.withKey("third").get("/v1/models").statusCode()).isEqualTo(401);
      assertThat(client.withKey("second").get("/v1/models").statusCode()).isEqualTo(200);
      assertThat(client.get("/health").statusCode()).isEqualTo(200);
      assertThat(client.get("/v1/states").statusCode()).isEqualTo(401);
    }
  }

  @Test
  void aPromptBeyondTheLimitIsRefusedAndNotCut() throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(1, 0)))) {
      List<Integer> prompt = Collections.nCopies(2001, 5);
      HttpResponse<String> response =
          Client.of(server).post("/v1/completions", Map.of("prompt", prompt));
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(response.body()).contains("2001").contains("2000");
    }
  }

  @Test
  void aCrowdIsServedInTurnAndTheRestIsToldToComeBack() throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(2, 4)));
        ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      Client client = Client.of(server);
      List<Future<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        int token = i + 1;
        answers.add(
            crowd.submit(
                () ->
                    client.post(
                        "/v1/completions",
                        Map.of("prompt", List.of(token), "max_tokens", 60, "temperature", 0))));
      }
      int served = 0;
      for (int i = 0; i < 40; i++) {
        HttpResponse<String> response = answers.get(i).get();
        if (response.statusCode() == 429) {
          assertThat(response.headers().firstValue("Retry-After")).isPresent();
        } else {
          assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
          served++;
        }
      }
      assertThat(served).isBetween(6, 40);
    }
  }

  /** Each prompt asked alone and then all at once. */
  @Test
  void answersDoNotDependOnWhoElseAsks() throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(8, 64)));
        ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
      Client client = Client.of(server);
      List<String> alone = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        alone.add(text(client, i));
      }
      List<Future<String>> together = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        int which = i;
        together.add(crowd.submit(() -> text(client, which)));
      }
      for (int i = 0; i < 16; i++) {
        assertThat(together.get(i).get()).as("prompt %d", i).isEqualTo(alone.get(i));
      }
    }
  }

  private static String text(Client client, int which) throws Exception {
    int[] prompt = new Random(which).ints(5 + 7 * which, 0, 4000).toArray();
    Map<String, Object> request =
        Map.of(
            "prompt", Arrays.stream(prompt).boxed().toList(), "max_tokens", 20, "temperature", 0);
    return Client.choice(client.ask("/v1/completions", request), 0).string("text");
  }

  @Test
  void aClientThatHangsUpFreesItsPlace() throws Exception {
    try (Server server = Server.start(model, options(List.of(), limits(1, 1)))) {
      Client client = Client.of(server);
      String body = "{\"prompt\":\"a\",\"max_tokens\":500,\"ignore_eos\":true,\"stream\":true}";
      String head = "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: " + body.length();
      for (int i = 0; i < 10; i++) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
          socket
              .getOutputStream()
              .write((head + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
          assertThat(socket.getInputStream().read()).isEqualTo('H');
        }
      }
      for (int i = 0;
          i < 500 && !client.get("/metrics").body().contains("mamba4j_running 0");
          i++) {
        Thread.sleep(10);
      }
      assertThat(client.get("/metrics").body()).contains("mamba4j_running 0\n");
      assertThat(client.ask("/v1/completions", Map.of("prompt", "a")).list("choices")).hasSize(1);
    }
  }

  @Test
  void anAddressInUseIsTold() throws IOException {
    try (Server server = Server.start(model, options(List.of(), limits(1, 0)))) {
      ServerOptions all = ServerOptions.defaults("tiny");
      ServerOptions same =
          new ServerOptions(
              all.host(), server.port(), "tiny", List.of(), List.of(), all.limits(), all.states());
      assertThatThrownBy(() -> Server.start(model, same))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("cannot listen at 127.0.0.1:" + server.port());
    }
  }
}
