/*
 * What lies between the two projections of a layer: the convolution, and the selective state space with its gate. Part of
 * operations.h, whose names for vectors it uses.
 */

/* The taps of all models so far; their inputs stay in registers from token to token. */
INLINE void convolve_4(
    int n, int64_t stride, const float *weight, const float *bias, float *state, int tokens, const float *input,
    int64_t input_stride, float *output, int64_t output_stride) {
    vf w0 = load_first(weight, n);
    vf w1 = load_first(weight + stride, n);
    vf w2 = load_first(weight + 2 * stride, n);
    vf w3 = load_first(weight + 3 * stride, n);
    vf s0 = load_first(state, n);
    vf s1 = load_first(state + stride, n);
    vf s2 = load_first(state + 2 * stride, n);
    vf first = load_first(bias, n);
    for (int64_t t = 0; t < tokens; t++) {
        vf s3 = load_first(input + t * input_stride, n);
        vf sum = multiply_add(s1, w1, multiply_add(s0, w0, first));
        sum = multiply_add(s3, w3, multiply_add(s2, w2, sum));
        store_first(output + t * output_stride, n, silu(sum));
        s0 = s1;
        s1 = s2;
        s2 = s3;
    }
    store_first(state, n, s0);
    store_first(state + stride, n, s1);
    store_first(state + 2 * stride, n, s2);
}

INLINE void convolve_any(
    int n, int width, int64_t stride, const float *weight, const float *bias, float *state, int tokens, const float *input,
    int64_t input_stride, float *output, int64_t output_stride) {
    for (int64_t t = 0; t < tokens; t++) {
        vf sum = load_first(bias, n);
        vf current = load_first(input + t * input_stride, n);
        for (int64_t tap = 0; tap < width - 1; tap++) {
            float *past = state + tap * stride;
            sum = multiply_add(load_first(past, n), load_first(weight + tap * stride, n), sum);
            store_first(past, n, tap == width - 2 ? current : load_first(past + stride, n));
        }
        sum = multiply_add(current, load_first(weight + (width - 1) * stride, n), sum);
        store_first(output + t * output_stride, n, silu(sum));
    }
}

void mamba4j_convolve(
    int32_t channels, int32_t width, int64_t stride, const float *weight, const float *bias, float *state, int32_t tokens,
    const float *input, int64_t input_stride, float *output, int64_t output_stride) {
    for (int i = 0; i < channels; i += LANES) {
        int n = smaller_int(LANES, channels - i);
        if (width == 4) {
            convolve_4(n, stride, weight + i, bias + i, state + i, tokens, input + i, input_stride, output + i, output_stride);
        } else {
            convolve_any(
                n, width, stride, weight + i, bias + i, state + i, tokens, input + i, input_stride, output + i, output_stride);
        }
    }
}

/*
 * The state space. S is the state of a head, (state_size, head_size), the channels p of the head side by side:
 *
 *   S[n][p] = decay * S[n][p] + dt * b[n] * x[p],   y[p] = (Σ_n c[n] * S[n][p] + d * x[p]) * silu(z[p])
 *
 * In memory are T and one factor for all of a head, S = factor * T, so that the decay is left to the factor and a token takes two
 * multiply-adds for each value of the state:
 *
 *   factor = decay * factor,   T[n][p] += b[n] * (dt / factor) * x[p],   y[p] = (factor * Σ_n c[n] * T[n][p] + …) …
 *
 * A factor that would become too small is multiplied into T, and 1 takes its place. Rounding errors are those of S: a sum in T is as much
 * larger as its factor is smaller.
 *
 * One token goes through the rows of T with its sums in registers; many go by blocks, a tile of T staying in registers for all tokens of
 * the block. Both compute the same, to the last bit, so that reading a prompt leaves what steps would. (Products of matrices within
 * chunks, section 6 of Dao and Gu 2024, take the same two multiply-adds to read and write a state, and those within the chunk on top.)
 */
