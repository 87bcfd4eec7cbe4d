package dev.mamba4j.serve;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.util.concurrent.TimeUnit;

/** Answers as Netty takes them. */
@SuppressWarnings("FutureReturnValueIgnored") // a connection that fails is closed, and says so
final class Responses {
  private static final int LINGER_SECONDS = 2;

  private Responses() {}

  /** A whole answer; one to HEAD tells the length of the content and leaves it out. */
  static FullHttpResponse whole(int status, String type, byte[] content, boolean head) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(status),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(content));
    response.headers().set(HttpHeaderNames.CONTENT_LENGTH, content.length);
    setType(response, type);
    return response;
  }

  /** The beginning of an answer that comes in parts. */
  static HttpResponse chunked(String type) {
    HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    response.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
    setType(response, type);
    return response;
  }

  private static void setType(HttpResponse response, String type) {
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, type);
    response.headers().set("X-Content-Type-Options", "nosniff");
  }

  /** Says that there will be no other answer on this connection. */
  static void setLast(HttpResponse response) {
    response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
  }

  /** Refuses a request that has not been received whole, which ends the connection. */
  static void refuse(Channel channel, Metrics metrics, ApiError error) {
    metrics.response(error.status());
    HttpResponse response = whole(error.status(), ApiError.TYPE, error.content(), false);
    setLast(response);
    channel
        .writeAndFlush(response)
        .addListener((ChannelFutureListener) future -> close(future.channel()));
  }

  /**
   * Closes a connection once its client has had time to read the answer: if it is still sending,
   * closing at once would make the system drop what was answered.
   */
  static void close(Channel channel) {
    if (channel instanceof SocketChannel socket && channel.isActive()) {
      socket.shutdownOutput();
      channel.eventLoop().schedule(() -> channel.close(), LINGER_SECONDS, TimeUnit.SECONDS);
    } else {
      channel.close();
    }
  }
}
