/*
 * Products of rows with many tokens: matrix times matrix, in tiles of which the sums stay in registers.
 *
 * PANEL_COLUMNS columns of some rows are unpacked once, see panels.h, and stay in the first cache while all tokens go past,
 * TILE_TOKENS at a time. Sums are added up on the stack over the columns and then go to y.
 *
 * A token's sums are made in the same order wherever it is among the tokens, a row's wherever it is among the rows. What the file that
 * includes this defines, beside what panels.h asks for:
 *
 *   TILE_VECTORS, TILE_TOKENS  size of a tile in vectors of rows and in tokens, at most 6
 *   inputs16, load_inputs(p)   16 activations
 *   dot(sums, bytes, x, k)     adds the products of four columns of each row with activations 4 k to 4 k + 3, k being a constant
 *   dot_wide                   the same for bytes that use all 8 bits
 *   load_int(p), set1_int, shift_left(v, n)
 *   load_aligned
 */
#include "panels.h"

#define TILE_ROWS (TILE_VECTORS * LANES)

/* Tokens that go past an unpacked panel: their sums are on the stack. */
#define MOST_TOKENS 128

/* Columns and groups that are prepared at a time. */
#define SLAB_COLUMNS 2560
#define SLAB_GROUPS 80
#define SLAB_SPLIT (SLAB_COLUMNS / K_BLOCK * 32)

/* What is added to products of all rows alike: for each token and group where sums begin, and the sums for the minimums. */
struct prepared {
    union {
        int32_t offsets[MOST_TOKENS * SLAB_GROUPS];
        float scaled_sums[MOST_TOKENS * SLAB_GROUPS]; /* for floors: of each group, times its scale */
    };
    int8_t split[MOST_TOKENS * SLAB_SPLIT];
};

/* Some columns of some tokens: floats, or their int8 form. */
struct inputs {
    const float *values;
    const int8_t *quants;
    int64_t stride; /* values or quants from token to token */
    const float *scales;
    int64_t scales_stride;
    const int32_t *offsets; /* SLAB_GROUPS from token to token */
    const float *scaled_sums;
    const int8_t *split;    /* SLAB_SPLIT from token to token */
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

/* out[g] = -offset * the sum of group g, made of n sums; n is a constant. */
INLINE void prepare_groups(const int32_t *sums, int groups, int offset, const int n, int32_t *out) {
    for (int g = 0; g < groups; g++) {
        int sum = 0;
        for (int i = 0; i < n; i++) {
            sum += sums[g * n + i];
        }
        out[g] = -offset * sum;
    }
}

INLINE void prepare_offsets(const int32_t *sums, int groups, int32_t *out, const struct form *form) {
    switch (form->group) {
    case 16:
        prepare_groups(sums, groups, form->offset, 1, out);
        break;
    case 32:
        prepare_groups(sums, groups, form->offset, 2, out);
        break;
    default:
        prepare_groups(sums, groups, form->offset, 16, out);
    }
}

/* The sums of the groups of a block that have a minimum each, as 128 * high + low: first the high bytes, then the low ones. */
INLINE void prepare_split(const int32_t *sums, int blocks, int8_t *out, const struct form form) {
    const int count = 16 / form.minimums;
    for (int b = 0; b < blocks; b++) {
        for (int g = 0; g < form.minimums; g++) {
            const int32_t *from = sums + 16 * b + count * g;
            int sum = count == 1 ? from[0] : from[0] + from[1];
            out[2 * form.minimums * b + g] = (int8_t)(sum >> 7);
            out[2 * form.minimums * b + form.minimums + g] = (int8_t)(sum & 127);
        }
    }
}

INLINE vi add_dots(vi sums, vb bytes, inputs16 x, const int k, const struct form form) {
    return form.wide ? dot_wide(sums, bytes, x, k) : dot(sums, bytes, x, k);
}

/* Adds the products of four columns of chunk c of group g; k is a constant. */
#define ADD_QUARTER(k)                                                                                                       \
    for (int v = 0; v < TILE_VECTORS; v++) {                                                                                 \
        vb bytes = load_aligned(panels[v].bytes[chunks * g + c][k]);                                                         \
        for (int t = 0; t < count; t++) {                                                                                    \
            products[v][t] = add_dots(products[v][t], bytes, x[t], k, form);                                             \
        }                                                                                                                    \
    }

/* scale * the minimums of each row times the sums of their groups of one token. */
INLINE vf minimums_of(const struct panel *panel, const int8_t *split, const struct form form) {
    vi sums = set1_int(0);
    for (int k = 0; k < form.minimums; k += 4) {
        sums = dot_bytes(sums, load_aligned(panel->minimums[k / 4]), split + k);
    }
    sums = shift_left(sums, 7);
    for (int k = 0; k < form.minimums; k += 4) {
        sums = dot_bytes(sums, load_aligned(panel->minimums[k / 4]), split + form.minimums + k);
    }
    return mul(to_float(sums), load(panel->minimum_scales));
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
            parts[v][t] = set1(0);
        }
    }
    for (int g = 0; g < columns / form.group; g++) {
        vi products[TILE_VECTORS][TILE_TOKENS];
        for (int t = 0; t < count; t++) {
            vi first = set1_int(form.offset ? inputs->offsets[t * SLAB_GROUPS + g] : 0);
            for (int v = 0; v < TILE_VECTORS; v++) {
                products[v][t] = first;
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
                parts[v][t] = multiply_add(to_float(products[v][t]), factors, parts[v][t]);
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
            if (form.minimums) {
                parts[v][t] = sub(parts[v][t], minimums_of(&panels[v], inputs->split + t * SLAB_SPLIT, form));
            }
            if (form.block == 32) {
                store(sum, add(load(sum), parts[v][t]));
            } else {
                store(sum, multiply_add(parts[v][t], set1(inputs->scales[t * inputs->scales_stride]), load(sum)));
            }
        }
    }
}

