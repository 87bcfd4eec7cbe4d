/**
 * Checkpoints as PyTorch and Hugging Face publish them: safetensors files and PyTorch {@code .bin}
 * files, each single or in shards. Files are mapped and never copied; values are decoded to floats
 * by ranges, on demand. {@link dev.mamba4j.formats.checkpoint.Checkpoint} is the entrance.
 */
package dev.mamba4j.formats.checkpoint;
