/** What all file formats share. */
package dev.mamba4j.formats;
