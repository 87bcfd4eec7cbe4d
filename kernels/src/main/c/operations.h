/*
 * The operations, written once over the vectors of an instruction set. The file that includes this defines before:
 *
 *   vf, LANES                  a vector of LANES floats; LANES is 4, 8 or 16
 *   load, store, set1          from and to any address
 *   add, sub, mul, divide
 *   multiply_add(a, b, c)      a * b + c, rounded once
 *   larger(a, b)               the larger of each two, NaN where b is NaN
 *   times_power(v, shifted)    v * 2^k, where k is in the low bits of the float shifted
 *   sum4(v, out)               the sums of four vectors
 *   load_half, load_bf16       LANES values as floats
 *   half_to_float, bf16_to_float
 *                              one value
 *   round_to_half              the nearest float of half precision
 *   max_magnitude(x, n)        the largest |x[i]|, NaN if there is one; n a multiple of 16
 *   quantize16(x, f, q)        q[i] = x[i] * f, to nearest even, 0 for NaN; returns the sum of the 16
 *   PREFETCH_NEAR(p)           asks for the cache line at p, to come to the first cache
 *   PREFETCH_FAR(p)            the same, to the second
 *
 * and, for products with int8 activations:
 *
 *   v4                         a vector of four floats: something of each of four rows
 *   load4, store4, multiply_add4
 *   STEP                       values in a step of the types with blocks of 32, at most 128
 *   add_step_TYPE(rows, at, x, sums)
 *                              adds products of STEP values of four rows, `at` bytes from their beginning, with those that x begins with
 *   struct k_activations, load_k_activations(x, i)
 *                              256 activations, ready for the next; scale is theirs
 *   vi, v4i                    vectors of whole numbers: of all lanes, and of four
 *   dot_TYPE(block, k_activations)
 *                              Σ_g scale_g * (q · x) of a block of a K type, spread over the lanes of a vi
 *   dot_TYPE(block, k_activations, minimums)
 *                              the same; Σ_g minimum_g * Σ x goes to the lanes of a v4i
 *   scale_blocks(sums, rows, at)
 *                              d * Σ of all lanes, of each row; d is `at` bytes from its beginning
 *   scale_blocks_with_minimums(sums, minimums, rows, at)
 *                              less dmin * Σ of all lanes, dmin behind d
 *
 * Products with int8 activations are made of exact whole numbers and then added up in one order, which is that of tiles.h too: a product
 * is the same to the last bit, with however many tokens it is made. (Whole numbers of K types beyond 2^24 are rounded on the way there;
 * no model comes near.) For each block of 32
 *
 *   sum = (Σ q * x) * (d * d_x) + sum,   where the type has minimums followed by   sum = m * (d_x * Σ x) + sum
 *
 * and for each block of 256, g being the groups of it that have a scale,
 *
 *   sum = (d * (Σ_g scale_g * Σ q * x) - dmin * (Σ_g minimum_g * Σ x)) * d_x + sum
 *
 * with each multiply-add rounded once. What products are added to is where sums begin.
 */
#include "blocks.h"
#include "mamba4j.h"

/* As Activations.scale: half precision in blocks of 32, as in ggml; 0 where the scale is inexact or its inverse infinite. */
INLINE float activation_scale(float max, int block) {
    float scale = max / 127;
    if (block == 32 && scale <= 65504) {
        return round_to_half(scale);
    }
    return scale < 0x1p-126f ? 0 : scale;
}

INLINE int smaller_int(int a, int b) {
    return a < b ? a : b;
}

/* The first n floats, zeros behind them. */
INLINE vf load_first(const float *p, int n) {
    if (n >= LANES) {
        return load(p);
    }
    float lanes[LANES] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return load(lanes);
}

INLINE void store_first(float *p, int n, vf v) {
    if (n >= LANES) {
        store(p, v);
    } else {
        float lanes[LANES];
        store(lanes, v);
        memcpy(p, lanes, n * sizeof *p);
    }
}

/*
 * x / (1 + e^-x) to 3 units in the last place for x ≥ -87; below, within 1e-36.
 *
 * e^-x is taken apart as 2^k * e^r with |r| ≤ ln 2 / 2, where seven terms of the series leave 6e-9. x is bounded below so that e^-x
 * stays finite, and huge x are not divided by it.
 */
