/**
 * Finds the plan that costs a model least under a budget of bytes, or fewest bytes under a bound of
 * divergence: {@link dev.mamba4j.compress.allocation.PlanSearch}.
 */
package dev.mamba4j.compress.allocation;
