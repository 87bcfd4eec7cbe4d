/*
 * Tiles: some rows times some tokens, of which the sums stay in registers.
 *
 * PANEL_COLUMNS columns of some rows are unpacked once, see panels.h, and stay in the first cache while all tokens go past,
 * TILE_TOKENS at a time.
 *
 * Sums are made in the order that operations.h states, and so are those of single tokens. What the file that includes this defines,
 * beside what panels.h asks for:
 *
 *   TILE_VECTORS, TILE_TOKENS  size of a tile in vectors of rows and in tokens, at most 6
 *   inputs16, load_inputs(p)   16 activations
 *   dot(sums, bytes, x, k)     adds the products of four columns of each row with activations 4 k to 4 k + 3, k being a constant
 *   dot_wide                   the same for bytes that use all 8 bits
 *   dot_bytes(sums, bytes, x)  the same with the four activations at x
 *   PAIRED                     1 where dot products go by way of 16-bit sums of pairs: then there are in place of dot and dot_wide
 *     pairs_narrow, pairs_wide(bytes, x, k)  these sums
 *     join_pairs(a, b)         16-bit sums of them
 *     add_pairs(sums, pairs)   32-bit sums
 *     IN_ORDER(sums)           has the compiler make these sums here: else it first makes many products, more than there are registers for
 *   load_aligned, store_aligned
 *   set1_int, shift_left(v, n)
 */
#ifndef TILES_H
#define TILES_H

#include "panels.h"

#define TILE_ROWS (TILE_VECTORS * LANES)

/* Tokens that go past an unpacked panel: their sums are on the stack. */
#define MOST_TOKENS 128

/* Columns and groups that are prepared at a time. */
#define SLAB_COLUMNS 2560
#define SLAB_GROUPS 80
#define SLAB_SPLIT (SLAB_COLUMNS / K_BLOCK * 32)

/* Some columns of some tokens. */
struct inputs {
    const int8_t *quants;
    int64_t stride; /* quants from token to token */
    const float *scales;
    int64_t scales_stride;
    const int32_t *offsets; /* SLAB_GROUPS from token to token */
    const float *scaled_sums;
    const int8_t *split; /* SLAB_SPLIT from token to token */
};

INLINE struct inputs from_token(const struct inputs *x, int t) {
    struct inputs from = *x;
    from.quants += t * x->stride;
    from.scales += t * x->scales_stride;
    from.offsets += t * SLAB_GROUPS;
    from.scaled_sums += t * SLAB_GROUPS;
    from.split += t * SLAB_SPLIT;
    return from;
}

/* Sums of the rows of a tile with one token. */
typedef float tile_sums[TILE_ROWS];

/* 32-bit sums of products, and where these go by way of 16-bit sums, those that still fit 16 bits. */
struct products {
    vi sums;
#if PAIRED
    vi waiting;
#endif
};

/* Adds the products of columns 4 k to 4 k + 3 of chunk c of a group; c and k are constants where groups have few chunks. */
INLINE void add_dots(struct products *products, vb bytes, inputs16 x, const int c, const int k, const struct form form) {
#if PAIRED
    const int fit = form.wide ? 1 : INT16_MAX / (2 * 127 * form.most); /* a power of two for each type */
    const int number = fit <= 4 ? k % fit : (4 * c + k) % fit;
    vi pairs = form.wide ? pairs_wide(bytes, x, k) : pairs_narrow(bytes, x, k);
    products->waiting = number == 0 ? pairs : join_pairs(products->waiting, pairs);
    IN_ORDER(products->waiting);
    if (number == fit - 1) {
        products->sums = add_pairs(products->sums, products->waiting);
        IN_ORDER(products->sums);
    }
#else
    (void)c;
    products->sums = form.wide ? dot_wide(products->sums, bytes, x, k) : dot(products->sums, bytes, x, k);
#endif
}

