/** Measures what a compressed model is worth. */
package dev.mamba4j.evaluate;
