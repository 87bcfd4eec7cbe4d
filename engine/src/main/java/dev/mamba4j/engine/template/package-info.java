/**
 * Templates of conversations: the part of Jinja that Hugging Face documents for {@code
 * chat_template}, run as {@code transformers} runs it ({@code trim_blocks}, {@code lstrip_blocks}).
 * Templates see plain values and nothing else, and what one may do is bounded.
 */
package dev.mamba4j.engine.template;
