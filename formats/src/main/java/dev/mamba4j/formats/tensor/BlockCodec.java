package dev.mamba4j.formats.tensor;

/** Both directions of one tensor type. */
interface BlockCodec extends BlockDecoder, BlockEncoder {}
