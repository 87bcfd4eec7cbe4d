package dev.mamba4j.serve;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Cuts off clients that keep a connection without using it: a request must arrive whole within a
 * time, however slowly its bytes come, and between requests a connection may rest for a time.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a connection that fails is closed, and says so
final class ReceiveDeadline extends ChannelInboundHandlerAdapter {
  private final long receiveSeconds;
  private final long idleSeconds;
  private final Metrics metrics;
  private ChannelHandlerContext context;
  private Future<?> timeout;
  private boolean receiving;
  private boolean answering;
  private boolean refused;

  ReceiveDeadline(long receiveSeconds, long idleSeconds, Metrics metrics) {
    this.receiveSeconds = receiveSeconds;
    this.idleSeconds = idleSeconds;
    this.metrics = metrics;
  }

  @Override
  public void channelActive(ChannelHandlerContext channel) throws Exception {
    context = channel;
    idle();
    super.channelActive(channel);
  }

  @Override
  public void channelRead(ChannelHandlerContext channel, Object message) throws Exception {
    if (refused) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (!receiving && !answering) {
      receiving = true;
      schedule(receiveSeconds, this::refuse);
    }
    super.channelRead(channel, message);
  }

  /** A request is here, and its answer is under way. */
  void received() {
    receiving = false;
    answering = true;
    cancel();
  }

  /** The answer is out. */
  void idle() {
    answering = false;
    receiving = false;
    schedule(idleSeconds, () -> context.close());
  }

  private void refuse() {
    refused = true;
    Responses.refuse(
        context.channel(),
        metrics,
        ApiError.of(408, "the request did not arrive within " + receiveSeconds + " seconds"));
  }

  private void schedule(long seconds, Runnable then) {
    cancel();
    timeout = context.executor().schedule(then, seconds, TimeUnit.SECONDS);
  }

  private void cancel() {
    if (timeout != null) {
      timeout.cancel(false);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext channel) throws Exception {
    cancel();
    super.channelInactive(channel);
  }
}
