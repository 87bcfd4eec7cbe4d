/** Tensor types and their block codecs. */
package dev.mamba4j.formats.tensor;