INLINE vf silu(vf x) {
    const vf round = set1(0x1.8p23f); /* adding it leaves the nearest whole number in the low bits */
    vf above = larger(set1(-88), x);
    vf bounded = larger(set1(-87), sub(set1(0), above));
    vf shifted = multiply_add(bounded, set1(0x1.715476p0f), round);
    vf power = sub(shifted, round);
    vf r = multiply_add(power, set1(-0x1.63p-1f), bounded); /* ln 2 in two parts: the first product is exact */
    r = multiply_add(power, set1(0x1.bd0106p-13f), r);
    vf sum = set1(1.0f / 5040);
    sum = multiply_add(sum, r, set1(1.0f / 720));
    sum = multiply_add(sum, r, set1(1.0f / 120));
    sum = multiply_add(sum, r, set1(1.0f / 24));
    sum = multiply_add(sum, r, set1(1.0f / 6));
    sum = multiply_add(sum, r, set1(1.0f / 2));
    sum = add(multiply_add(sum, mul(r, r), r), set1(1));
    return divide(above, add(times_power(sum, shifted), set1(1)));
}

void mamba4j_rms_norm(
    const float *x, const float *weight, int32_t columns, int32_t group_size, float epsilon, float *out) {
    for (int group = 0; group < columns; group += group_size) {
        const float *from = x + group;
        vf squares[4] = {set1(0), set1(0), set1(0), set1(0)};
        int i = 0;
        for (; i + 4 * LANES <= group_size; i += 4 * LANES) {
            for (int k = 0; k < 4; k++) {
                vf v = load(from + i + k * LANES);
                squares[k] = multiply_add(v, v, squares[k]);
            }
        }
        for (; i < group_size; i += LANES) {
            vf v = load_first(from + i, group_size - i);
            squares[0] = multiply_add(v, v, squares[0]);
        }
        float sums[4];
        sum4(squares, sums);
        double mean = ((double)sums[0] + sums[1] + sums[2] + sums[3]) / group_size;
        vf inverse = set1((float)(1 / __builtin_sqrt(mean + epsilon)));
        for (i = 0; i < group_size; i += LANES) {
            int n = group_size - i;
            vf scaled = mul(load_first(from + i, n), inverse);
            store_first(out + group + i, n, mul(scaled, load_first(weight + group + i, n)));
        }
    }
}

void mamba4j_quantize(
    const float *x, int32_t columns, int32_t block, int8_t *quants, float *scales, int32_t *sums) {
    for (int from = 0; from < columns; from += block) {
        float max = max_magnitude(x + from, block);
        float scale = activation_scale(max, block);
        float inverse = scale == 0 ? 0 : 127 / max;
        scales[from / block] = scale;
        for (int i = from; i < from + block; i += 16) {
            sums[i / 16] = quantize16(x + i, inverse, quants + i);
        }
    }
}

/* Sums of at most ROWS rows, or zeros where products are not added to anything. */
INLINE v4 load_first_rows(const float *sums, int count, int add) {
    float four[ROWS] = {0};
    for (int r = 0; add && r < count; r++) {
        four[r] = sums[r];
    }
    return load4(four);
}

INLINE void store_first_rows(float *sums, int count, v4 v) {
    float four[ROWS];
    store4(four, v);
    for (int r = 0; r < count; r++) {
        sums[r] = four[r];
    }
}

/* start + the sum of all lanes of each row. */
INLINE v4 add_lanes(v4 start, const vf v[ROWS]) {
    float sums[ROWS];
    sum4(v, sums);
    return multiply_add4(load4(sums), (v4){1, 1, 1, 1}, start);
}

#include "gemm.h"

/* Products of whole rows with one vector. */

/* Memory that will be needed: as much of it is asked for in each step as the step uses. */
struct next {
    const uint8_t *bytes;
    int near;
};

/* sums[r] + Σ_c rows[r][c] * x[c]. Every row is added up in the same order wherever it is among the four. */
typedef v4 rows_product(const uint8_t *const rows[ROWS], int columns, struct activations x, struct next next, v4 sums);

/*
 * In the order of memory, whatever order the step has. A line that comes to the first cache takes one of few places there while it is
 * on its way; one for the second cache takes none, but may be forgotten, and must be asked for in good time.
 */
INLINE void prefetch(struct next next, int64_t from, int64_t bytes) {
    for (int64_t i = from; i < from + bytes; i += 64) {
        if (next.near) {
            PREFETCH_NEAR(next.bytes + i);
        } else {
            PREFETCH_FAR(next.bytes + i);
        }
    }
}