/* Adds the products of four columns of chunk c of group g; k is a constant. */
#define ADD_QUARTER(k)                                                                                                       \
    for (int v = 0; v < TILE_VECTORS; v++) {                                                                                 \
        vb bytes = load_aligned(panels[v].bytes[chunks * g + c][k]);                                                         \
        for (int t = 0; t < count; t++) {                                                                                    \
            add_dots(&products[v][t], bytes, x[t], c, k, form);                                                              \
        }                                                                                                                    \
    }

/* The minimums of each row times the sums of their groups of one token: whole numbers. */
INLINE vf minimums_of(const struct panel *panel, const int8_t *split, const struct form form) {
    vi sums = set1_int(0);
    for (int k = 0; k < form.minimums; k += 4) {
        sums = dot_bytes(sums, load_aligned(panel->minimums[k / 4]), split + k);
    }
    sums = shift_left(sums, 7);
    for (int k = 0; k < form.minimums; k += 4) {
        sums = dot_bytes(sums, load_aligned(panel->minimums[k / 4]), split + form.minimums + k);
    }
    return to_float(sums);
}

/*
 * sums[t][r] += Σ_c weights[r][c] * inputs[t][c] for `count` tokens from the first on. What depends on count and form is decided when this is
 * compiled.
 */
INLINE void add_tile(
    const struct panel panels[TILE_VECTORS], int columns, const struct inputs *all, int first_token, tile_sums *all_sums,
    const int count, const struct form form) {
    const struct inputs from = from_token(all, first_token);
    const struct inputs *inputs = &from;
    tile_sums *sums = all_sums + first_token;
    const int chunks = form.group / 16;
    vf parts[TILE_VECTORS][TILE_TOKENS];
    for (int t = 0; t < count; t++) {
        for (int v = 0; v < TILE_VECTORS; v++) {
            parts[v][t] = form.block == 32 ? load(sums[t] + v * LANES) : set1(0);
        }
    }
    for (int g = 0; g < columns / form.group; g++) {
        struct products products[TILE_VECTORS][TILE_TOKENS];
        for (int t = 0; t < count; t++) {
            vi first = set1_int(form.offset ? inputs->offsets[t * SLAB_GROUPS + g] : 0);
            for (int v = 0; v < TILE_VECTORS; v++) {
                products[v][t].sums = first;
            }
        }
#pragma GCC unroll 2
        for (int c = 0; c < chunks; c++) {
            inputs16 x[TILE_TOKENS];
            for (int t = 0; t < count; t++) {
                x[t] = load_inputs(inputs->quants + t * inputs->stride + form.group * g + 16 * c);
            }
            ADD_QUARTER(0)
            ADD_QUARTER(1)
            ADD_QUARTER(2)
            ADD_QUARTER(3)
        }
        for (int v = 0; v < TILE_VECTORS; v++) {
            vf scales = load(panels[v].scales[g]);
            for (int t = 0; t < count; t++) {
                vf factors = form.block == 32 ? mul(scales, set1(inputs->scales[t * inputs->scales_stride + g])) : scales;
                vf whole = to_float(products[v][t].sums);
                parts[v][t] = form.group == K_BLOCK ? whole : multiply_add(whole, factors, parts[v][t]);
                if (form.floors) {
                    vf sum = set1(inputs->scaled_sums[t * SLAB_GROUPS + g]);
                    parts[v][t] = multiply_add(load(panels[v].scales[FLOORS + g]), sum, parts[v][t]);
                }
            }
        }
    }
    for (int v = 0; v < TILE_VECTORS; v++) {
        for (int t = 0; t < count; t++) {
            float *sum = sums[t] + v * LANES;
            if (form.block == 32) {
                store(sum, parts[v][t]);
                continue;
            }
            vf scaled = mul(parts[v][t], load(panels[v].d));
            if (form.minimums) {
                vf minimums = minimums_of(&panels[v], inputs->split + t * SLAB_SPLIT, form);
                scaled = minus_product(scaled, minimums, load(panels[v].dmin));
            }
            store(sum, multiply_add(scaled, set1(inputs->scales[t * inputs->scales_stride]), load(sum)));
        }
    }
}

