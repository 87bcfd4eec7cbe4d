package dev.mamba4j.engine.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Turns tokens into text one by one. A character whose bytes are spread over tokens comes out with
 * the last of them, never in parts. All that {@link #append} and {@link #finish} return, put
 * together, is what {@link Tokenizer#decode} gives for the whole. For one thread.
 */
public final class StreamingDecoder {
  private final Tokenizer tokenizer;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);

  /** Ready to be written to; holds the bytes of a character that is not complete. */
  private ByteBuffer pending = ByteBuffer.allocate(64);

  StreamingDecoder(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * The text that is certain after one more token; often empty.
   *
   * @throws IllegalArgumentException if there is no such id
   */
  public String append(int id) {
    byte[] bytes = tokenizer.tokenBytes(id);
    if (pending.remaining() < bytes.length) {
      pending = ByteBuffer.allocate(pending.position() + bytes.length).put(pending.flip());
    }
    return decode(pending.put(bytes), false);
  }

  /** The rest: U+FFFD if a character was left incomplete. The next text may follow. */
  public String finish() {
    String rest = decode(pending, true);
    decoder.reset();
    return rest;
  }

  private String decode(ByteBuffer bytes, boolean last) {
    CharBuffer text = CharBuffer.allocate(bytes.position());
    decoder.decode(bytes.flip(), text, last);
    if (last) {
      decoder.flush(text);
    }
    bytes.compact();
    return text.flip().toString();
  }
}