enum {
    SCAN_TOKENS = 32,     /* tokens that share the loading of the state */
    LARGEST_STATE = 256,  /* room for b and c of a block, on the stack; larger states go token by token */
    STRIP = 64,           /* channels of a head treated together */
    SCAN_ROWS = 4,        /* rows of T that stay in registers, */
    SCAN_VECTORS = LANES == 8 ? 2 : 4 /* and vectors of each */
};

#define SMALLEST_FACTOR 0x1p-32f
#define UNROLL _Pragma("GCC unroll 16")

/* The operands of mamba4j_scan. */
struct scan {
    int head_size;
    int state_size;
    int heads_per_group;
    const float *dt_bias;
    const float *a;
    const float *d;
    const float *z;
    const float *dt;
    int64_t input_stride;
    const float *x;
    const float *b;
    const float *c;
    int64_t convolved_stride;
    float *state;
    float *factors;
    float *y;
    int64_t y_stride;
};

/* What a token brings to a head. */
struct token {
    float fold;   /* what T is multiplied with before, 1 as a rule */
    float input;  /* dt / factor */
    float factor; /* after the token */
};

INLINE struct token next_token(const struct scan *scan, int head, int64_t token, float factor) {
    float dt = (float)softplus((double)(scan->dt[token * scan->input_stride + head] + scan->dt_bias[head]));
    float decayed = factor * (float)exp_double((double)dt * scan->a[head]);
    if (decayed < SMALLEST_FACTOR) {
        return (struct token){decayed, dt, 1};
    }
    return (struct token){1, dt / decayed, decayed};
}

/* In a state of zeros, 0 stands for 1. */
INLINE float factor_of(const struct scan *scan, int head) {
    return scan->factors[head] == 0 ? 1 : scan->factors[head];
}

INLINE vf output(vf sum, vf x, vf z, float factor, float d) {
    return mul(multiply_add(sum, set1(factor), mul(x, set1(d))), silu(z));
}

/*
 * One token, `count` channels in `vectors` vectors: at most STRIP. Two rows of T share the loads of the input.
 */
INLINE void step_channels(
    int vectors, int count, int64_t head_size, int state_size, struct token token, float d, const float *z, const float *x,
    const float *b, const float *c, float *state, float *y) {
    float input[STRIP];
    vf sums[STRIP / LANES];
    UNROLL for (int v = 0; v < vectors; v++) {
        store(input + v * LANES, mul(load_first(x + v * LANES, count - v * LANES), set1(token.input)));
        sums[v] = set1(0);
    }
    int n = 0;
    for (; n + 2 <= state_size; n += 2) {
        float *first = state + n * head_size;
        float *second = first + head_size;
        UNROLL for (int v = 0; v < vectors; v++) {
            int rest = count - v * LANES;
            vf in = load(input + v * LANES);
            vf s0 = multiply_add(in, set1(b[n]), load_first(first + v * LANES, rest));
            vf s1 = multiply_add(in, set1(b[n + 1]), load_first(second + v * LANES, rest));
            store_first(first + v * LANES, rest, s0);
            store_first(second + v * LANES, rest, s1);
            sums[v] = multiply_add(s1, set1(c[n + 1]), multiply_add(s0, set1(c[n]), sums[v]));
        }
    }
    if (n < state_size) {
        UNROLL for (int v = 0; v < vectors; v++) {
            int rest = count - v * LANES;
            float *at = state + n * head_size + v * LANES;
            vf s = multiply_add(load(input + v * LANES), set1(b[n]), load_first(at, rest));
            store_first(at, rest, s);
            sums[v] = multiply_add(s, set1(c[n]), sums[v]);
        }
    }
    UNROLL for (int v = 0; v < vectors; v++) {
        int rest = count - v * LANES;
        vf inputs = load_first(x + v * LANES, rest);
        store_first(y + v * LANES, rest, output(sums[v], inputs, load_first(z + v * LANES, rest), token.factor, d));
    }
}

