/**
 * Tasks as EleutherAI's lm-evaluation-harness 0.4 defines them: prompts, targets, metrics and the
 * way in which texts become tokens.
 */
package dev.mamba4j.evaluate.tasks;
