/* Products of int8 activations with four blocks of 32 values that have a scale each; part of avx2.c. */
#define STEP 128

/* The scales of four blocks that are `bytes` apart, times those of the activations. */
INLINE __m128 scales_of_4(const uint8_t *blocks, int bytes, __m128 scales) {
    uint64_t halves = (uint64_t)load16(blocks) | (uint64_t)load16(blocks + bytes) << 16
        | (uint64_t)load16(blocks + 2 * bytes) << 32 | (uint64_t)load16(blocks + 3 * bytes) << 48;
    return _mm_mul_ps(_mm_cvtph_ps(_mm_cvtsi64_si128((int64_t)halves)), scales);
}

/* total + scales[k] * pairs, the pairs being 16-bit sums. */
INLINE vf add_scaled_pairs(vf total, __m256i pairs, __m128 scales, int k) {
    vf scale = _mm256_permutevar_ps(_mm256_set_m128(scales, scales), _mm256_set1_epi32(k));
    return multiply_add(_mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))), scale, total);
}

/* Pairs of products of signed weights, whose signs go to the activations; two products of 127 and 127 fit 16 bits. */
INLINE __m256i signed_pairs(__m256i w, __m256i x) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

/* 32 nibbles: the low ones of 16 bytes, then the high ones. */
INLINE __m256i load_nibbles(const uint8_t *p) {
    __m128i packed = load_few_bytes(p);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(packed, 4), packed), _mm256_set1_epi8(15));
}

/* Sixteen where a bit of 32 is set. */
INLINE __m256i load_fifth_bits(const uint8_t *qh) {
    const __m256i byte = _mm256_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32((int)load32(qh)), byte);
    __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
    return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

INLINE __m256i load_five_bits(const uint8_t *qh, const uint8_t *q) {
    return _mm256_or_si256(load_nibbles(q), load_fifth_bits(qh));
}

INLINE __m256i load_levels(const uint8_t *codes) {
    __m256i levels = _mm256_broadcastsi128_si256(load_few_bytes(LEVELS));
    return _mm256_shuffle_epi8(levels, load_nibbles(codes));
}

/* The sums of four blocks of activations times their scales: what the minimums of weights are multiplied by. */
INLINE __m128 scaled_sums(struct activations x) {
    __m128i sums = _mm_hadd_epi32(load_few_bytes(x.sums), load_few_bytes(x.sums + 4));
    return _mm_mul_ps(_mm_cvtepi32_ps(sums), _mm_loadu_ps(x.scales));
}

INLINE void add_step_q8_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *blocks = rows[r] + at;
        __m128 factors = scales_of_4(blocks, 34, _mm_loadu_ps(x.scales));
        for (int k = 0; k < 4; k++) {
            __m256i pairs = signed_pairs(load_bytes(blocks + 34 * k + 2), load_bytes(x.quants + 32 * k));
            sums[r] = add_scaled_pairs(sums[r], pairs, factors, k);
        }
    }
}

/* d * (q - zero): pairs of zero * x are taken away; `load` is an expression that makes the quants of `block`. */
#define STEP_WITH_ZERO(name, bytes, zero, load)                                                                              \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        __m256i zeros[4];                                                                                                    \
        for (int k = 0; k < 4; k++) {                                                                                        \
            zeros[k] = _mm256_maddubs_epi16(_mm256_set1_epi8(zero), load_bytes(x.quants + 32 * k));                          \
        }                                                                                                                    \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            __m128 factors = scales_of_4(rows[r] + at, bytes, _mm_loadu_ps(x.scales));                                       \
            for (int k = 0; k < 4; k++) {                                                                                    \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                __m256i pairs = _mm256_maddubs_epi16(load, load_bytes(x.quants + 32 * k));                                   \
                sums[r] = add_scaled_pairs(sums[r], _mm256_sub_epi16(pairs, zeros[k]), factors, k);                          \
            }                                                                                                                \
        }                                                                                                                    \
    }

STEP_WITH_ZERO(add_step_q4_0, 18, 8, load_nibbles(block + 2))
STEP_WITH_ZERO(add_step_q5_0, 22, 16, load_five_bits(block + 2, block + 6))

/* d * q + m, m behind d. */
#define STEP_WITH_MINIMUM(name, bytes, load)                                                                                 \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        __m128 x_sums = scaled_sums(x);                                                                                      \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            __m128 factors = scales_of_4(rows[r] + at, bytes, _mm_loadu_ps(x.scales));                                       \
            sums[r] = add(sums[r], _mm256_zextps128_ps256(scales_of_4(rows[r] + at + 2, bytes, x_sums)));                    \
            for (int k = 0; k < 4; k++) {                                                                                    \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                __m256i pairs = _mm256_maddubs_epi16(load, load_bytes(x.quants + 32 * k));                                   \
                sums[r] = add_scaled_pairs(sums[r], pairs, factors, k);                                                      \
            }                                                                                                                \
        }                                                                                                                    \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, load_nibbles(block + 4))
STEP_WITH_MINIMUM(add_step_q5_1, 24, load_five_bits(block + 4, block + 8))

INLINE void add_step_iq4_nl(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *blocks = rows[r] + at;
        __m128 factors = scales_of_4(blocks, 18, _mm_loadu_ps(x.scales));
        for (int k = 0; k < 4; k++) {
            __m256i pairs = signed_pairs(load_levels(blocks + 18 * k + 2), load_bytes(x.quants + 32 * k));
            sums[r] = add_scaled_pairs(sums[r], pairs, factors, k);
        }
    }
}
