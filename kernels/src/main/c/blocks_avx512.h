/* Products of int8 activations with four blocks of 32 values that have a scale each, of four rows; part of avx512.c. */
#define STEP 128

/*
 * A quarter of each vector belongs to each block. Where blocks are of four or five bits, what a step takes of a row is seen as 16-bit
 * words in two vectors: those from its beginning, and those up to its end.
 */
struct words {
    __m512i first;
    __m512i last;
};

INLINE struct words load_words(const uint8_t *blocks, int bytes) {
    return (struct words){load_bytes(blocks), load_bytes(blocks + 4 * bytes - 64)};
}

/* Where word i of a block is in the two vectors. */
INLINE short word_at(int block, int i, int bytes) {
    int word = block * bytes / 2 + i;
    return (short)(word < 32 ? word : word + 64 - 2 * bytes);
}

/* Words of all blocks: word i, and j further where bit j of the mask is set, for j from 0 to 7 in turn. */
INLINE __m512i words_of_4(struct words w, int bytes, int i, int mask) {
#define WORDS(block)                                                                                                         \
    word_at(block, i + (7 & mask), bytes), word_at(block, i + (6 & mask), bytes), word_at(block, i + (5 & mask), bytes),     \
        word_at(block, i + (4 & mask), bytes), word_at(block, i + (3 & mask), bytes), word_at(block, i + (2 & mask), bytes), \
        word_at(block, i + (1 & mask), bytes), word_at(block, i, bytes)
    const __m512i order = _mm512_set_epi16(WORDS(3), WORDS(2), WORDS(1), WORDS(0));
#undef WORDS
    return _mm512_permutex2var_epi16(w.first, order, w.last);
}

/* Words of `from` that the order takes, to words r, 4 + r, 8 + r and 12 + r where bits 0, 4, 8 and 12 of the mask are set. */
INLINE __m512i put_words(__m512i to, int mask, int r, __m256i order, __m512i from) {
    return _mm512_mask_permutexvar_epi16(to, (__mmask32)(mask << r), _mm512_castsi256_si512(order), from);
}

/* A different index for each block, whatever the row. */
INLINE __m256i words_by_block(short a, short b, short c, short d) {
    return _mm256_setr_epi16(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d);
}

/* Word i of all blocks of row r, by blocks and rows. */
INLINE __m512i put_word_of_4(__m512i to, int r, struct words w, int bytes, int i) {
    short last = word_at(3, i, bytes);
    __m256i order = words_by_block(word_at(0, i, bytes), word_at(1, i, bytes), word_at(2, i, bytes), last);
    int fits = 3 * bytes / 2 + i < 32;
    to = put_words(to, fits ? 0x1111 : 0x0111, r, order, w.first);
    return fits ? to : put_words(to, 0x1000, r, order, w.last);
}

/* Values 0 to 15 and 16 to 31 of four blocks. */
struct halves {
    __m512i low;
    __m512i high;
};

INLINE struct halves nibbles_of_4(struct words w, int bytes, int i) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i packed = words_of_4(w, bytes, i, 7);
    return (struct halves){_mm512_and_si512(packed, nibble), _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble)};
}

/* The same with fifth bits, which are two words from i on. */
INLINE struct halves five_bits_of_4(struct words w, int bytes, int i) {
    const __m512i bit = _mm512_set1_epi64((long long)0x8040201008040201);
    const __m512i sixteen = _mm512_set1_epi8(16);
    const __m512i low_bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
    const __m512i high_bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
    struct halves q = nibbles_of_4(w, bytes, i + 2);
    __m512i qh = words_of_4(w, bytes, i, 1);
    __mmask64 low = _mm512_test_epi8_mask(_mm512_shuffle_epi8(qh, low_bytes), bit);
    __mmask64 high = _mm512_test_epi8_mask(_mm512_shuffle_epi8(qh, high_bytes), bit);
    return (struct halves){
        _mm512_mask_add_epi8(q.low, low, q.low, sixteen), _mm512_mask_add_epi8(q.high, high, q.high, sixteen)};
}

