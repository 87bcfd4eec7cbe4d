/**
 * The {@code mamba4j} command: one class a command, and what they share. Nothing here that a user
 * of the library would miss.
 */
package dev.mamba4j.cli;
