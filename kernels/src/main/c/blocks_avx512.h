/* Products of int8 activations with four blocks of 32 values that have a scale each; part of avx512.c. */
#define STEP 128

/* Weights become unsigned by adding 128, which `offset` takes away. Sums of the blocks lie 0 0 2 2, 0 0 2 2, 1 1 3 3, 1 1 3 3. */
INLINE void add_step_q8_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    const __m512i order = _mm512_setr_epi32(0, 0, 2, 2, 0, 0, 2, 2, 1, 1, 3, 3, 1, 1, 3, 3);
    /* Scales are the 16-bit values 0 and 17 of the bytes from 0 and from 68. */
    const __m512i scale_order = _mm512_castsi256_si512(
        _mm256_setr_epi16(0, 0, 0, 0, 0, 0, 0, 0, 17, 17, 17, 17, 17, 17, 17, 17));
    __m512i x01 = load_bytes(x.quants);
    __m512i x23 = load_bytes(x.quants + 64);
    __m512i offset01 = offset(128, x01);
    __m512i offset23 = offset(128, x23);
    vf x_scales = _mm512_permutexvar_ps(order, _mm512_castps128_ps512(_mm_loadu_ps(x.scales)));
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *blocks = rows[r] + at;
        __m512i w01 = _mm512_xor_si512(load_halves(blocks + 2, blocks + 36), sign);
        __m512i w23 = _mm512_xor_si512(load_halves(blocks + 70, blocks + 104), sign);
        vf p01 = _mm512_castsi512_ps(_mm512_dpbusd_epi32(offset01, w01, x01));
        vf p23 = _mm512_castsi512_ps(_mm512_dpbusd_epi32(offset23, w23, x23));
        __m512i even = _mm512_castps_si512(_mm512_shuffle_ps(p01, p23, 0x88));
        __m512i odd = _mm512_castps_si512(_mm512_shuffle_ps(p01, p23, 0xdd));
        __m512i halves = _mm512_permutexvar_epi16(scale_order, load_bytes(blocks));
        halves = _mm512_mask_permutexvar_epi16(halves, 0xcccccccc, scale_order, load_bytes(blocks + 68));
        vf w_scales = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
        sums[r] = multiply_add(_mm512_cvtepi32_ps(_mm512_add_epi32(even, odd)), mul(w_scales, x_scales), sums[r]);
    }
}

/*
 * In the types of four and five bits a quarter of the vectors belongs to each block. What a step takes of a row is seen as 16-bit words
 * in two vectors: those from its beginning, and those up to its end.
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

/* Word i of all blocks as numbers of half precision. */
INLINE vf halves_of_4(struct words w, int bytes, int i) {
    short a = word_at(0, i, bytes);
    short b = word_at(1, i, bytes);
    short c = word_at(2, i, bytes);
    short d = word_at(3, i, bytes);
    const __m512i order = _mm512_castsi256_si512(_mm256_setr_epi16(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d));
    __m512i halves = 3 * bytes / 2 + i < 32 ? _mm512_permutexvar_epi16(order, w.first)
                                            : _mm512_permutex2var_epi16(w.first, order, w.last);
    return _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
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

/* total + w's scales * x's scales * (start + q · x). */
INLINE vf add_products(vf total, __m512i start, struct halves q, const struct step_activations *step, vf w_scales) {
    __m512i products = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, q.low, step->x.low), q.high, step->x.high);
    return multiply_add(_mm512_cvtepi32_ps(products), mul(w_scales, step->scales), total);
}

/* d * (q - zero); `quants` is an expression that makes the quants of the words w. */
#define STEP_WITH_ZERO(name, bytes, zero, quants)                                                                            \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        struct step_activations step = load_step(x);                                                                         \
        __m512i start = offset_of_halves(zero, step.x);                                                                      \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            struct words w = load_words(rows[r] + at, bytes);                                                                \
            sums[r] = add_products(sums[r], start, quants, &step, halves_of_4(w, bytes, 0));                                 \
        }                                                                                                                    \
    }

STEP_WITH_ZERO(add_step_q4_0, 18, 8, nibbles_of_4(w, 18, 1))
STEP_WITH_ZERO(add_step_q5_0, 22, 16, five_bits_of_4(w, 22, 1))
STEP_WITH_ZERO(add_step_iq4_nl, 18, 128, levels_of_4(w, 18, 1))

/* A quarter of each block's sum of activations times their scale, for each of its four lanes. */
INLINE vf quarters_of_sums(struct activations x) {
    __m128i sums = _mm_hadd_epi32(_mm_loadu_si128((const __m128i *)x.sums), _mm_loadu_si128((const __m128i *)x.sums + 1));
    return by_blocks(_mm_mul_ps(_mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_loadu_ps(x.scales)), _mm_set1_ps(0.25f)));
}

/* d * q + m, m behind d. */
#define STEP_WITH_MINIMUM(name, bytes, quants)                                                                               \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        struct step_activations step = load_step(x);                                                                         \
        vf x_sums = quarters_of_sums(x);                                                                                     \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            struct words w = load_words(rows[r] + at, bytes);                                                                \
            sums[r] = multiply_add(halves_of_4(w, bytes, 1), x_sums, sums[r]);                                               \
            sums[r] = add_products(sums[r], _mm512_setzero_si512(), quants, &step, halves_of_4(w, bytes, 0));                \
        }                                                                                                                    \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, nibbles_of_4(w, 20, 2))
STEP_WITH_MINIMUM(add_step_q5_1, 24, five_bits_of_4(w, 24, 2))
