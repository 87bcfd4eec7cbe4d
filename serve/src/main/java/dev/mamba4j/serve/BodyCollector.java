package dev.mamba4j.serve;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;

/** Puts requests together, and says why one is too large before the connection ends. */
final class BodyCollector extends HttpObjectAggregator {
  private final int maxBody;
  private final Metrics metrics;

  BodyCollector(int maxBody, Metrics metrics) {
    super(maxBody);
    this.maxBody = maxBody;
    this.metrics = metrics;
  }

  @Override
  protected void handleOversizedMessage(ChannelHandlerContext context, HttpMessage message) {
    Responses.refuse(
        context.channel(),
        metrics,
        ApiError.of(413, "the request's body is larger than " + maxBody + " bytes"));
  }
}
