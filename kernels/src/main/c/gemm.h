/*
 * Products of rows with many tokens: matrix times matrix, a tile after another, see tiles.h. Sums are added up on the stack over the
 * columns and then go to y; with what is prepared for the tokens and the unpacked panels this takes about 110 KiB.
 */
#include "tiles.h"

/* What is added to products of all rows alike: for each token and group where sums begin, and the sums for the minimums. */
struct prepared {
    union {
        int32_t offsets[MOST_TOKENS * SLAB_GROUPS];
        float scaled_sums[MOST_TOKENS * SLAB_GROUPS]; /* for floors: of each group, times its scale */
    };
    int8_t split[MOST_TOKENS * SLAB_SPLIT];
};

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

/* Where products go: of the first row and token. */
struct output {
    float *y;
    int64_t stride;
    int add;
};

/* What sums begin with. */
static void load_sums(tile_sums *sums, int rows, int tokens, struct output from) {
    memset(sums, 0, tokens * sizeof *sums);
    for (int t = 0; from.add && t < tokens; t++) {
        memcpy(sums[t], from.y + t * from.stride, rows * sizeof *sums[t]);
    }
}

static void store_sums(const tile_sums *sums, int rows, int tokens, struct output to) {
    for (int t = 0; t < tokens; t++) {
        memcpy(to.y + t * to.stride, sums[t], rows * sizeof *sums[t]);
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
    from.quants += i;
    from.scales += i / form->block;
    from.offsets += i / form->group;
    from.scaled_sums += i / form->group;
    from.split += i / K_BLOCK * 2 * form->minimums;
    return from;
}

/* All rows with at most MOST_TOKENS tokens. */
static void multiply_rows(
    const struct tiled_type *type, struct rows rows, const struct inputs *x, int tokens, struct output out) {
    tile_sums sums[MOST_TOKENS];
    for (int row = 0; row < rows.count; row += TILE_ROWS) {
        int count = smaller_int(TILE_ROWS, rows.count - row);
        const uint8_t *tile_rows[TILE_ROWS];
        for (int r = 0; r < TILE_ROWS; r++) {
            tile_rows[r] = rows.first + rows.bytes * (row + smaller_int(r, count - 1)); /* where no more are left, the last repeats */
        }
        const struct output of_tile = {out.y + row, out.stride, out.add};
        load_sums(sums, count, tokens, of_tile);
        for (int i = 0; i < rows.columns; i += PANEL_COLUMNS) {
            int columns = smaller_int(PANEL_COLUMNS, rows.columns - i);
            int bytes = columns / type->values * type->bytes;
            int64_t at = (int64_t)(i / type->values) * type->bytes;
            struct ahead ahead = {.at = at + bytes, .bytes = bytes, .stride = out.stride};
            if (i + columns == rows.columns) {
                ahead.at = row + 2 * TILE_ROWS <= rows.count ? TILE_ROWS * rows.bytes : at;
                ahead.y = of_tile.y;
            }
            struct inputs part = from_column(x, i, &type->form);
            type->int8(tile_rows, at, &ahead, columns, &part, tokens, sums);
        }
        store_sums(sums, count, tokens, of_tile);
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
        multiply_rows(type, part, &inputs, tokens, (struct output){out.y, out.stride, out.add || from > 0});
    }
}

/* Products of floats with at most MOST_TOKENS tokens. */
static void multiply_floats(
    const struct tiled_type *type, struct rows rows, const float *x, int tokens, struct output out) {
    lane_sums sums[MOST_TOKENS];
    for (int row = 0; row < rows.count; row += ROWS) {
        int count = smaller_int(ROWS, rows.count - row);
        const uint8_t *four[ROWS];
        for (int r = 0; r < ROWS; r++) {
            four[r] = rows.first + rows.bytes * (row + smaller_int(r, count - 1));
        }
        memset(sums, 0, tokens * sizeof *sums);
        for (int i = 0; i < rows.columns; i += PANEL_COLUMNS) {
            int64_t at = (int64_t)(i / type->values) * type->bytes;
            add_floats(type->floats, four, at, smaller_int(PANEL_COLUMNS, rows.columns - i), x + i, rows.columns, tokens, sums);
        }
        for (int64_t t = 0; t < tokens; t++) {
            float *y = out.y + t * out.stride + row;
            store_first_rows(y, count, add_lanes(load_first_rows(y, count, out.add), sums[t]));
        }
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
            multiply_floats(type, rows, x.values + at, count, to);
        } else {
            struct inputs inputs = {
                .quants = x.quants + at,
                .stride = rows.columns,
                .scales = x.scales + at / block,
                .scales_stride = rows.columns / block};
            multiply_int8(type, rows, &inputs, x.sums + at / 16, count, to);
        }
    }
    return 1;
}
