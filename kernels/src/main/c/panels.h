/*
 * Panels: LANES neighbouring rows by up to 256 columns of weights, unpacked to bytes that lie as dot products take them.
 *
 * The work is done on vectors of bytes in which each 16 bytes belong to one row: of four such vectors, vector i holds rows i, 4 + i,
 * 8 + i …, so that transposing 4 × 4 words within 16 bytes brings four columns of each row side by side, a row for each lane. The file
 * that includes this defines:
 *
 *   vb, vi                     vectors of 4 * LANES bytes and of LANES 32-bit numbers
 *   load_rows(rows, at, i)     16 bytes of each of the rows i, 4 + i, 8 + i …, `at` bytes from their beginning
 *   store_transposed(out, v)   transposes four vectors and stores them
 *   set1_bytes(b), and_bytes, or_bytes, add_bytes, multiply_bytes
 *   bits(v, shift, mask)       each byte shifted to the right, to the left where shift is negative, and masked
 *   repeat16(p)                16 bytes over and over
 *   lookup(table, v)           table[v[i]] within each 16 bytes, indices from 0 to 15
 *   words(p), bits_of_words(v, shift, mask)
 *                              LANES 32-bit numbers; each shifted to the right and masked
 *   signed_byte(v, n)          byte n of each number with its sign
 *   to_float(v)                each number of less than 2^24 as a float
 *   BYTE_OFFSET                what is added to signed bytes that use all 8 bits: 128 where dot products take unsigned bytes, else 0
 */
#include "blocks.h"

#define PANEL_COLUMNS 256
#define CHUNKS (PANEL_COLUMNS / 16)

/*
 * One vector of rows. In types of blocks of 32 a weight is scale * (byte - offset), the offset being the same for all of a type, to which
 * may be added a float, which is in the second half of scales. In types of blocks of 256 scales are whole numbers, none where they are in
 * the bytes, and a weight is d * scale * (byte - offset), less dmin * minimum where there are minimums.
 */
struct panel {
    uint8_t bytes[CHUNKS][4][4 * LANES]; /* (columns / 16, 4, row, 4) */
    float scales[CHUNKS][LANES];         /* (groups, row) */
    uint8_t minimums[4][4 * LANES];      /* (groups / 4, row, 4) */
    float d[LANES];
    float dmin[LANES];
} __attribute__((aligned(64)));

/* What is the same in all panels of a type. Types of blocks of 256 have one scale per token and block for the activations. */
struct form {
    int block;    /* of the activations, 32 or 256 */
    int group;    /* columns that share a scale: 16, 32 or 256 */
    int offset;   /* of the bytes */
    int wide;     /* whether bytes use all 8 bits, signed or not as the dot products are */
    int most;     /* else they are from 0 to this */
    int floors;   /* whether groups of blocks of 32 have a float to be added */
    int minimums; /* how many minimums there are in 256 columns: 0, 8 or 16 */
};

INLINE vf half_of_rows(const uint8_t *const rows[LANES], int64_t at) {
    uint16_t halves[LANES];
    for (int r = 0; r < LANES; r++) {
        halves[r] = load16(rows[r] + at);
    }
    return load_half(halves);
}

/* Whole blocks of LANES rows, `at` bytes from their beginning: PANEL_COLUMNS columns or, in types with blocks of 32, fewer. */
typedef void unpack_rows(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel);

/* Four vectors to columns 16 * chunk and following. */
INLINE void put(struct panel *panel, int chunk, const vb v[4]) {
    store_transposed(panel->bytes[chunk][0], v);
}

#define FORM_Q8_0 ((struct form){.block = 32, .group = 32, .offset = BYTE_OFFSET, .wide = 1})

INLINE void unpack_q8_0(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 34) {
        store(panel->scales[b], half_of_rows(rows, at));
        for (int c = 0; c < 2; c++) {
            vb v[4];
            for (int i = 0; i < 4; i++) {
                v[i] = add_bytes(load_rows(rows, at + 2 + 16 * c, i), set1_bytes(BYTE_OFFSET));
            }
            put(panel, 2 * b + c, v);
        }
    }
}

