/**
 * Fetches a model repository from a Hugging Face endpoint: {@link
 * dev.mamba4j.compress.hub.HubClient} lists the files of a repository at a commit, chooses those
 * that an import needs, and downloads them so that a cut connection costs nothing and every byte is
 * checked.
 */
package dev.mamba4j.compress.hub;