/* What is asked for while a panel is multiplied: the bytes of each row that come next and, with the last panel, where sums go. */
struct ahead {
    int64_t at;
    int bytes;
    const float *y; /* of the first row and token, or null */
    int64_t stride; /* of y from token to token */
};

/* Asks for the next lines of bytes in the first half of n tiles, so that they have come when they are unpacked. */
INLINE void prefetch_rows(const uint8_t *const rows[TILE_ROWS], const struct ahead *ahead, int i, int n) {
    const int first = smaller_int(2 * i * TILE_ROWS / n, TILE_ROWS);
    const int end = smaller_int(2 * (i + 1) * TILE_ROWS / n, TILE_ROWS);
    for (int r = first; r < end; r++) {
        const uint8_t *from = rows[r] + ahead->at;
        const uint8_t *line = (const uint8_t *)(((uintptr_t)from + 63) & ~(uintptr_t)63);
        for (; line < from + ahead->bytes; line += 64) {
            PREFETCH_FAR(line);
        }
    }
}

/* Asks for where the sums of up to TILE_TOKENS tokens from the first on go. */
INLINE void prefetch_output(const struct ahead *ahead, int first, int tokens) {
    for (int t = first; ahead->y && t < smaller_int(first + TILE_TOKENS, tokens); t++) {
        for (int r = 0; r < TILE_ROWS; r += 16) {
            __builtin_prefetch(ahead->y + t * ahead->stride + r, 1, 3);
        }
    }
}

/* Adds the products of some columns of TILE_ROWS rows, at most PANEL_COLUMNS, with all tokens, and asks for what comes next. */
typedef void panel_product(
    const uint8_t *const rows[TILE_ROWS], int64_t at, const struct ahead *ahead, int columns, const struct inputs *x, int tokens,
    tile_sums *sums);

/* All tokens, TILE_TOKENS at a time; add(n) treats n tokens from t on. */
#define FOR_TILES(tokens, add)                                                                                               \
    const int tiles = (tokens + TILE_TOKENS - 1) / TILE_TOKENS;                                                              \
    for (int i = 0; i < tiles; i++) {                                                                                        \
        const int t = i * TILE_TOKENS;                                                                                       \
        prefetch_rows(rows, ahead, i, tiles);                                                                                \
        prefetch_output(ahead, t, tokens);                                                                                   \
        switch (smaller_int(tokens - t, TILE_TOKENS)) { TILE_CASES(add) }                                                    \
    }

#define TILE_CASE(n, add)                                                                                                    \
    case n:                                                                                                                  \
        add(n);                                                                                                              \
        break;

#if TILE_TOKENS == 6
#define TILE_CASES(add)                                                                                                      \
    TILE_CASE(1, add) TILE_CASE(2, add) TILE_CASE(3, add) TILE_CASE(4, add) TILE_CASE(5, add) TILE_CASE(6, add)
#elif TILE_TOKENS == 4
#define TILE_CASES(add) TILE_CASE(1, add) TILE_CASE(2, add) TILE_CASE(3, add) TILE_CASE(4, add)
#endif

#define ADD_TILE(n) add_tile(panels, columns, x, t, sums, n, form)

/* form and unpack are constants. */
INLINE void multiply_panels(
    const uint8_t *const rows[TILE_ROWS], int64_t at, const struct ahead *ahead, int columns, const struct inputs *x, int tokens,
    tile_sums *sums, const struct form form, unpack_rows *const unpack) {
    struct panel panels[TILE_VECTORS];
    for (int v = 0; v < TILE_VECTORS; v++) {
        unpack(rows + v * LANES, at, columns / form.block, &panels[v]);
    }
    FOR_TILES(tokens, ADD_TILE)
}

#define PANEL_PRODUCT(name, form, unpack)                                                                                    \
    static void name(                                                                                                        \
        const uint8_t *const rows[TILE_ROWS], int64_t at, const struct ahead *ahead, int columns, const struct inputs *x,    \
        int tokens, tile_sums *sums) {                                                                                       \
        multiply_panels(rows, at, ahead, columns, x, tokens, sums, form, unpack);                                            \
    }