/* The low and the high nibbles of 16 bytes of each row go to two chunks. */
INLINE void put_nibbles(struct panel *panel, const uint8_t *const rows[LANES], int64_t at, int low, int high) {
    vb lows[4];
    vb highs[4];
    for (int i = 0; i < 4; i++) {
        vb v = load_rows(rows, at, i);
        lows[i] = bits(v, 0, 15);
        highs[i] = bits(v, 4, 15);
    }
    put(panel, low, lows);
    put(panel, high, highs);
}

#define FORM_Q4_0 ((struct form){.block = 32, .group = 32, .offset = 8, .most = 15})

INLINE void unpack_q4_0(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 18) {
        store(panel->scales[b], half_of_rows(rows, at));
        put_nibbles(panel, rows, at + 2, 2 * b, 2 * b + 1);
    }
}

#define FLOORS (CHUNKS / 2)

#define FORM_Q4_1 ((struct form){.block = 32, .group = 32, .floors = 1, .most = 15})

INLINE void unpack_q4_1(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 20) {
        store(panel->scales[b], half_of_rows(rows, at));
        store(panel->scales[FLOORS + b], half_of_rows(rows, at + 2));
        put_nibbles(panel, rows, at + 4, 2 * b, 2 * b + 1);
    }
}

/* Bit i of a byte as bit 4 of byte i. */
INLINE uint64_t spread_fifth_bits(uint8_t bits) {
    uint64_t chosen = BYTES((uint64_t)bits) & 0x8040201008040201u;
    return ((chosen + BYTES(0x7f)) >> 3) & BYTES(0x10);
}

/* Nibbles of 32 values and their fifth bits, which lie 4 bytes before. */
INLINE void put_fives(struct panel *panel, const uint8_t *const rows[LANES], int64_t at, int chunk) {
    uint64_t fifths[2][LANES][2];
    for (int r = 0; r < LANES; r++) {
        for (int k = 0; k < 4; k++) {
            fifths[k / 2][r][k % 2] = spread_fifth_bits(rows[r][at - 4 + k]);
        }
    }
    for (int half = 0; half < 2; half++) {
        const uint8_t *fifth_rows[LANES];
        for (int r = 0; r < LANES; r++) {
            fifth_rows[r] = (const uint8_t *)fifths[half][r];
        }
        vb v[4];
        for (int i = 0; i < 4; i++) {
            v[i] = or_bytes(bits(load_rows(rows, at, i), 4 * half, 15), load_rows(fifth_rows, 0, i));
        }
        put(panel, chunk + half, v);
    }
}

#define FORM_Q5_0 ((struct form){.block = 32, .group = 32, .offset = 16, .most = 31})

INLINE void unpack_q5_0(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 22) {
        store(panel->scales[b], half_of_rows(rows, at));
        put_fives(panel, rows, at + 6, 2 * b);
    }
}

#define FORM_Q5_1 ((struct form){.block = 32, .group = 32, .floors = 1, .most = 31})

INLINE void unpack_q5_1(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 24) {
        store(panel->scales[b], half_of_rows(rows, at));
        store(panel->scales[FLOORS + b], half_of_rows(rows, at + 2));
        put_fives(panel, rows, at + 8, 2 * b);
    }
}

/* What 32 codes of each row stand for. */
INLINE void put_levels(struct panel *panel, const uint8_t *const rows[LANES], int64_t at, int chunk) {
    vb levels = add_bytes(repeat16((const uint8_t *)LEVELS), set1_bytes(BYTE_OFFSET));
    vb low[4];
    vb high[4];
    for (int i = 0; i < 4; i++) {
        vb codes = load_rows(rows, at, i);
        low[i] = lookup(levels, bits(codes, 0, 15));
        high[i] = lookup(levels, bits(codes, 4, 15));
    }
    put(panel, chunk, low);
    put(panel, chunk + 1, high);
}

#define FORM_IQ4_NL ((struct form){.block = 32, .group = 32, .offset = BYTE_OFFSET, .wide = 1})

