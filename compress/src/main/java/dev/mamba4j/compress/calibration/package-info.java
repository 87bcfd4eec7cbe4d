/**
 * Statistics of what goes into the matrices of a model while it reads a text: {@link
 * dev.mamba4j.compress.calibration.Calibration} collects them, an {@link
 * dev.mamba4j.compress.calibration.ImportanceMatrix} holds them.
 */
package dev.mamba4j.compress.calibration;