#define FLOAT_ROWS(name, element, load_lanes)                                                                                \
    static v4 name(const uint8_t *const rows[ROWS], int columns, struct activations x, struct next next, v4 start) {         \
        vf sums[ROWS] = {set1(0), set1(0), set1(0), set1(0)};                                                                \
        int i = 0;                                                                                                           \
        for (; i + LANES <= columns; i += LANES) {                                                                           \
            vf v = load(x.values + i);                                                                                       \
            prefetch(next, (int64_t)i * ROWS * sizeof(element), LANES * ROWS * sizeof(element));                             \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const element *row = (const element *)rows[r] + i;                                                           \
                sums[r] = multiply_add(load_lanes(row), v, sums[r]);                                                         \
            }                                                                                                                \
        }                                                                                                                    \
        if (i < columns) {                                                                                                   \
            vf v = load_first(x.values + i, columns - i);                                                                    \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                element lanes[LANES] = {0};                                                                                  \
                memcpy(lanes, (const element *)rows[r] + i, (columns - i) * sizeof(element));                                \
                sums[r] = multiply_add(load_lanes(lanes), v, sums[r]);                                                       \
            }                                                                                                                \
        }                                                                                                                    \
        return add_lanes(start, sums);                                                                                       \
    }

FLOAT_ROWS(float_f32, float, load)
FLOAT_ROWS(float_f16, uint16_t, load_half)
FLOAT_ROWS(float_bf16, uint16_t, load_bf16)

/* Blocks that are left when steps are done, zeros behind them. */
struct rest {
    uint8_t rows[ROWS][STEP / 32 * 34];
    int8_t quants[STEP];
    float scales[STEP / 32];
    int32_t sums[STEP / 16];
};

/* What is left of a vector from value i on, a multiple of 32. */
INLINE struct activations from_value(struct activations x, int i) {
    return (struct activations){x.values + i, x.quants + i, x.scales + i / 32, x.sums + i / 16};
}

INLINE void copy_rest(struct rest *rest, const uint8_t *const rows[ROWS], struct activations x, int from, int columns, int bytes) {
    int blocks = (columns - from) / 32;
    memset(rest, 0, sizeof *rest);
    for (int r = 0; r < ROWS; r++) {
        memcpy(rest->rows[r], rows[r] + (int64_t)(from / 32) * bytes, blocks * bytes);
    }
    memcpy(rest->quants, x.quants + from, blocks * 32);
    memcpy(rest->scales, x.scales + from / 32, blocks * sizeof *rest->scales);
    memcpy(rest->sums, x.sums + from / 16, 2 * blocks * sizeof *rest->sums);
}

