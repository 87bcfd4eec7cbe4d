/** Runs Mamba-2 language models: weights, state, the forward pass, sampling and sessions. */
package dev.mamba4j.engine;
