package dev.mamba4j.langchain4j;

import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.mamba4j.engine.Generation;

/** The engine's figures in LangChain4j's words. */
final class Answers {
  private Answers() {}

  static FinishReason finishReason(Generation generation) {
    return switch (generation.reason()) {
      case LENGTH -> FinishReason.LENGTH;
      case END_OF_TEXT, STOP -> FinishReason.STOP;
      case CANCELLED -> FinishReason.OTHER;
    };
  }

  static TokenUsage usage(int[] prompt, Generation generation) {
    return new TokenUsage(prompt.length, generation.tokens().size());
  }
}
