package dev.mamba4j.serve;

import dev.mamba4j.engine.ChatFormat;
import dev.mamba4j.engine.LanguageModel;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * A model behind OpenAI's HTTP API:
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.open(file, ModelOptions.defaults());
 *     Server server = Server.start(model, ServerOptions.defaults("mamba2"))) {
 *   System.out.println("http://127.0.0.1:" + server.port());
 *   Thread.currentThread().join();
 * }
 * }</pre>
 *
 * The model stays the caller's, who closes it after the server.
 */
public final class Server implements AutoCloseable {
  private static final int MAX_CONNECTIONS = 1024;
  private static final int MAX_LINE = 8 << 10;
  private static final int MAX_HEADERS = 32 << 10;
  private static final int MAX_UNFLUSHED = 64;
  private static final int RECEIVE_SECONDS = 30;
  private static final int IDLE_SECONDS = 75;

  private final EventLoopGroup events =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final Metrics metrics = new Metrics();
  private final ServerOptions options;
  private final StateCache states;
  private final Scheduler scheduler;
  private final Router router;
  private final Channel listening;

  private Server(LanguageModel model, ServerOptions options, Optional<ChatFormat> chatFormat)
      throws IOException {
    this.options = options;
    Prompts prompts = new Prompts(model, options.limits().maxPrompt());
    states = new StateCache(model, options.states());
    scheduler = new Scheduler(model, options.limits(), states, metrics);
    metrics.gauge("connections", "Open connections.", connections::size);
    router = new Router(options);
    Service service =
        new Service(
            model, chatFormat, model.tokenizer(), options, prompts, scheduler, states, workers);
    router.add("POST", "/v1/completions", new Completions(service));
    router.add("POST", "/v1/chat/completions", new Chat(service));
    new TokenRoutes(service.tokenizer()).addTo(router);
    new StateRoutes(service).addTo(router);
    new Facts(model, options, metrics, Instant.now().getEpochSecond()).addTo(router);
    Page.addTo(router);
    try {
      listening = bind();
    } catch (IOException e) {
      stopAll();
      throw e;
    }
  }

  /**
   * Starts to listen.
   *
   * @throws IOException if the model has no tokenizer, the address cannot be listened at, or the
   *     folder for states cannot be used
   */
  public static Server start(LanguageModel model, ServerOptions options) throws IOException {
    return new Server(model, options, Optional.empty());
  }

  /**
   * Starts to listen, with conversations in another format than the model's own.
   *
   * @throws IOException as above
   */
  public static Server start(LanguageModel model, ServerOptions options, ChatFormat chatFormat)
      throws IOException {
    return new Server(model, options, Optional.of(chatFormat));
  }

  private Channel bind() throws IOException {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(events)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 512)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new Pipeline())
            .bind(options.host(), options.port())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "cannot listen at %s:%d: %s"
              .formatted(options.host(), options.port(), bound.cause().getMessage()),
          bound.cause());
    }
    return bound.channel();
  }

  /** What each connection goes through. */
  private final class Pipeline extends ChannelInitializer<SocketChannel> {
    @Override
    protected void initChannel(SocketChannel channel) {
      if (connections.size() >= MAX_CONNECTIONS) {
        Future<?> _ = channel.close();
        return;
      }
      connections.add(channel);
      ReceiveDeadline deadline = new ReceiveDeadline(RECEIVE_SECONDS, IDLE_SECONDS, metrics);
      HttpDecoderConfig decoder =
          new HttpDecoderConfig().setMaxInitialLineLength(MAX_LINE).setMaxHeaderSize(MAX_HEADERS);
      channel
          .pipeline()
          .addLast(deadline)
          .addLast(
              new FlushConsolidationHandler(MAX_UNFLUSHED, true)) // what comes at once, goes so
          .addLast(new HttpServerCodec(decoder))
          .addLast(new BodyCollector(options.limits().maxBody(), metrics))
          .addLast(new HttpConnection(router, workers, metrics, deadline));
    }
  }

  /** The port that is listened at. */
  public int port() {
    return ((InetSocketAddress) listening.localAddress()).getPort();
  }

  /**
   * Listens no more, lets running answers end within the time given, and stops. Remembered states
   * go to their folder.
   */
  public void stop(Duration grace) {
    listening.close().awaitUninterruptibly();
    scheduler.stop(grace);
    stopAll();
  }

  /** Stops at once. */
  @Override
  public void close() {
    stop(Duration.ZERO);
  }

  private void stopAll() {
    scheduler.close();
    workers.shutdown();
    connections.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    events.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    states.close();
  }

  /** What the server tells of itself. */
  private record Facts(LanguageModel model, ServerOptions options, Metrics metrics, long started) {

    void addTo(Router router) {
      router.add("GET", "/health", exchange -> exchange.sendJson(200, Map.of("status", "ok")));
      router.add("GET", "/v1/models", this::models);
      router.addBelow("GET", "/v1/models/", this::modelByName);
      router.add("GET", "/metrics", this::metrics);
    }

    private void models(Exchange exchange) {
      Map<String, Object> body = new LinkedHashMap<>();
      body.put("object", "list");
      body.put("data", List.of(describe()));
      exchange.sendJson(200, body);
    }

    private void modelByName(Exchange exchange) {
      String name = exchange.path().substring("/v1/models/".length());
      if (!name.equals(options.modelName())) {
        throw ApiError.of(404, "there is no model \"" + name + "\" here");
      }
      exchange.sendJson(200, describe());
    }

    private Map<String, Object> describe() {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("id", options.modelName());
      object.put("object", "model");
      object.put("created", started);
      object.put("owned_by", "mamba4j");
      Map<String, Object> meta = new LinkedHashMap<>();
      meta.put("architecture", "mamba2");
      meta.put("layers", model.mamba2().config().layers());
      meta.put("width", model.mamba2().config().width());
      meta.put("vocabulary", model.vocabulary());
      meta.put("bytes", model.file().size());
      meta.put("state_bytes", model.mamba2().config().stateBytes());
      meta.put("kernels", model.kernels().name());
      meta.put("threads", model.threads());
      meta.put("parallel", options.limits().parallel());
      object.put("meta", meta);
      return object;
    }

    private void metrics(Exchange exchange) {
      exchange.send(
          200,
          "text/plain; version=0.0.4; charset=utf-8",
          metrics.text().getBytes(StandardCharsets.UTF_8),
          Map.of());
    }
  }
}
