/* AVX2, FMA and F16C: from Haswell and Zen on. */
#include <immintrin.h>

#include "blocks.h"

#define LANES 8
#define PREFETCH_NEAR(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#define PREFETCH_FAR(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)

typedef __m256 vf;

INLINE vf load(const float *p) {
    return _mm256_loadu_ps(p);
}

INLINE void store(float *p, vf v) {
    _mm256_storeu_ps(p, v);
}

INLINE vf set1(float x) {
    return _mm256_set1_ps(x);
}

INLINE vf add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}

INLINE vf sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}

INLINE vf mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}

INLINE vf divide(vf a, vf b) {
    return _mm256_div_ps(a, b);
}

INLINE vf multiply_add(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a * b, rounded once. */
INLINE vf minus_product(vf c, vf a, vf b) {
    return _mm256_fnmadd_ps(a, b, c);
}

INLINE vf larger(vf a, vf b) {
    return _mm256_max_ps(a, b);
}

INLINE vf times_power(vf v, vf shifted) {
    __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), exponent));
}

INLINE __m128 half_sum(vf v) {
    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

INLINE void sum4(const vf v[4], float out[4]) {
    __m128 first = _mm_hadd_ps(half_sum(v[0]), half_sum(v[1]));
    __m128 second = _mm_hadd_ps(half_sum(v[2]), half_sum(v[3]));
    _mm_storeu_ps(out, _mm_hadd_ps(first, second));
}

INLINE vf load_half(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE vf load_bf16(const uint16_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

INLINE float half_to_float(uint16_t half) {
    return _cvtsh_ss(half);
}

INLINE float round_to_half(float x) {
    return _cvtsh_ss(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT));
}

INLINE __m256i load_bytes(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE __m128i load_few_bytes(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}

/* As whole numbers, the floats that are not negative are in order, NaN above all. */
INLINE float max_magnitude(const float *x, int n) {
    __m256i max = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 8) {
        max = _mm256_max_epi32(max, _mm256_and_si256(load_bytes(x + i), _mm256_set1_epi32(0x7fffffff)));
    }
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(max), _mm256_extracti128_si256(max, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtss_f32(_mm_castsi128_ps(four));
}

INLINE __m256i round8(const float *x, vf factor) {
    vf scaled = mul(load(x), factor);
    vf ordered = _mm256_cmp_ps(scaled, scaled, _CMP_ORD_Q);
    return _mm256_and_si256(_mm256_cvtps_epi32(scaled), _mm256_castps_si256(ordered));
}

INLINE int quantize16(const float *x, float factor, int8_t *quants) {
    __m256i low = round8(x, set1(factor));
    __m256i high = round8(x + 8, set1(factor));
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    _mm_storeu_si128((__m128i *)quants, _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    __m256i eight = _mm256_add_epi32(low, high);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1));
    return _mm_cvtsi128_si32(four);
}

/*
 * Products of int8 activations. vpmaddubsw adds pairs of products of unsigned and signed bytes to 16 bits, which two products of 128 and
 * 127 do not fill; vpmaddwd adds pairs of these, times their scales, to 32 bits.
 */

typedef __m128 v4;
typedef __m128i v4i;
typedef __m256i vi;

/* Eight numbers in four lanes. */
INLINE v4i fold(__m256i v) {
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

INLINE v4 float_sums(const vi v[ROWS]) {
    __m256i v01 = _mm256_add_epi32(_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[0], v[1]));
    __m256i v23 = _mm256_add_epi32(_mm256_unpacklo_epi32(v[2], v[3]), _mm256_unpackhi_epi32(v[2], v[3]));
    __m256i sums = _mm256_add_epi32(_mm256_unpacklo_epi64(v01, v23), _mm256_unpackhi_epi64(v01, v23));
    return _mm_cvtepi32_ps(fold(sums));
}

#include "rows_x86.h"
#include "blocks_avx2.h"

/* A K block of activations: the sums of each 16 are 16-bit. */
struct k_activations {
    const int8_t *quants;
    __m256i sums;
    v4 scale;
};

INLINE struct k_activations load_k_activations(struct activations x, int i) {
    __m256i sums = _mm256_packs_epi32(load_bytes(x.sums + i / 16), load_bytes(x.sums + i / 16 + 8));
    return (struct k_activations){
        x.quants + i, _mm256_permute4x64_epi64(sums, 0xd8), _mm_set1_ps(x.scales[i / K_BLOCK])};
}

/* Scale k of each half in all of it. */
INLINE __m256i scale_of_32(__m256i scales, int k) {
    return _mm256_shuffle_epi8(scales, _mm256_set1_epi16((short)(0x0100 + 0x0202 * k)));
}

/* sums + scale k of each half * (q · x), for values 32 k to 32 k + 31. */
INLINE __m256i add_scaled(__m256i sums, __m256i q, const struct k_activations *x, __m256i scales, int k) {
    __m256i pairs = _mm256_maddubs_epi16(q, load_bytes(x->quants + 32 * k));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, scale_of_32(scales, k)));
}

/* Sixteen scales for add_scaled: those of the first 16 values of each 32 in the low half, of the others in the high half. */
INLINE __m256i scales_of_16(__m128i bytes) {
    const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    return _mm256_cvtepi8_epi16(_mm_shuffle_epi8(bytes, order));
}

INLINE __m128i two_words(const uint64_t words[2]) {
    return _mm_set_epi64x((int64_t)words[1], (int64_t)words[0]);
}

