/**
 * From logits to text: the choice of the next token, log-probabilities, and stop strings.
 *
 * <p>{@link dev.mamba4j.engine.sampling.Sampler} applies logit biases, penalties, top-k, top-p,
 * min-p and temperature in the order and with the meaning llama.cpp gives them.
 */
package dev.mamba4j.engine.sampling;