PANEL_PRODUCT(multiply_q8_0, FORM_Q8_0, unpack_q8_0)
PANEL_PRODUCT(multiply_q4_0, FORM_Q4_0, unpack_q4_0)
PANEL_PRODUCT(multiply_q4_1, FORM_Q4_1, unpack_q4_1)
PANEL_PRODUCT(multiply_q5_0, FORM_Q5_0, unpack_q5_0)
PANEL_PRODUCT(multiply_q5_1, FORM_Q5_1, unpack_q5_1)
PANEL_PRODUCT(multiply_iq4_nl, FORM_IQ4_NL, unpack_iq4_nl)
PANEL_PRODUCT(multiply_q2_k, FORM_Q2_K, unpack_q2_k)
PANEL_PRODUCT(multiply_q3_k, FORM_Q3_K, unpack_q3_k)
PANEL_PRODUCT(multiply_q4_k, FORM_Q4_K, unpack_q4_k)
PANEL_PRODUCT(multiply_q5_k, FORM_Q5_K, unpack_q5_k)
PANEL_PRODUCT(multiply_q6_k, FORM_Q6_K, unpack_q6_k)
PANEL_PRODUCT(multiply_iq4_xs, FORM_IQ4_XS, unpack_iq4_xs)

/* Columns that are whole blocks, from `row` on. */
typedef void decode_row(const uint8_t *row, int columns, float *out);

/* Tokens of a tile of floats. */
#define FLOAT_TOKENS (LANES == 8 ? 3 : TILE_TOKENS)

/* Sums of one token by lanes, which stay apart until all columns are done. */
typedef vf lane_sums[ROWS];

/* sums[t][r] += rows[r][c] * x[t][c], for `count` tokens that are `stride` apart; count is a constant. */
INLINE void add_float_tile(
    const float rows[ROWS][PANEL_COLUMNS], int columns, const float *x, int64_t stride, lane_sums *all, const int count) {
    vf sums[FLOAT_TOKENS][ROWS];
    for (int t = 0; t < count; t++) {
        for (int r = 0; r < ROWS; r++) {
            sums[t][r] = all[t][r];
        }
    }
    for (int c = 0; c < columns; c += LANES) {
        vf values[FLOAT_TOKENS];
        for (int t = 0; t < count; t++) {
            values[t] = load_first(x + t * stride + c, columns - c);
        }
        for (int r = 0; r < ROWS; r++) {
            vf w = load(rows[r] + c);
            for (int t = 0; t < count; t++) {
                sums[t][r] = multiply_add(w, values[t], sums[t][r]);
            }
        }
    }
    for (int t = 0; t < count; t++) {
        for (int r = 0; r < ROWS; r++) {
            all[t][r] = sums[t][r];
        }
    }
}

/* Of ROWS rows, some columns, with all tokens. */
INLINE void add_floats(
    decode_row *decode, const uint8_t *const rows[ROWS], int64_t at, int columns, const float *x, int64_t stride, int tokens,
    lane_sums *sums) {
    float decoded[ROWS][PANEL_COLUMNS] __attribute__((aligned(64))) = {0};
    for (int r = 0; r < ROWS; r++) {
        decode(rows[r] + at, columns, decoded[r]);
    }
    int t = 0;
    for (; t + FLOAT_TOKENS <= tokens; t += FLOAT_TOKENS) {
        add_float_tile(decoded, columns, x + t * stride, stride, sums + t, FLOAT_TOKENS);
    }
    for (; t < tokens; t++) {
        add_float_tile(decoded, columns, x + t * stride, stride, sums + t, 1);
    }
}

/* `decode` is a statement that makes `values` of `block`. */
#define DECODE_ROW(name, size, bytes, decode)                                                                                \
    static void decode_row_##name(const uint8_t *block, int columns, float *values) {                                        \
        for (const float *end = values + columns; values < end; values += size, block += bytes) {                            \
            decode;                                                                                                          \
        }                                                                                                                    \
    }

#define SCALE_AT(offset) half_to_float(load16(block + (offset)))

