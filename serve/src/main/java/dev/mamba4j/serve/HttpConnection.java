package dev.mamba4j.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The requests of one connection, answered one after the other. Work is done on virtual threads, so
 * that the connections of others are never held up; a client that hangs up is noticed at once.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a connection that fails is closed, and says so
final class HttpConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
  /** Requests sent ahead of answers; a client with more is cut off. */
  private static final int MAX_PIPELINED = 16;

  private final Router router;
  private final ExecutorService workers;
  private final Metrics metrics;
  private final ReceiveDeadline deadline;
  private final ArrayDeque<FullHttpRequest> pipelined = new ArrayDeque<>();
  private NettyExchange current;

  HttpConnection(
      Router router, ExecutorService workers, Metrics metrics, ReceiveDeadline deadline) {
    super(false);
    this.router = router;
    this.workers = workers;
    this.metrics = metrics;
    this.deadline = deadline;
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    deadline.received();
    if (current == null) {
      begin(context, request);
    } else if (pipelined.size() < MAX_PIPELINED) {
      pipelined.add(request);
    } else {
      request.release();
      context.close();
    }
  }

  private void begin(ChannelHandlerContext context, FullHttpRequest request) {
    try {
      NettyExchange exchange = new NettyExchange(context, request);
      current = exchange;
      if (request.protocolVersion().majorVersion() != 1) {
        exchange.keepAlive = false;
        exchange.fail(ApiError.badRequest("this server speaks HTTP/1.1"));
      } else if (request.decoderResult().isFailure()) {
        exchange.keepAlive = false;
        exchange.fail(broken(request.decoderResult().cause()));
      } else {
        workers.execute(() -> router.handle(exchange));
      }
    } finally {
      request.release();
    }
  }

  private static ApiError broken(Throwable cause) {
    return switch (cause) {
      case TooLongHttpLineException _ -> ApiError.of(414, "the request's first line is too long");
      case TooLongHttpHeaderException _ -> ApiError.of(431, "the request's headers are too long");
      default -> ApiError.badRequest("the request is not valid HTTP");
    };
  }

  /** The answer has been written: the next request, if it is there already. */
  private void ended(ChannelHandlerContext context) {
    current = null;
    FullHttpRequest next = pipelined.poll();
    if (next != null) {
      begin(context, next);
    } else {
      deadline.idle();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    if (current != null) {
      current.gone().set(true);
    }
    pipelined.forEach(ReferenceCountUtil::release);
    pipelined.clear();
    super.channelInactive(context);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close(); // the connection was reset, or its client does not speak HTTP
  }

  /** One request on this connection. */
  private final class NettyExchange extends Exchange {
    private final ChannelHandlerContext context;
    private final HttpHeaders headers;
    private final boolean head;
    private final AtomicBoolean answered = new AtomicBoolean();
    private boolean keepAlive;

    NettyExchange(ChannelHandlerContext context, FullHttpRequest request) {
      super(request.method().name(), pathOf(request), bytes(request.content()));
      this.context = context;
      headers = request.headers();
      head = request.method().equals(HttpMethod.HEAD);
      keepAlive = HttpUtil.isKeepAlive(request);
    }

    @Override
    String header(String name) {
      return headers.get(name);
    }

    @Override
    void send(int status, String type, byte[] content, Map<String, String> more) {
      if (!answered.compareAndSet(false, true)) {
        return;
      }
      metrics.response(status);
      FullHttpResponse response = Responses.whole(status, type, content, head);
      addHeaders(response, more);
      finish(response);
    }

    @Override
    void beginEvents() {
      if (!answered.compareAndSet(false, true)) {
        return;
      }
      metrics.response(200);
      HttpResponse response = Responses.chunked("text/event-stream; charset=utf-8");
      addHeaders(response, Map.of("Cache-Control", "no-cache"));
      context.writeAndFlush(response);
    }

    private void addHeaders(HttpResponse response, Map<String, String> more) {
      more.forEach(response.headers()::set);
      router.crossOrigin(header("Origin")).forEach(response.headers()::set);
      if (!keepAlive) {
        Responses.setLast(response);
      }
    }

    @Override
    void event(String data) {
      byte[] bytes = ("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
      context.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(bytes)));
    }

    @Override
    void endEvents() {
      finish(LastHttpContent.EMPTY_LAST_CONTENT);
    }

    private void finish(Object last) {
      context
          .writeAndFlush(last)
          .addListener(
              (ChannelFutureListener)
                  future -> {
                    if (keepAlive && future.isSuccess()) {
                      ended(context);
                    } else {
                      Responses.close(future.channel());
                    }
                  });
    }
  }

  private static String pathOf(FullHttpRequest request) {
    try {
      return new QueryStringDecoder(request.uri(), StandardCharsets.UTF_8).path();
    } catch (IllegalArgumentException _) {
      return ""; // a broken escape: no route has it
    }
  }

  private static byte[] bytes(ByteBuf content) {
    byte[] bytes = new byte[content.readableBytes()];
    content.getBytes(content.readerIndex(), bytes);
    return bytes;
  }
}
