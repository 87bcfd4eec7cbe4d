/**
 * GGUF files, read in place and written as a stream. The layout is that of the GGUF specification
 * (ggml, {@code docs/gguf.md}), versions 2 and 3, little-endian.
 */
package dev.mamba4j.formats.gguf;