/* The levels of codes, 128 added to make them unsigned. */
INLINE struct halves levels_of_4(struct words w, int bytes, int i) {
    struct halves codes = nibbles_of_4(w, bytes, i);
    return (struct halves){unsigned_levels(codes.low), unsigned_levels(codes.high)};
}

/* Activations for these, and their scales by quarters. */
struct step_activations {
    struct halves x;
    vf scales;
};

INLINE vf by_blocks(__m128 four) {
    return _mm512_permutexvar_ps(by_quarter(0, 1, 2, 3), _mm512_castps128_ps512(four));
}

INLINE struct step_activations load_step(struct activations x) {
    __m512i x01 = load_bytes(x.quants);
    __m512i x23 = load_bytes(x.quants + 64);
    return (struct step_activations){
        {_mm512_shuffle_i64x2(x01, x23, 0x88), _mm512_shuffle_i64x2(x01, x23, 0xdd)}, by_blocks(_mm_loadu_ps(x.scales))};
}

INLINE __m512i offset_of_halves(int factor, struct halves x) {
    return _mm512_add_epi32(offset(factor, x.low), offset(factor, x.high));
}

INLINE __m512i dot_halves(__m512i start, struct halves q, struct halves x) {
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, q.low, x.low), q.high, x.high);
}

/* By blocks and rows: halves, of which there are 16, as floats times what belongs to the blocks of activations. */
INLINE vf scale_halves(__m512i halves, vf x) {
    return mul(_mm512_cvtph_ps(_mm512_castsi512_si256(halves)), x);
}

#define ADD_BLOCK(sums, a, b, block)                                                                                         \
    multiply_add4(_mm512_extractf32x4_ps(a, block), _mm512_extractf32x4_ps(b, block), sums)

/* The sums of rows, block after block; factors by blocks and rows. */
INLINE v4 add_blocks(v4 sums, const __m512i products[ROWS], vf factors) {
    vf whole = _mm512_cvtepi32_ps(sums_of_quarters(products));
    sums = ADD_BLOCK(sums, whole, factors, 0);
    sums = ADD_BLOCK(sums, whole, factors, 1);
    sums = ADD_BLOCK(sums, whole, factors, 2);
    return ADD_BLOCK(sums, whole, factors, 3);
}

/* The same with minimums and the sums of activations that they are multiplied by. */
INLINE v4 add_blocks_with_minimums(v4 sums, const __m512i products[ROWS], vf factors, vf minimums, vf x_sums) {
    vf whole = _mm512_cvtepi32_ps(sums_of_quarters(products));
    sums = ADD_BLOCK(ADD_BLOCK(sums, whole, factors, 0), minimums, x_sums, 0);
    sums = ADD_BLOCK(ADD_BLOCK(sums, whole, factors, 1), minimums, x_sums, 1);
    sums = ADD_BLOCK(ADD_BLOCK(sums, whole, factors, 2), minimums, x_sums, 2);
    return ADD_BLOCK(ADD_BLOCK(sums, whole, factors, 3), minimums, x_sums, 3);
}

/* 32 bytes of two blocks, 128 added to make them unsigned. */
INLINE __m512i unsigned_bytes_of_2(const uint8_t *bytes, int stride) {
    __m512i first = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)bytes));
    __m512i both = _mm512_inserti64x4(first, _mm256_loadu_si256((const __m256i *)(bytes + stride)), 1);
    return _mm512_xor_si512(both, _mm512_set1_epi8((char)0x80));
}

/* Scales times that of a block of activations. */
INLINE v4 factors_of_q8_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, int block) {
    return _mm_mul_ps(halves_of_rows(rows, at + 34 * block), _mm_set1_ps(x.scales[block]));
}

/*
 * Scales are gathered by instructions for whole numbers, which have nothing else to do here. Each half of a vector belongs to a block: of
 * the sums of four rows those of blocks 0 and 1 and those of 2 and 3 come to lie in quarters of their own.
 */