INLINE void unpack_iq4_nl(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    for (int b = 0; b < blocks; b++, at += 18) {
        store(panel->scales[b], half_of_rows(rows, at));
        put_levels(panel, rows, at + 2, 2 * b);
    }
}

#define FORM_IQ4_XS ((struct form){.block = 256, .group = 32, .offset = BYTE_OFFSET, .wide = 1})

INLINE void unpack_iq4_xs(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    store(panel->d, half_of_rows(rows, at));
    float scales[8][LANES];
    for (int r = 0; r < LANES; r++) {
        uint64_t unpacked = unpack_scales_iq4_xs(rows[r] + at + 2);
        for (int g = 0; g < 8; g++) {
            scales[g][r] = (float)((int)(unpacked >> 8 * g & 63) - 32);
        }
    }
    for (int g = 0; g < 8; g++) {
        store(panel->scales[g], load(scales[g]));
        put_levels(panel, rows, at + 8 + 16 * g, 2 * g);
    }
}

#define FORM_Q2_K                                                                                                            \
    ((struct form){.block = 256, .group = 256, .minimums = 16, .most = 45})

/* Scales are so small that their products with weights are bytes. */
INLINE void unpack_q2_k(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    vb scales[4];
    vb minimums[4];
    for (int i = 0; i < 4; i++) {
        vb packed = load_rows(rows, at, i);
        scales[i] = bits(packed, 0, 15);
        minimums[i] = bits(packed, 4, 15);
    }
    store_transposed(panel->minimums[0], minimums);
    for (int n = 0; n < 2; n++) {
        for (int c = 0; c < 2; c++) {
            vb qs[4];
            for (int i = 0; i < 4; i++) {
                qs[i] = load_rows(rows, at + 16 + 32 * n + 16 * c, i);
            }
            for (int k = 0; k < 4; k++) {
                int chunk = 8 * n + 2 * k + c;
                vb v[4];
                for (int i = 0; i < 4; i++) {
                    v[i] = multiply_bytes(bits(qs[i], 2 * k, 3), lookup(scales[i], set1_bytes(chunk)));
                }
                put(panel, chunk, v);
            }
        }
    }
    store(panel->d, half_of_rows(rows, at + 80));
    store(panel->dmin, half_of_rows(rows, at + 82));
}

#define Q3_K_CENTRE 2
#define FORM_Q3_K                                                                                                            \
    ((struct form){.block = 256, .group = 256, .offset = BYTE_OFFSET - Q3_K_CENTRE, .wide = 1})

/* As Q2_K: (q - 4) * (scale - 32) is from -124 to 128, less 2 a signed byte. */
INLINE void unpack_q3_k(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    uint8_t unpacked[LANES][16];
    const uint8_t *scale_rows[LANES];
    for (int r = 0; r < LANES; r++) {
        uint64_t scales[2];
        unpack_scales_q3(rows[r] + at + 96, scales);
        memcpy(unpacked[r], scales, sizeof scales);
        scale_rows[r] = unpacked[r];
    }
    for (int c = 0; c < 2; c++) {
        for (int n = 0; n < 2; n++) {
            for (int k = 0; k < 4; k++) {
                int chunk = 8 * n + 2 * k + c;
                vb v[4];
                for (int i = 0; i < 4; i++) {
                    vb scale = add_bytes(lookup(load_rows(scale_rows, 0, i), set1_bytes(chunk)), set1_bytes(-32));
                    vb low = bits(load_rows(rows, at + 32 + 32 * n + 16 * c, i), 2 * k, 3);
                    vb high = bits(load_rows(rows, at + 16 * c, i), 4 * n + k - 2, 4);
                    vb q = add_bytes(or_bytes(low, high), set1_bytes(-4));
                    v[i] = add_bytes(multiply_bytes(q, scale), set1_bytes(BYTE_OFFSET - Q3_K_CENTRE));
                }
                put(panel, chunk, v);
            }
        }
    }
    store(panel->d, half_of_rows(rows, at + 108));
}

