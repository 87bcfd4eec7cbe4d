/* Products of int8 activations with four blocks of 32 values that have a scale each, of four rows; part of avx2.c. */
#define STEP 128

/* The sums of 16-bit pairs of each of four rows, times factors. */
INLINE v4 add_pairs_of_rows(v4 sums, const __m256i pairs[ROWS], v4 factors) {
    __m256i products[ROWS];
    for (int r = 0; r < ROWS; r++) {
        products[r] = _mm256_madd_epi16(pairs[r], _mm256_set1_epi16(1));
    }
    return multiply_add4(float_sums(products), factors, sums);
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

/* The sum of block k of activations times their scale: what the minimums of weights are multiplied by. */
INLINE v4 scaled_sum(struct activations x, int k) {
    return _mm_set1_ps((float)(x.sums[2 * k] + x.sums[2 * k + 1]) * x.scales[k]);
}

/* 16 bytes of each of two rows. */
INLINE __m256i load_two(const uint8_t *p, const uint8_t *q) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load_few_bytes(p)), load_few_bytes(q), 1);
}

/*
 * The sums over two blocks of 32 nibbles less 8 of four rows: of the first block those of rows 0 to 3, then of the second. Two
 * rows share a vector, and since nibbles are small, their pairs can be joined before they are widened.
 */
INLINE __m256i q4_0_sums(const uint8_t *const rows[ROWS], int64_t at, const int8_t *x) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i zeros = _mm256_set1_epi8(8);
    __m256i blocks[2];
    for (int k = 0; k < 2; k++) {
        __m256i low = _mm256_broadcastsi128_si256(load_few_bytes(x + 32 * k));
        __m256i high = _mm256_broadcastsi128_si256(load_few_bytes(x + 32 * k + 16));
        __m256i off = _mm256_add_epi16(_mm256_maddubs_epi16(zeros, low), _mm256_maddubs_epi16(zeros, high));
        __m256i sums[2];
        for (int r = 0; r < 2; r++) {
            __m256i packed = load_two(rows[r] + at + 18 * k + 2, rows[2 + r] + at + 18 * k + 2);
            __m256i lows = _mm256_maddubs_epi16(_mm256_and_si256(packed, nibble), low);
            __m256i highs = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(packed, 4), nibble), high);
            __m256i pairs = _mm256_sub_epi16(_mm256_add_epi16(lows, highs), off);
            sums[r] = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
        }
        blocks[k] = _mm256_add_epi32(_mm256_unpacklo_epi32(sums[0], sums[1]), _mm256_unpackhi_epi32(sums[0], sums[1]));
    }
    __m256i all = _mm256_add_epi32(_mm256_unpacklo_epi64(blocks[0], blocks[1]), _mm256_unpackhi_epi64(blocks[0], blocks[1]));
    return _mm256_permute4x64_epi64(all, 0xd8);
}

INLINE v4 add_step_q4_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {
    for (int k = 0; k < 4; k += 2) {
        int64_t block = at + 18 * k;
        __m256 values = _mm256_cvtepi32_ps(q4_0_sums(rows, block, x.quants + 32 * k));
        v4 first = _mm_mul_ps(halves_of_rows(rows, block), _mm_set1_ps(x.scales[k]));
        v4 second = _mm_mul_ps(halves_of_rows(rows, block + 18), _mm_set1_ps(x.scales[k + 1]));
        sums = multiply_add4(_mm256_castps256_ps128(values), first, sums);
        sums = multiply_add4(_mm256_extractf128_ps(values, 1), second, sums);
    }
    return sums;
}

/* d * q; `pairs` is an expression of `block` and of the inputs xs. */
#define STEP_OF(name, bytes, pairs_of_block)                                                                                 \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        for (int k = 0; k < 4; k++) {                                                                                        \
            __m256i xs = load_bytes(x.quants + 32 * k);                                                                      \
            __m256i pairs[ROWS];                                                                                             \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                pairs[r] = pairs_of_block;                                                                                   \
            }                                                                                                                \
            v4 scales = halves_of_rows(rows, at + bytes * k);                                                                \
            sums = add_pairs_of_rows(sums, pairs, _mm_mul_ps(scales, _mm_set1_ps(x.scales[k])));                             \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

STEP_OF(add_step_q8_0, 34, signed_pairs(load_bytes(block + 2), xs))
STEP_OF(add_step_iq4_nl, 18, signed_pairs(load_levels(block + 2), xs))

/* Pairs of products of quants from 0 to 31, less 16. */
INLINE __m256i pairs_less_16(__m256i quants, __m256i x) {
    return _mm256_sub_epi16(_mm256_maddubs_epi16(quants, x), _mm256_maddubs_epi16(_mm256_set1_epi8(16), x));
}

STEP_OF(add_step_q5_0, 22, pairs_less_16(load_five_bits(block + 2, block + 6), xs))

/* d * q + m, m behind d; `load` is an expression that makes the quants of `block`. */
#define STEP_WITH_MINIMUM(name, bytes, load)                                                                                 \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        for (int k = 0; k < 4; k++) {                                                                                        \
            __m256i xs = load_bytes(x.quants + 32 * k);                                                                      \
            __m256i pairs[ROWS];                                                                                             \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                pairs[r] = _mm256_maddubs_epi16(load, xs);                                                                   \
            }                                                                                                                \
            v4 scales = halves_of_rows(rows, at + bytes * k);                                                                \
            sums = add_pairs_of_rows(sums, pairs, _mm_mul_ps(scales, _mm_set1_ps(x.scales[k])));                             \
            sums = multiply_add4(halves_of_rows(rows, at + bytes * k + 2), scaled_sum(x, k), sums);                          \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, load_nibbles(block + 4))
STEP_WITH_MINIMUM(add_step_q5_1, 24, load_five_bits(block + 4, block + 8))
