package dev.mamba4j.evaluate.tasks;

/**
 * Asks how probable a continuation is.
 *
 * @param context what comes before; may be empty
 * @param continuation what is scored, with the space that separates them
 */
public record Request(String context, String continuation) {}