/* Some bytes of each row. */
struct part {
    int64_t at;
    int bytes;
};

/* Asks for part i of n of the bytes of the rows. */
INLINE void prefetch_share(const uint8_t *const rows[TILE_ROWS], struct part next, int i, int n) {
    for (int r = i * TILE_ROWS / n; r < (i + 1) * TILE_ROWS / n; r++) {
        for (int b = 0; b < next.bytes + 63; b += 64) {
            PREFETCH_FAR(rows[r] + next.at + smaller_int(b, next.bytes - 1));
        }
    }
}

/* Adds the products of some columns of TILE_ROWS rows, at most PANEL_COLUMNS, with all tokens; asks for the bytes that come next. */
typedef void panel_product(
    const uint8_t *const rows[TILE_ROWS], int64_t at, struct part next, int columns, const struct inputs *x, int tokens,
    tile_sums *sums);

INLINE void prefetch_inputs(const struct inputs *x, int first, int column, int tokens, int columns) {
    for (int t = first; t < smaller_int(first + TILE_TOKENS, tokens); t++) {
        for (int b = 0; b < columns; b += 64) {
            PREFETCH_NEAR(x->quants + t * x->stride + column + b);
        }
    }
}

/* All tokens, TILE_TOKENS at a time; add(n) treats n tokens from t on. */
#define FOR_TILES(tokens, add)                                                                                               \
    const int tiles = (tokens + TILE_TOKENS - 1) / TILE_TOKENS;                                                              \
    for (int i = 0; i < tiles; i++) {                                                                                        \
        const int t = i * TILE_TOKENS;                                                                                       \
        prefetch_share(rows, next, i, tiles);                                                                                \
        prefetch_inputs(x, i + 1 < tiles ? t + TILE_TOKENS : 0, i + 1 < tiles ? 0 : columns, tokens, columns);              \
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
    const uint8_t *const rows[TILE_ROWS], int64_t at, struct part next, int columns, const struct inputs *x, int tokens,
    tile_sums *sums, const struct form form, unpack_rows *const unpack) {
    struct panel panels[TILE_VECTORS];
    for (int v = 0; v < TILE_VECTORS; v++) {
        unpack(rows + v * LANES, at, columns / form.block, &panels[v]);
    }
    FOR_TILES(tokens, ADD_TILE)
}