/* T times a factor. */
static void fold_state(float *state, int64_t size, float factor) {
    for (int64_t i = 0; i < size; i += LANES) {
        int rest = (int)(size - i < LANES ? size - i : LANES);
        store_first(state + i, rest, mul(load_first(state + i, rest), set1(factor)));
    }
}

static void step_head(const struct scan *scan, int head, int64_t t) {
    int size = scan->head_size;
    int64_t first = (int64_t)head * size;
    int64_t group = (int64_t)(head / scan->heads_per_group) * scan->state_size;
    const float *z = scan->z + t * scan->input_stride + first;
    const float *x = scan->x + t * scan->convolved_stride + first;
    const float *b = scan->b + t * scan->convolved_stride + group;
    const float *c = scan->c + t * scan->convolved_stride + group;
    float *state = scan->state + first * scan->state_size;
    float *y = scan->y + t * scan->y_stride + first;
    float d = scan->d[head];
    struct token token = next_token(scan, head, t, factor_of(scan, head));
    if (token.fold != 1) {
        fold_state(state, (int64_t)size * scan->state_size, token.fold);
    }
    int p = 0;
    for (; p + STRIP <= size; p += STRIP) {
        step_channels(
            STRIP / LANES, STRIP, size, scan->state_size, token, d, z + p, x + p, b, c, state + p, y + p);
    }
    for (; p < size; p += LANES) {
        int rest = smaller_int(LANES, size - p);
        step_channels(1, rest, size, scan->state_size, token, d, z + p, x + p, b, c, state + p, y + p);
    }
    scan->factors[head] = token.factor;
}

/* What the heads of a group share: of each tile of rows n and each token, b and c of these rows. */
struct shared {
    float rows[LARGEST_STATE / SCAN_ROWS][SCAN_TOKENS][2 * SCAN_ROWS];
};

static void share(struct shared *shared, const struct scan *scan, int group, int64_t from, int tokens) {
    for (int t = 0; t < tokens; t++) {
        int64_t at = (from + t) * scan->convolved_stride + (int64_t)group * scan->state_size;
        for (int n = 0; n < scan->state_size; n += SCAN_ROWS) {
            float *to = shared->rows[n / SCAN_ROWS][t];
            memcpy(to, scan->b + at + n, SCAN_ROWS * sizeof *to);
            memcpy(to + SCAN_ROWS, scan->c + at + n, SCAN_ROWS * sizeof *to);
        }
    }
}

/* A tile of T takes all tokens of a block; inputs and sums are (tokens, STRIP). */
INLINE void scan_tile(
    int vectors, int64_t head_size, const float (*rows)[2 * SCAN_ROWS], const struct token *tokens, int count, const float *inputs,
    float *state, float *sums) {
    vf tile[SCAN_ROWS][SCAN_VECTORS];
    UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            tile[r][v] = load(state + r * head_size + v * LANES);
        }
    }
    for (int64_t t = 0; t < count; t++) {
        if (__builtin_expect(tokens[t].fold != 1, 0)) {
            UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
                UNROLL for (int v = 0; v < vectors; v++) {
                    tile[r][v] = mul(tile[r][v], set1(tokens[t].fold));
                }
            }
        }
        vf in[SCAN_VECTORS];
        vf sum[SCAN_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            in[v] = load(inputs + t * STRIP + v * LANES);
            sum[v] = load(sums + t * STRIP + v * LANES);
        }
        UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
            vf b = set1(rows[t][r]);
            vf c = set1(rows[t][SCAN_ROWS + r]);
            UNROLL for (int v = 0; v < vectors; v++) {
                tile[r][v] = multiply_add(in[v], b, tile[r][v]);
                sum[v] = multiply_add(tile[r][v], c, sum[v]);
            }
        }
        UNROLL for (int v = 0; v < vectors; v++) {
            store(sums + t * STRIP + v * LANES, sum[v]);
        }
    }
    UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            store(state + r * head_size + v * LANES, tile[r][v]);
        }
    }
}

