/**
 * Byte-level BPE as GPT-2 and GPT-NeoX use it: text to token ids and back, without loss.
 *
 * <p>{@link dev.mamba4j.engine.tokenizer.TokenizerData} is what a file says about a tokenizer;
 * {@link dev.mamba4j.engine.tokenizer.Tokenizer} is made from it and does the work.
 */
package dev.mamba4j.engine.tokenizer;