#define STEP_ROWS(name, bytes, add_step)                                                                                     \
    static v4 name(const uint8_t *const rows[ROWS], int columns, struct activations x, struct next next, v4 sums) {          \
        int i = 0;                                                                                                           \
        for (; i + STEP <= columns; i += STEP) {                                                                             \
            prefetch(next, (int64_t)(i / 32) * ROWS * bytes, STEP / 32 * ROWS * bytes);                                      \
            sums = add_step(rows, (int64_t)(i / 32) * bytes, from_value(x, i), sums);                                        \
        }                                                                                                                    \
        if (i < columns) {                                                                                                   \
            struct rest rest;                                                                                                \
            copy_rest(&rest, rows, x, i, columns, bytes);                                                                    \
            const uint8_t *rest_rows[ROWS] = {rest.rows[0], rest.rows[1], rest.rows[2], rest.rows[3]};                       \
            sums = add_step(rest_rows, 0, (struct activations){0, rest.quants, rest.scales, rest.sums}, sums);               \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

STEP_ROWS(int8_q8_0, 34, add_step_q8_0)
STEP_ROWS(int8_q4_0, 18, add_step_q4_0)
STEP_ROWS(int8_q4_1, 20, add_step_q4_1)
STEP_ROWS(int8_q5_0, 22, add_step_q5_0)
STEP_ROWS(int8_q5_1, 24, add_step_q5_1)
STEP_ROWS(int8_iq4_nl, 18, add_step_iq4_nl)

/* Blocks of 256. `dot` is an expression that makes whole numbers of `block`, `scaled` one that makes their sums floats. */
#define K_ROWS(name, bytes, dot, scaled)                                                                                     \
    static v4 name(const uint8_t *const rows[ROWS], int columns, struct activations x, struct next next, v4 sums) {          \
        for (int i = 0; i < columns; i += K_BLOCK) {                                                                         \
            const int64_t at = (int64_t)(i / K_BLOCK) * bytes;                                                               \
            prefetch(next, ROWS *at, ROWS * bytes);                                                                          \
            struct k_activations k = load_k_activations(x, i);                                                               \
            vi products[ROWS];                                                                                               \
            v4i minimums[ROWS];                                                                                              \
            (void)minimums;                                                                                                  \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const uint8_t *block = rows[r] + at;                                                                         \
                products[r] = dot;                                                                                           \
            }                                                                                                                \
            sums = multiply_add4(scaled, k.scale, sums);                                                                     \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

#define K_ROWS_WITH_MINIMUMS(name, bytes, dot, d)                                                                            \
    K_ROWS(name, bytes, dot(block, &k, &minimums[r]), scale_blocks_with_minimums(products, minimums, rows, at + d))

K_ROWS_WITH_MINIMUMS(int8_q2_k, 84, dot_q2_k, 80)
K_ROWS(int8_q3_k, 110, dot_q3_k(block, &k), scale_blocks(products, rows, at + 108))
K_ROWS_WITH_MINIMUMS(int8_q4_k, 144, dot_q4_k, 0)
K_ROWS_WITH_MINIMUMS(int8_q5_k, 176, dot_q5_k, 0)
K_ROWS(int8_q6_k, 210, dot_q6_k(block, &k), scale_blocks(products, rows, at + 208))
K_ROWS(int8_iq4_xs, 136, dot_iq4_xs(block, &k), scale_blocks(products, rows, at))

/*
 * Geometry of a type and its products with floats and with int8 activations; slow where these take about as long as it takes to read
 * the weights. Quantized weights and floats are multiplied in tiles, be it of one token.
 */
static const struct type {
    int number;
    int values;
    int bytes;
    int slow;
    rows_product *floats;
    rows_product *int8;
} TYPES[] = {
    {TYPE_F32, 1, 4, 0, float_f32, 0},
    {TYPE_F16, 1, 2, 0, float_f16, 0},
    {TYPE_BF16, 1, 2, 0, float_bf16, 0},
    {TYPE_Q8_0, 32, 34, 0, 0, int8_q8_0},
    {TYPE_Q4_0, 32, 18, 1, 0, int8_q4_0},
    {TYPE_Q4_1, 32, 20, 1, 0, int8_q4_1},
    {TYPE_Q5_0, 32, 22, 1, 0, int8_q5_0},
    {TYPE_Q5_1, 32, 24, 1, 0, int8_q5_1},
    {TYPE_IQ4_NL, 32, 18, 1, 0, int8_iq4_nl},
    {TYPE_Q2_K, 256, 84, 1, 0, int8_q2_k},
    {TYPE_Q3_K, 256, 110, 1, 0, int8_q3_k},
    {TYPE_Q4_K, 256, 144, 1, 0, int8_q4_k},
    {TYPE_Q5_K, 256, 176, 1, 0, int8_q5_k},
    {TYPE_Q6_K, 256, 210, 1, 0, int8_q6_k},
    {TYPE_IQ4_XS, 256, 136, 1, 0, int8_iq4_xs},
};

static const struct type *find_type(int number) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (TYPES[i].number == number) {
            return &TYPES[i];
        }
    }
    return 0;
}

INLINE int64_t smaller_long(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* From so many tokens on it pays to unpack weights. */
#define TILED_TOKENS 4

int32_t mamba4j_multiply(
    int32_t type, const uint8_t *weights, int32_t rows, int32_t columns, const float *values, const int8_t *quants,
    const float *scales, const int32_t *sums, int32_t block, int32_t tokens, float *y, int64_t y_stride, int32_t add) {
    const struct type *found = find_type(type);
    int decoded = block == 0 && found && !found->floats;
    if ((tokens >= TILED_TOKENS || decoded)
        && multiply_tiled(
            type, (struct rows){weights, rows, columns, 0}, (struct activations){values, quants, scales, sums}, block, tokens,
            (struct output){y, y_stride, add})) {
        return 1;
    }
    rows_product *product = found ? block == 0 ? found->floats : found->int8 : 0;
    if (!product) {
        return 0;
    }
    int64_t bytes = (int64_t)(columns / found->values) * found->bytes;
    const int64_t first_cache = 8 << 10; /* a quarter of the smallest: for these rows, the next and the activations */
    const int64_t far_ahead = 24 << 10;
    int near = found->slow && ROWS * bytes <= first_cache;
    int64_t ahead = near ? ROWS * bytes : far_ahead;
    prefetch((struct next){weights, 1}, 0, smaller_long(ahead, rows * bytes));
    for (int row = 0; row < rows; row += ROWS) {
        int count = smaller_int(ROWS, rows - row);
        const uint8_t *four[ROWS];
        for (int r = 0; r < ROWS; r++) {
            four[r] = weights + bytes * (row + smaller_int(r, count - 1)); /* where no four are left, the last repeats */
        }
        int64_t left = rows - row > ROWS ? (rows - row - ROWS) * bytes : 0;
        struct next next = {four[0] + smaller_long(ahead, left), near};
        for (int64_t t = 0; t < tokens; t++) {
            int64_t at = t * columns;
            struct activations x = {values + at, 0, 0, 0};
            if (block != 0) {
                x = (struct activations){values + at, quants + at, scales + at / block, sums + at / 16};
            }
            float *sums = y + t * y_stride + row;
            store_first_rows(sums, count, product(four, columns, x, next, load_first_rows(sums, count, add)));
        }
    }
    return 1;
}

#include "state_space.h"
