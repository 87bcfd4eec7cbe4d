/**
 * Quantization with error feedback: {@link dev.mamba4j.compress.gptq.LayerwiseGptq} takes a model
 * through it.
 */
package dev.mamba4j.compress.gptq;
