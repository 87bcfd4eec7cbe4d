/**
 * The numeric operations of a Mamba-2 model behind one interface, {@link
 * dev.mamba4j.kernels.Kernels}, and the team of threads that shares them out.
 */
package dev.mamba4j.kernels;