/* A strip of `width` channels of a head, from channel p: whole vectors. */
static void scan_strip(
    const struct scan *scan, const struct shared *shared, int head, int p, int width, int64_t from, const struct token *tokens,
    int count) {
    float inputs[SCAN_TOKENS * STRIP];
    float sums[SCAN_TOKENS * STRIP];
    int64_t first = (int64_t)head * scan->head_size + p;
    for (int64_t t = 0; t < count; t++) {
        for (int i = 0; i < width; i += LANES) {
            vf x = load(scan->x + (from + t) * scan->convolved_stride + first + i);
            store(inputs + t * STRIP + i, mul(x, set1(tokens[t].input)));
            store(sums + t * STRIP + i, set1(0));
        }
    }
    float *state = scan->state + (int64_t)head * scan->head_size * scan->state_size + p;
    for (int n = 0; n < scan->state_size; n += SCAN_ROWS) {
        const float(*rows)[2 * SCAN_ROWS] = shared->rows[n / SCAN_ROWS];
        float *at = state + (int64_t)n * scan->head_size;
        int i = 0;
        for (; i + SCAN_VECTORS * LANES <= width; i += SCAN_VECTORS * LANES) {
            scan_tile(SCAN_VECTORS, scan->head_size, rows, tokens, count, inputs + i, at + i, sums + i);
        }
        for (; i < width; i += LANES) {
            scan_tile(1, scan->head_size, rows, tokens, count, inputs + i, at + i, sums + i);
        }
    }
    for (int64_t t = 0; t < count; t++) {
        for (int i = 0; i < width; i += LANES) {
            vf z = load(scan->z + (from + t) * scan->input_stride + first + i);
            vf x = load(scan->x + (from + t) * scan->convolved_stride + first + i);
            vf sum = load(sums + t * STRIP + i);
            store(scan->y + (from + t) * scan->y_stride + first + i, output(sum, x, z, tokens[t].factor, scan->d[head]));
        }
    }
}

/* Not inlined, so that steps do without its stack. */
static __attribute__((noinline)) void scan_block(const struct scan *scan, int from_head, int to_head, int64_t from, int count) {
    struct shared shared;
    int shared_group = -1;
    for (int head = from_head; head < to_head; head++) {
        int group = head / scan->heads_per_group;
        if (group != shared_group) {
            share(&shared, scan, group, from, count);
            shared_group = group;
        }
        struct token tokens[SCAN_TOKENS];
        float factor = factor_of(scan, head);
        for (int t = 0; t < count; t++) {
            tokens[t] = next_token(scan, head, from + t, factor);
            factor = tokens[t].factor;
        }
        for (int p = 0; p < scan->head_size; p += STRIP) {
            scan_strip(scan, &shared, head, p, smaller_int(STRIP, scan->head_size - p), from, tokens, count);
        }
        scan->factors[head] = factor;
    }
}

void mamba4j_scan(
    int32_t from_head, int32_t to_head, int32_t head_size, int32_t state_size, int32_t heads_per_group, const float *dt_bias,
    const float *a, const float *d, int32_t tokens, const float *z, const float *dt, int64_t input_stride, const float *x,
    const float *b, const float *c, int64_t convolved_stride, float *state, float *factors, float *y, int64_t y_stride) {
    const struct scan scan = {head_size,    state_size,       heads_per_group, dt_bias, a, d,       z, dt,
                              input_stride, x,                b,               c,       convolved_stride,
                              state,        factors,          y,               y_stride};
    int whole = head_size % LANES == 0 && state_size % SCAN_ROWS == 0 && state_size <= LARGEST_STATE;
    for (int from = 0; from < tokens; from += SCAN_TOKENS) {
        int count = smaller_int(SCAN_TOKENS, tokens - from);
        if (whole && count > 1) {
            scan_block(&scan, from_head, to_head, from, count);
            continue;
        }
        for (int head = from_head; head < to_head; head++) {
            for (int t = 0; t < count; t++) {
                step_head(&scan, head, from + t);
            }
        }
    }
}