#define PANEL_PRODUCT(name, form, unpack)                                                                                    \
    static void name(                                                                                                        \
        const uint8_t *const rows[TILE_ROWS], int64_t at, struct part next, int columns, const struct inputs *x, int tokens, \
        tile_sums *sums) {                                                                                                   \
        multiply_panels(rows, at, next, columns, x, tokens, sums, form, unpack);                                             \
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

/* Floats of TILE_ROWS rows, columns first; and of a vector of rows, rows first. */
typedef float float_panel[TILE_VECTORS][PANEL_COLUMNS][LANES] __attribute__((aligned(64)));
typedef float float_rows[LANES][PANEL_COLUMNS] __attribute__((aligned(64)));

/* Columns that are whole blocks, from `row` on. */
typedef void decode_row(const uint8_t *row, int columns, float *out);

/* As add_tile, of floats. */
INLINE void add_float_tile(
    float_panel panels, int columns, const struct inputs *x, int first_token, tile_sums *all_sums, const int count) {
    const float *values = x->values + first_token * x->stride;
    tile_sums *sums = all_sums + first_token;
    vf parts[TILE_VECTORS][TILE_TOKENS];
    for (int v = 0; v < TILE_VECTORS; v++) {
        for (int t = 0; t < count; t++) {
            parts[v][t] = set1(0);
        }
    }
    for (int c = 0; c < columns; c++) {
        for (int v = 0; v < TILE_VECTORS; v++) {
            vf w = load(panels[v][c]);
            for (int t = 0; t < count; t++) {
                parts[v][t] = multiply_add(w, set1(values[t * x->stride + c]), parts[v][t]);
            }
        }
    }
    for (int v = 0; v < TILE_VECTORS; v++) {
        for (int t = 0; t < count; t++) {
            float *sum = sums[t] + v * LANES;
            store(sum, add(load(sum), parts[v][t]));
        }
    }
}

#define ADD_FLOAT_TILE(n) add_float_tile(panels, columns, x, t, sums, n)

/* Through floats, whatever the type is. */
INLINE void multiply_floats(
    const uint8_t *const rows[TILE_ROWS], int64_t at, struct part next, int columns, const struct inputs *x, int tokens,
    tile_sums *sums, decode_row *decode) {
    float_panel panels;
    for (int v = 0; v < TILE_VECTORS; v++) {
        float_rows decoded;
        const uint8_t *bytes[LANES];
        for (int r = 0; r < LANES; r++) {
            decode(rows[v * LANES + r] + at, columns, decoded[r]);
            bytes[r] = (const uint8_t *)decoded[r];
        }
        for (int c = 0; c < columns; c += 4) {
            vb four[4];
            for (int i = 0; i < 4; i++) {
                four[i] = load_rows(bytes, c * (int64_t)sizeof(float), i);
            }
            store_transposed((uint8_t *)panels[v][c], four);
        }
    }
    FOR_TILES(tokens, ADD_FLOAT_TILE)
}

/* `decode` is a statement that makes `values` of `block`. */
#define FLOAT_PRODUCT(name, size, bytes, decode)                                                                             \
    static void decode_row_##name(const uint8_t *block, int columns, float *values) {                                        \
        for (const float *end = values + columns; values < end; values += size, block += bytes) {                            \
            decode;                                                                                                          \
        }                                                                                                                    \
    }                                                                                                                        \
    static void multiply_floats_##name(                                                                                      \
        const uint8_t *const rows[TILE_ROWS], int64_t at, struct part next, int columns, const struct inputs *x, int tokens, \
        tile_sums *sums) {                                                                                                   \
        multiply_floats(rows, at, next, columns, x, tokens, sums, decode_row_##name);                                        \
    }

#define SCALE_AT(offset) half_to_float(load16(block + (offset)))

FLOAT_PRODUCT(f32, 1, 4, memcpy(values, block, 4))
FLOAT_PRODUCT(f16, 1, 2, values[0] = half_to_float(load16(block)))
FLOAT_PRODUCT(bf16, 1, 2, values[0] = bf16_to_float(load16(block)))
FLOAT_PRODUCT(q8_0, 32, 34, decode_q8_0(block, SCALE_AT(0), values))
FLOAT_PRODUCT(q4_0, 32, 18, decode_q4_0(block, SCALE_AT(0), values))
FLOAT_PRODUCT(q4_1, 32, 20, decode_q4_1(block, SCALE_AT(0), SCALE_AT(2), values))
FLOAT_PRODUCT(q5_0, 32, 22, decode_q5_0(block, SCALE_AT(0), values))
FLOAT_PRODUCT(q5_1, 32, 24, decode_q5_1(block, SCALE_AT(0), SCALE_AT(2), values))
FLOAT_PRODUCT(iq4_nl, 32, 18, decode_levels(block + 2, SCALE_AT(0), values))
FLOAT_PRODUCT(q2_k, 256, 84, decode_q2_k(block, SCALE_AT(80), SCALE_AT(82), values))
FLOAT_PRODUCT(q3_k, 256, 110, decode_q3_k(block, SCALE_AT(108), values))
FLOAT_PRODUCT(q4_k, 256, 144, decode_q4_k(block, SCALE_AT(0), SCALE_AT(2), values))
FLOAT_PRODUCT(q5_k, 256, 176, decode_q5_k(block, SCALE_AT(0), SCALE_AT(2), values))
FLOAT_PRODUCT(q6_k, 256, 210, decode_q6_k(block, SCALE_AT(208), values))
FLOAT_PRODUCT(iq4_xs, 256, 136, decode_iq4_xs(block, SCALE_AT(0), values))

struct tiled_type {
    int number;
    int values; /* in a block */
    int bytes;
    panel_product *floats;
    panel_product *int8;
    struct form form;
};

static const struct tiled_type TILED_TYPES[] = {
    {TYPE_F32, 1, 4, multiply_floats_f32, 0, {0}},
    {TYPE_F16, 1, 2, multiply_floats_f16, 0, {0}},
    {TYPE_BF16, 1, 2, multiply_floats_bf16, 0, {0}},
    {TYPE_Q8_0, 32, 34, multiply_floats_q8_0, multiply_q8_0, FORM_Q8_0},
    {TYPE_Q4_0, 32, 18, multiply_floats_q4_0, multiply_q4_0, FORM_Q4_0},
    {TYPE_Q4_1, 32, 20, multiply_floats_q4_1, multiply_q4_1, FORM_Q4_1},
    {TYPE_Q5_0, 32, 22, multiply_floats_q5_0, multiply_q5_0, FORM_Q5_0},
    {TYPE_Q5_1, 32, 24, multiply_floats_q5_1, multiply_q5_1, FORM_Q5_1},
    {TYPE_IQ4_NL, 32, 18, multiply_floats_iq4_nl, multiply_iq4_nl, FORM_IQ4_NL},
    {TYPE_Q2_K, 256, 84, multiply_floats_q2_k, multiply_q2_k, FORM_Q2_K},
    {TYPE_Q3_K, 256, 110, multiply_floats_q3_k, multiply_q3_k, FORM_Q3_K},
    {TYPE_Q4_K, 256, 144, multiply_floats_q4_k, multiply_q4_k, FORM_Q4_K},
    {TYPE_Q5_K, 256, 176, multiply_floats_q5_k, multiply_q5_k, FORM_Q5_K},
    {TYPE_Q6_K, 256, 210, multiply_floats_q6_k, multiply_q6_k, FORM_Q6_K},
    {TYPE_IQ4_XS, 256, 136, multiply_floats_iq4_xs, multiply_iq4_xs, FORM_IQ4_XS},
};

static const struct tiled_type *find_tiled_type(int number) {
    for (size_t i = 0; i < sizeof TILED_TYPES / sizeof *TILED_TYPES; i++) {
        if (TILED_TYPES[i].number == number) {
            return &TILED_TYPES[i];
        }
    }
    return 0;
}

/* Where products go: of the first row and token. */
struct output {
    float *y;
    int64_t stride;
    int add;
};

static void store_sums(const tile_sums *sums, int rows, int tokens, struct output out) {
    for (int t = 0; t < tokens; t++) {
        float *y = out.y + t * out.stride;
        for (int r = 0; r < rows; r++) {
            y[r] = out.add ? y[r] + sums[t][r] : sums[t][r];
        }
    }
}

/* Rows of weights, or columns of them. */
struct rows {
    const uint8_t *first;
    int count;
    int columns;
    int64_t bytes; /* of a row */
};

/* Columns from i on. */
INLINE struct inputs from_column(const struct inputs *x, int i, const struct form *form) {
    struct inputs from = *x;
    from.values += i;
    if (form->block) {
        from.quants += i;
        from.scales += i / form->block;
        from.offsets += i / form->group;
        from.scaled_sums += i / form->group;
        from.split += i / K_BLOCK * 2 * form->minimums;
    }
    return from;
}

/* All rows with at most MOST_TOKENS tokens. */
static void multiply_rows(
    const struct tiled_type *type, panel_product *product, struct rows rows, const struct inputs *x, int tokens,
    struct output out) {
    tile_sums sums[MOST_TOKENS];
    for (int row = 0; row < rows.count; row += TILE_ROWS) {
        int count = smaller_int(TILE_ROWS, rows.count - row);
        const uint8_t *tile_rows[TILE_ROWS];
        for (int r = 0; r < TILE_ROWS; r++) {
            tile_rows[r] = rows.first + rows.bytes * (row + smaller_int(r, count - 1)); /* where no more are left, the last repeats */
        }
        memset(sums, 0, tokens * sizeof *sums);
        for (int i = 0; i < rows.columns; i += PANEL_COLUMNS) {
            int columns = smaller_int(PANEL_COLUMNS, rows.columns - i);
            int bytes = columns / type->values * type->bytes;
            int64_t at = (int64_t)(i / type->values) * type->bytes;
            struct part next = {at + bytes, bytes};
            if (i + columns == rows.columns) {
                next.at = row + 2 * TILE_ROWS <= rows.count ? TILE_ROWS * rows.bytes : at;
            }
            struct inputs part = from_column(x, i, &type->form);
            product(tile_rows, at, next, columns, &part, tokens, sums);
        }
        store_sums(sums, count, tokens, (struct output){out.y + row, out.stride, out.add});
    }
}

/* sums: of each 16 columns, `stride` from token to token. */
static void prepare(
    const struct form *form, const struct inputs *x, const int32_t *sums, int64_t stride, int columns, int tokens,
    struct prepared *out) {
    for (int t = 0; t < tokens; t++) {
        if (form->floors) {
            for (int g = 0; g < columns / 32; g++) {
                int sum = sums[t * stride + 2 * g] + sums[t * stride + 2 * g + 1];
                out->scaled_sums[t * SLAB_GROUPS + g] = x->scales[t * x->scales_stride + g] * (float)sum;
            }
        }
        if (form->offset) {
            prepare_offsets(sums + t * stride, columns / form->group, out->offsets + t * SLAB_GROUPS, form);
        }
        if (form->minimums) {
            prepare_split(sums + t * stride, columns / K_BLOCK, out->split + t * SLAB_SPLIT, *form);
        }
    }
}

/* Products of int8 activations, a slab after another. */
static void multiply_int8(
    const struct tiled_type *type, struct rows rows, const struct inputs *x, const int32_t *sums, int tokens, struct output out) {
    const struct form *form = &type->form;
    struct prepared prepared;
    int slab = smaller_int(SLAB_COLUMNS, SLAB_GROUPS * form->group);
    for (int from = 0; from < rows.columns; from += slab) {
        struct rows part = rows;
        part.first += (int64_t)(from / type->values) * type->bytes;
        part.columns = smaller_int(slab, rows.columns - from);
        struct inputs inputs = *x;
        inputs.quants += from;
        inputs.scales += from / form->block;
        inputs.offsets = prepared.offsets;
        inputs.scaled_sums = prepared.scaled_sums;
        inputs.split = prepared.split;
        prepare(form, &inputs, sums + from / 16, rows.columns / 16, part.columns, tokens, &prepared);
        multiply_rows(type, type->int8, part, &inputs, tokens, (struct output){out.y, out.stride, out.add || from > 0});
    }
}

/* As mamba4j_multiply; returns 0 if there is no such product. */
static int multiply_tiled(
    int number, struct rows rows, struct activations x, int block, int tokens, struct output out) {
    const struct tiled_type *type = find_tiled_type(number);
    if (!type || (block != 0 && type->form.block != block)) {
        return 0;
    }
    rows.bytes = (int64_t)(rows.columns / type->values) * type->bytes;
    for (int64_t t = 0; t < tokens; t += MOST_TOKENS) {
        int count = smaller_int(MOST_TOKENS, tokens - t);
        int64_t at = t * rows.columns;
        struct output to = {out.y + t * out.stride, out.stride, out.add};
        if (block == 0) {
            struct inputs inputs = {.values = x.values + at, .stride = rows.columns};
            multiply_rows(type, type->floats, rows, &inputs, count, to);
        } else {
            struct inputs inputs = {
                .values = x.values + at,
                .quants = x.quants + at,
                .stride = rows.columns,
                .scales = x.scales + at / block,
                .scales_stride = rows.columns / block};
            multiply_int8(type, rows, &inputs, x.sums + at / 16, count, to);
        }
    }
    return 1;
}