INLINE vi dot_q2_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m256i two_bits = _mm256_set1_epi8(3);
    __m128i packed = load_few_bytes(block);
    __m256i scales = scales_of_16(_mm_and_si128(packed, _mm_set1_epi8(15)));
    __m256i mins = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(packed, 4), _mm_set1_epi8(15)));
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i qs = _mm256_srli_epi16(load_bytes(block + 16 + k / 4 * 32), 2 * (k % 4));
        sums = add_scaled(sums, _mm256_and_si256(qs, two_bits), x, scales, k);
    }
    *minimums = fold(_mm256_madd_epi16(mins, x->sums));
    return sums;
}

INLINE vi dot_q3_k(const uint8_t *block, const struct k_activations *x) {
    const __m256i two_bits = _mm256_set1_epi8(3);
    const __m256i third_bit = _mm256_set1_epi8(4);
    uint64_t unpacked[2];
    unpack_scales_q3(block + 96, unpacked);
    __m128i bytes = _mm_sub_epi8(two_words(unpacked), _mm_set1_epi8(32));
    __m256i scales = scales_of_16(bytes);
    __m256i hmask = load_bytes(block);
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i qs = _mm256_srli_epi16(load_bytes(block + 32 + k / 4 * 32), 2 * (k % 4));
        __m256i high = k < 2 ? _mm256_slli_epi16(hmask, 2 - k) : _mm256_srli_epi16(hmask, k - 2);
        __m256i q = _mm256_or_si256(_mm256_and_si256(qs, two_bits), _mm256_and_si256(high, third_bit));
        sums = add_scaled(sums, q, x, scales, k);
    }
    __m256i offsets = _mm256_slli_epi32(_mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), x->sums), 2);
    return _mm256_sub_epi32(sums, offsets);
}

/* The scales of 32 values of Q4_K and Q5_K for add_scaled, and the mins, each twice, for the sums of 16. */
struct scales_and_mins {
    __m256i scales;
    __m256i mins;
};

INLINE struct scales_and_mins unpack_scales_of_32(const uint8_t *packed) {
    const __m256i twice = _mm256_setr_epi8(
        0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 15, 14, 15);
    uint64_t unpacked[2];
    unpack_scales_and_mins(packed, unpacked);
    __m256i all = _mm256_cvtepu8_epi16(two_words(unpacked));
    return (struct scales_and_mins){
        _mm256_permute4x64_epi64(all, 0x88), _mm256_shuffle_epi8(_mm256_permute4x64_epi64(all, 0xdd), twice)};
}

INLINE vi dot_q4_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m256i nibble = _mm256_set1_epi8(15);
    struct scales_and_mins unpacked = unpack_scales_of_32(block + 4);
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 4; k++) {
        __m256i qs = load_bytes(block + 16 + 32 * k);
        sums = add_scaled(sums, _mm256_and_si256(qs, nibble), x, unpacked.scales, 2 * k);
        sums = add_scaled(sums, _mm256_and_si256(_mm256_srli_epi16(qs, 4), nibble), x, unpacked.scales, 2 * k + 1);
    }
    *minimums = fold(_mm256_madd_epi16(unpacked.mins, x->sums));
    return sums;
}

INLINE vi dot_q5_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i fifth_bit = _mm256_set1_epi8(16);
    struct scales_and_mins unpacked = unpack_scales_of_32(block + 4);
    __m256i qh = load_bytes(block + 16);
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i qs = _mm256_srli_epi16(load_bytes(block + 48 + k / 2 * 32), 4 * (k % 2));
        __m256i high = k < 4 ? _mm256_slli_epi16(qh, 4 - k) : _mm256_srli_epi16(qh, k - 4);
        __m256i q = _mm256_or_si256(_mm256_and_si256(qs, nibble), _mm256_and_si256(high, fifth_bit));
        sums = add_scaled(sums, q, x, unpacked.scales, k);
    }
    *minimums = fold(_mm256_madd_epi16(unpacked.mins, x->sums));
    return sums;
}

INLINE vi dot_q6_k(const uint8_t *block, const struct k_activations *x) {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i two_bits = _mm256_set1_epi8(0x30);
    __m128i bytes = load_few_bytes(block + 192);
    __m256i scales = scales_of_16(bytes);
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i ql = _mm256_srli_epi16(load_bytes(block + k / 4 * 64 + k % 2 * 32), k % 4 / 2 * 4);
        __m256i qh = load_bytes(block + 128 + k / 4 * 32);
        __m256i high = k % 4 < 2 ? _mm256_slli_epi16(qh, 4 - 2 * (k % 4)) : _mm256_srli_epi16(qh, 2 * (k % 4) - 4);
        __m256i q = _mm256_or_si256(_mm256_and_si256(ql, nibble), _mm256_and_si256(high, two_bits));
        sums = add_scaled(sums, q, x, scales, k);
    }
    __m256i offsets = _mm256_slli_epi32(_mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), x->sums), 5);
    return _mm256_sub_epi32(sums, offsets);
}

INLINE vi dot_iq4_xs(const uint8_t *block, const struct k_activations *x) {
    __m128i bytes = _mm_sub_epi8(_mm_cvtsi64_si128((int64_t)unpack_scales_iq4_xs(block + 2)), _mm_set1_epi8(32));
    __m256i scales = _mm256_broadcastsi128_si256(_mm_cvtepi8_epi16(bytes));
    __m256i sums = _mm256_setzero_si256();
    for (int k = 0; k < 8; k++) {
        __m256i pairs = signed_pairs(load_levels(block + 8 + 16 * k), load_bytes(x->quants + 32 * k));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, scale_of_32(scales, k)));
    }
    return sums;
}

#include "tiles_avx2.h"
#include "operations.h"
