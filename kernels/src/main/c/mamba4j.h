/*
 * The operations of dev.mamba4j.kernels.Kernels for one instruction set. Every library exports the same names; a caller checks
 * mamba4j_interface and mamba4j_supported before any call, and operands before each.
 *
 * Shapes are row-major. A range of rows, channels or heads may run beside another on other threads. Nothing here allocates or
 * keeps state.
 */
#ifndef MAMBA4J_H
#define MAMBA4J_H

#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/*
 * Number of the interface that this file describes. Whoever changes a function here raises it, and NativeLibrary.INTERFACE with it: a
 * library with another number is not used.
 */
#define MAMBA4J_INTERFACE 1
EXPORT extern const int32_t mamba4j_interface;

/* 1 if this machine has the instructions that the library is made of, 0 if not; set when the library is loaded. */
EXPORT extern int32_t mamba4j_supported;

/* out[i] = x[i] / sqrt(mean(x²) + epsilon) * weight[i], the mean taken over each group_size values; out may be x. */
EXPORT void mamba4j_rms_norm(const float *x, const float *weight, int32_t columns, int32_t group_size, float epsilon, float *out);

/* One vector to int8 by blocks: quants (columns), scales (columns / block), sums of each 16 quants (columns / 16). */
EXPORT void mamba4j_quantize(
    const float *x, int32_t columns, int32_t block, int8_t *quants, float *scales, int32_t *sums);

/*
 * y[t][r] = Σ_c weights[r][c] * x[t][c], or added to y where add is not 0.
 *
 * type: number of the tensor type in GGUF; weights: the first of the rows; values, quants, scales, sums: the activations, see
 * mamba4j_quantize; block: 0 to take values, else what activations of this type are quantized by; y: the first of the rows of
 * the first token, y_stride floats from one token to the next. Returns 0 if there is no such product, else 1.
 */
EXPORT int32_t mamba4j_multiply(
    int32_t type, const uint8_t *weights, int32_t rows, int32_t columns, const float *values, const int8_t *quants,
    const float *scales, const int32_t *sums, int32_t block, int32_t tokens, float *y, int64_t y_stride, int32_t add);

/*
 * Causal convolution of width taps and SiLU for channels that lie side by side.
 *
 * input: the first channel of the first token, input_stride floats from one token to the next; weight (width, stride); bias;
 * state (width - 1, stride), the oldest input first; output: as input.
 */
EXPORT void mamba4j_convolve(
    int32_t channels, int32_t width, int64_t stride, const float *weight, const float *bias, float *state, int32_t tokens,
    const float *input, int64_t input_stride, float *output, int64_t output_stride);

/*
 * The selective state space and the gate, see Kernels.scan.
 *
 * from_head, to_head: the heads; heads_per_group: how many share B and C; z, dt: of all heads, input_stride floats from one
 * token to the next; x, b, c: the same with convolved_stride; y: the same with y_stride; dt_bias, a, d (all heads); state (all
 * heads, state_size, head_size); factors (all heads): the state is factors times what is in memory, 0 standing for 1.
 */
EXPORT void mamba4j_scan(
    int32_t from_head, int32_t to_head, int32_t head_size, int32_t state_size, int32_t heads_per_group, const float *dt_bias,
    const float *a, const float *d, int32_t tokens, const float *z, const float *dt, int64_t input_stride, const float *x,
    const float *b, const float *c, int64_t convolved_stride, float *state, float *factors, float *y, int64_t y_stride);

#endif
