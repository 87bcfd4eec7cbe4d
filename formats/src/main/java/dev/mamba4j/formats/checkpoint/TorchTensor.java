package dev.mamba4j.formats.checkpoint;

/**
 * A tensor as the pickle describes it, not yet checked.
 *
 * @param offset of the first value in the storage, in values
 */
record TorchTensor(TorchStorage storage, long offset, Tuple size, Tuple stride) {}
