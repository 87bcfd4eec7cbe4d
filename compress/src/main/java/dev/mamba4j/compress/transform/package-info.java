/**
 * Changes of a model that leave what it computes as it is and make it easier to quantize: {@link
 * dev.mamba4j.compress.transform.TransformedModel}.
 */
package dev.mamba4j.compress.transform;
