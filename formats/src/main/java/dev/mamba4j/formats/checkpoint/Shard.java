package dev.mamba4j.formats.checkpoint;

import java.util.Map;

/**
 * What one file holds.
 *
 * @param tensors by name, in the order of the file
 * @param metadata free text of the file, empty for PyTorch files
 */
record Shard(Map<String, CheckpointTensor> tensors, Map<String, String> metadata) {}