DECODE_ROW(f32, 1, 4, memcpy(values, block, 4))
DECODE_ROW(f16, 1, 2, values[0] = half_to_float(load16(block)))
DECODE_ROW(bf16, 1, 2, values[0] = bf16_to_float(load16(block)))
DECODE_ROW(q8_0, 32, 34, decode_q8_0(block, SCALE_AT(0), values))
DECODE_ROW(q4_0, 32, 18, decode_q4_0(block, SCALE_AT(0), values))
DECODE_ROW(q4_1, 32, 20, decode_q4_1(block, SCALE_AT(0), SCALE_AT(2), values))
DECODE_ROW(q5_0, 32, 22, decode_q5_0(block, SCALE_AT(0), values))
DECODE_ROW(q5_1, 32, 24, decode_q5_1(block, SCALE_AT(0), SCALE_AT(2), values))
DECODE_ROW(iq4_nl, 32, 18, decode_levels(block + 2, SCALE_AT(0), values))
DECODE_ROW(q2_k, 256, 84, decode_q2_k(block, SCALE_AT(80), SCALE_AT(82), values))
DECODE_ROW(q3_k, 256, 110, decode_q3_k(block, SCALE_AT(108), values))
DECODE_ROW(q4_k, 256, 144, decode_q4_k(block, SCALE_AT(0), SCALE_AT(2), values))
DECODE_ROW(q5_k, 256, 176, decode_q5_k(block, SCALE_AT(0), SCALE_AT(2), values))
DECODE_ROW(q6_k, 256, 210, decode_q6_k(block, SCALE_AT(208), values))
DECODE_ROW(iq4_xs, 256, 136, decode_iq4_xs(block, SCALE_AT(0), values))

struct tiled_type {
    int number;
    int values; /* in a block */
    int bytes;
    decode_row *floats;
    panel_product *int8;
    struct form form;
};

static const struct tiled_type TILED_TYPES[] = {
    {TYPE_F32, 1, 4, decode_row_f32, 0, {0}},
    {TYPE_F16, 1, 2, decode_row_f16, 0, {0}},
    {TYPE_BF16, 1, 2, decode_row_bf16, 0, {0}},
    {TYPE_Q8_0, 32, 34, decode_row_q8_0, multiply_q8_0, FORM_Q8_0},
    {TYPE_Q4_0, 32, 18, decode_row_q4_0, multiply_q4_0, FORM_Q4_0},
    {TYPE_Q4_1, 32, 20, decode_row_q4_1, multiply_q4_1, FORM_Q4_1},
    {TYPE_Q5_0, 32, 22, decode_row_q5_0, multiply_q5_0, FORM_Q5_0},
    {TYPE_Q5_1, 32, 24, decode_row_q5_1, multiply_q5_1, FORM_Q5_1},
    {TYPE_IQ4_NL, 32, 18, decode_row_iq4_nl, multiply_iq4_nl, FORM_IQ4_NL},
    {TYPE_Q2_K, 256, 84, decode_row_q2_k, multiply_q2_k, FORM_Q2_K},
    {TYPE_Q3_K, 256, 110, decode_row_q3_k, multiply_q3_k, FORM_Q3_K},
    {TYPE_Q4_K, 256, 144, decode_row_q4_k, multiply_q4_k, FORM_Q4_K},
    {TYPE_Q5_K, 256, 176, decode_row_q5_k, multiply_q5_k, FORM_Q5_K},
    {TYPE_Q6_K, 256, 210, decode_row_q6_k, multiply_q6_k, FORM_Q6_K},
    {TYPE_IQ4_XS, 256, 136, decode_row_iq4_xs, multiply_iq4_xs, FORM_IQ4_XS},
};

static const struct tiled_type *find_tiled_type(int number) {
    for (size_t i = 0; i < sizeof TILED_TYPES / sizeof *TILED_TYPES; i++) {
        if (TILED_TYPES[i].number == number) {
            return &TILED_TYPES[i];
        }
    }
    return 0;
}

#endif