/* The scales and mins of Q4_K and Q5_K, see unpack_scales_and_mins; `at` is where they lie, after d and dmin. */
INLINE void put_scales_and_mins(struct panel *panel, const uint8_t *const rows[LANES], int64_t at) {
    vb packed[4];
    for (int i = 0; i < 4; i++) {
        packed[i] = load_rows(rows, at, i);
    }
    uint8_t transposed[4][4 * LANES] __attribute__((aligned(64)));
    store_transposed(transposed[0], packed);
    vb first = load_aligned(transposed[0]);
    vb second = load_aligned(transposed[1]);
    vb third = load_aligned(transposed[2]);
    vi scales[2] = {words(bits(first, 0, 0x3f)), words(or_bytes(bits(third, 0, 15), bits(first, 2, 0x30)))};
    store_aligned(panel->minimums[0], bits(second, 0, 0x3f));
    store_aligned(panel->minimums[1], or_bytes(bits(third, 4, 15), bits(second, 2, 0x30)));
    for (int g = 0; g < 8; g++) {
        store(panel->scales[g], to_float(bits_of_words(scales[g / 4], 8 * (g % 4), 0xff)));
    }
    store(panel->d, half_of_rows(rows, at - 4));
    store(panel->dmin, half_of_rows(rows, at - 2));
}

#define FORM_Q4_K ((struct form){.block = 256, .group = 32, .minimums = 8, .most = 15})

INLINE void unpack_q4_k(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    put_scales_and_mins(panel, rows, at + 4);
    for (int k = 0; k < 8; k++) {
        int chunk = k / 2 * 4 + k % 2;
        put_nibbles(panel, rows, at + 16 + 16 * k, chunk, chunk + 2);
    }
}

#define FORM_Q5_K ((struct form){.block = 256, .group = 32, .minimums = 8, .most = 31})

INLINE void unpack_q5_k(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    put_scales_and_mins(panel, rows, at + 4);
    for (int k = 0; k < 8; k++) {
        int n = k / 2;
        vb low[4];
        vb high[4];
        for (int i = 0; i < 4; i++) {
            vb qs = load_rows(rows, at + 48 + 16 * k, i);
            vb qh = load_rows(rows, at + 16 + 16 * (k % 2), i);
            low[i] = or_bytes(bits(qs, 0, 15), bits(qh, 2 * n - 4, 16));
            high[i] = or_bytes(bits(qs, 4, 15), bits(qh, 2 * n - 3, 16));
        }
        put(panel, 4 * n + k % 2, low);
        put(panel, 4 * n + 2 + k % 2, high);
    }
}

#define FORM_Q6_K ((struct form){.block = 256, .group = 16, .offset = 32, .most = 63})

INLINE void unpack_q6_k(const uint8_t *const rows[LANES], int64_t at, int blocks, struct panel *panel) {
    (void)blocks;
    vb packed[4];
    for (int i = 0; i < 4; i++) {
        packed[i] = load_rows(rows, at + 192, i);
    }
    uint8_t scales[4][4 * LANES] __attribute__((aligned(64)));
    store_transposed(scales[0], packed);
    for (int g = 0; g < 16; g++) {
        store(panel->scales[g], to_float(signed_byte(words(load_aligned(scales[g / 4])), g % 4)));
    }
    store(panel->d, half_of_rows(rows, at + 208));
    for (int n = 0; n < 2; n++) {
        for (int k = 0; k < 4; k++) {
            vb low[4];
            vb high[4];
            for (int i = 0; i < 4; i++) {
                vb ql = load_rows(rows, at + 64 * n + 16 * k, i);
                vb qh = load_rows(rows, at + 128 + 32 * n + 16 * (k % 2), i);
                low[i] = or_bytes(bits(ql, 0, 15), bits(qh, 2 * (k / 2) - 4, 0x30));
                high[i] = or_bytes(bits(ql, 4, 15), bits(qh, 2 * (k / 2), 0x30));
            }
            put(panel, 8 * n + k, low);
            put(panel, 8 * n + 4 + k, high);
        }
    }
}