INLINE v4 add_step_q8_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {
    __m512i x01 = load_bytes(x.quants);
    __m512i x23 = load_bytes(x.quants + 64);
    __m512i offset01 = offset(128, x01);
    __m512i offset23 = offset(128, x23);
    __m512i p01[ROWS];
    __m512i p23[ROWS];
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *blocks = rows[r] + at;
        p01[r] = _mm512_dpbusd_epi32(offset01, unsigned_bytes_of_2(blocks + 2, 34), x01);
        p23[r] = _mm512_dpbusd_epi32(offset23, unsigned_bytes_of_2(blocks + 70, 34), x23);
    }
    __m512i s01 = sums_of_quarters(p01);
    __m512i s23 = sums_of_quarters(p23);
    __m512i products = _mm512_add_epi32(_mm512_shuffle_i64x2(s01, s23, 0x88), _mm512_shuffle_i64x2(s01, s23, 0xdd));
    vf whole = _mm512_cvtepi32_ps(products);
    sums = multiply_add4(_mm512_extractf32x4_ps(whole, 0), factors_of_q8_0(rows, at, x, 0), sums);
    sums = multiply_add4(_mm512_extractf32x4_ps(whole, 1), factors_of_q8_0(rows, at, x, 1), sums);
    sums = multiply_add4(_mm512_extractf32x4_ps(whole, 2), factors_of_q8_0(rows, at, x, 2), sums);
    return multiply_add4(_mm512_extractf32x4_ps(whole, 3), factors_of_q8_0(rows, at, x, 3), sums);
}

/* d * (q - zero); `quants` is an expression that makes the quants of the words w. */
#define STEP_WITH_ZERO(name, bytes, zero, quants)                                                                            \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        struct step_activations step = load_step(x);                                                                         \
        __m512i start = offset_of_halves(zero, step.x);                                                                      \
        __m512i products[ROWS];                                                                                              \
        __m512i scales = _mm512_setzero_si512();                                                                             \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            struct words w = load_words(rows[r] + at, bytes);                                                                \
            products[r] = dot_halves(start, quants, step.x);                                                                 \
            scales = put_word_of_4(scales, r, w, bytes, 0);                                                                  \
        }                                                                                                                    \
        return add_blocks(sums, products, scale_halves(scales, step.scales));                                                \
    }

STEP_WITH_ZERO(add_step_q4_0, 18, 8, nibbles_of_4(w, 18, 1))
STEP_WITH_ZERO(add_step_q5_0, 22, 16, five_bits_of_4(w, 22, 1))
STEP_WITH_ZERO(add_step_iq4_nl, 18, 128, levels_of_4(w, 18, 1))

/* The sums of each block of activations times their scale. */
INLINE vf scaled_sums(struct activations x) {
    __m128i sums = _mm_hadd_epi32(_mm_loadu_si128((const __m128i *)x.sums), _mm_loadu_si128((const __m128i *)x.sums + 1));
    return by_blocks(_mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_loadu_ps(x.scales)));
}

/* d * q + m, m behind d. */
#define STEP_WITH_MINIMUM(name, bytes, quants)                                                                               \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        struct step_activations step = load_step(x);                                                                         \
        __m512i products[ROWS];                                                                                              \
        __m512i scales = _mm512_setzero_si512();                                                                             \
        __m512i minimums = scales;                                                                                           \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            struct words w = load_words(rows[r] + at, bytes);                                                                \
            products[r] = dot_halves(_mm512_setzero_si512(), quants, step.x);                                                \
            scales = put_word_of_4(scales, r, w, bytes, 0);                                                                  \
            minimums = put_word_of_4(minimums, r, w, bytes, 1);                                                              \
        }                                                                                                                    \
        vf factors = scale_halves(scales, step.scales);                                                                      \
        return add_blocks_with_minimums(sums, products, factors, scale_halves(minimums, set1(1)), scaled_sums(x));           \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, nibbles_of_4(w, 20, 2))
STEP_WITH_MINIMUM(add_step_q5_1, 24, five_bits_of_4(w, 24, 2))
