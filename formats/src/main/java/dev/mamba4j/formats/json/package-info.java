/** JSON documents as plain Java values, with errors that name the file and the field. */
package dev.mamba4j.formats.json;
