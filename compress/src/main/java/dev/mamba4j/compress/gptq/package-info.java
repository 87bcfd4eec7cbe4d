/** Quantization with error feedback: {@link dev.mamba4j.compress.gptq.Gptq}. */
package dev.mamba4j.compress.gptq;
