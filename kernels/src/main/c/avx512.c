/* AVX-512 F, BW, DQ, VL and VNNI: from Ice Lake and Zen 4 on. */
#include <immintrin.h>

#include "blocks.h"

#define LANES 16
#define PREFETCH_NEAR(p) _mm_prefetch((const char *)(p), _MM_HINT_T0)
#define PREFETCH_FAR(p) _mm_prefetch((const char *)(p), _MM_HINT_T1)

typedef __m512 vf;

INLINE vf load(const float *p) {
    return _mm512_loadu_ps(p);
}

INLINE void store(float *p, vf v) {
    _mm512_storeu_ps(p, v);
}

INLINE vf set1(float x) {
    return _mm512_set1_ps(x);
}

INLINE vf add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}

INLINE vf sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}

INLINE vf mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}

INLINE vf divide(vf a, vf b) {
    return _mm512_div_ps(a, b);
}

INLINE vf multiply_add(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a * b, rounded once. */
INLINE vf minus_product(vf c, vf a, vf b) {
    return _mm512_fnmadd_ps(a, b, c);
}

INLINE vf larger(vf a, vf b) {
    return _mm512_max_ps(a, b);
}

INLINE vf times_power(vf v, vf shifted) {
    __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v), exponent));
}

INLINE __m128 quarter(vf v) {
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

INLINE void sum4(const vf v[4], float out[4]) {
    __m128 first = _mm_hadd_ps(quarter(v[0]), quarter(v[1]));
    __m128 second = _mm_hadd_ps(quarter(v[2]), quarter(v[3]));
    _mm_storeu_ps(out, _mm_hadd_ps(first, second));
}

INLINE vf load_half(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE vf load_bf16(const uint16_t *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

INLINE float half_to_float(uint16_t half) {
    return _cvtsh_ss(half);
}

INLINE float round_to_half(float x) {
    return _cvtsh_ss(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT));
}

/* As whole numbers, the floats that are not negative are in order, NaN above all. */
INLINE float max_magnitude(const float *x, int n) {
    __m512i max = _mm512_setzero_si512();
    for (int i = 0; i < n; i += 16) {
        max = _mm512_max_epi32(max, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7fffffff)));
    }
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(max))));
}

INLINE int quantize16(const float *x, float factor, int8_t *quants) {
    __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(factor));
    __m512i rounded = _mm512_maskz_cvtps_epi32(_mm512_cmp_ps_mask(scaled, scaled, _CMP_ORD_Q), scaled);
    _mm_storeu_si128((__m128i *)quants, _mm512_cvtepi32_epi8(rounded));
    return _mm512_reduce_add_epi32(rounded);
}

/*
 * Products of int8 activations. vpdpbusd adds four products of unsigned and signed bytes to each of 16 sums; vpdpwssd, with the
 * upper half of each scale 0, multiplies such a sum by its scale and adds it.
 */

typedef __m128 v4;
typedef __m128i v4i;
typedef __m512i vi;

/* The sums of the four lanes of each quarter, of four vectors side by side. */
INLINE __m512i sums_of_quarters(const __m512i v[4]) {
    __m512i v01 = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
    __m512i v23 = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(v01, v23), _mm512_unpackhi_epi64(v01, v23));
}

INLINE __m512i load_bytes(const void *p) {
    return _mm512_loadu_si512(p);
}

/* 32 bytes twice. */
INLINE __m512i load_twice(const uint8_t *p) {
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
}

/* A different index for each quarter of a vector of 32-bit lanes. */
INLINE __m512i by_quarter(int a, int b, int c, int d) {
    return _mm512_setr_epi32(a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d);
}

/* The low half takes one value, the high half another. */
INLINE __m512i by_half(int low, int high) {
    return by_quarter(low, low, high, high);
}

/* -factor * the sums of x in the lanes of vpdpbusd: what an offset of the weights takes away. */
INLINE __m512i offset(int factor, __m512i x) {
    __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8((char)factor), x);
    return _mm512_sub_epi32(_mm512_setzero_si512(), sums);
}

/* The levels that codes stand for, 128 added to make them unsigned. */
INLINE __m512i unsigned_levels(__m512i codes) {
    __m128i levels = _mm_xor_si128(_mm_loadu_si128((const __m128i *)LEVELS), _mm_set1_epi8((char)0x80));
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(levels), codes);
}

/* Sixteen numbers in eight lanes. */
INLINE __m256i halve(__m512i v) {
    return _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
}

/* Eight numbers in four lanes. */
INLINE v4i fold(__m256i v) {
    return _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

INLINE v4 float_sums(const vi v[ROWS]) {
    return _mm_cvtepi32_ps(fold(halve(sums_of_quarters(v))));
}

#include "rows_x86.h"
#include "blocks_avx512.h"

/*
 * A K block of activations: four vectors of 64 values; the same by quarters, vector k holding the quarters k of each; and the sums of
 * 16 and of 32 values as 16-bit numbers; and what 128 added to levels adds to products with quarters 0 and 1, and 2 and 3.
 */
struct k_activations {
    __m512i x[4];
    __m512i quarters[4];
    __m512i level_offsets[2];
    __m256i sums;
    __m128i sums_of_32;
    v4 scale;
    /* For Q2_K, in the order of its lanes. */
    __m512i turned[4];
    __m512i turned_sums;
    /* For Q3_K: 32 values of each half, and what -4 and -16 for each weight add up to. */
    __m512i by_32[4];
    __m512i offsets_of_4[4];
};

/* Lane u of a quarter, which is 16 c of a half n on, takes four values of group 8 n + 2 u + c: those from 4 ((u + turn) % 4) on. */
INLINE __m512i turned(const __m512i x[4], int turn) {
    int a = turn;
    int b = 8 + (turn + 1) % 4;
    int c = 16 + (turn + 2) % 4;
    int d = 24 + (turn + 3) % 4;
    const __m512i order = _mm512_setr_epi32(a, b, c, d, a + 4, b + 4, c + 4, d + 4, 0, 0, 0, 0, 0, 0, 0, 0);
    __m256i low = _mm512_castsi512_si256(_mm512_permutex2var_epi32(x[0], order, x[1]));
    __m256i high = _mm512_castsi512_si256(_mm512_permutex2var_epi32(x[2], order, x[3]));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

INLINE struct k_activations load_k_activations(struct activations x, int i) {
    struct k_activations k;
    for (int j = 0; j < 4; j++) {
        k.x[j] = load_bytes(x.quants + i + 64 * j);
    }
    __m512i low01 = _mm512_shuffle_i64x2(k.x[0], k.x[1], 0x44);
    __m512i low23 = _mm512_shuffle_i64x2(k.x[2], k.x[3], 0x44);
    __m512i high01 = _mm512_shuffle_i64x2(k.x[0], k.x[1], 0xee);
    __m512i high23 = _mm512_shuffle_i64x2(k.x[2], k.x[3], 0xee);
    k.quarters[0] = _mm512_shuffle_i64x2(low01, low23, 0x88);
    k.quarters[1] = _mm512_shuffle_i64x2(low01, low23, 0xdd);
    k.quarters[2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
    k.quarters[3] = _mm512_shuffle_i64x2(high01, high23, 0xdd);
    for (int j = 0; j < 2; j++) {
        k.level_offsets[j] = _mm512_add_epi32(offset(128, k.quarters[2 * j]), offset(128, k.quarters[2 * j + 1]));
    }
    k.sums = _mm512_cvtepi32_epi16(load_bytes(x.sums + i / 16));
    k.sums_of_32 = _mm_hadd_epi16(_mm256_castsi256_si128(k.sums), _mm256_extracti128_si256(k.sums, 1));
    k.scale = _mm_set1_ps(x.scales[i / K_BLOCK]);
    for (int j = 0; j < 4; j++) {
        k.turned[j] = turned(k.x, j);
        k.by_32[j] = _mm512_shuffle_i64x2(k.x[j / 2], k.x[2 + j / 2], j % 2 ? 0xee : 0x44);
        k.offsets_of_4[j] = offset(j % 2 ? 16 : 4, k.by_32[j]);
    }
    const __m512i sum_order = _mm512_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    k.turned_sums = _mm512_permutexvar_epi32(sum_order, load_bytes(x.sums + i / 16));
    return k;
}

/* sums + scales * (q · x) by lanes; scales of vector k are `order` of all. */
INLINE __m512i add_scaled(__m512i sums, __m512i q, __m512i x, __m512i scales, __m512i order) {
    __m512i products = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, x);
    return _mm512_dpwssd_epi32(sums, products, _mm512_permutexvar_epi32(order, scales));
}

/* Vector k holds values 64 k to 64 k + 63: the scales of its four groups of 16. */
INLINE __m512i order_of_16(int k) {
    return by_quarter(4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3);
}

INLINE __m128i two_words(const uint64_t words[2]) {
    return _mm_set_epi64x((int64_t)words[1], (int64_t)words[0]);
}

/*
 * Byte i of qs has values i, i + 32, i + 64 and i + 96 of a half of the block. Lane u of a quarter takes the pair of bits u, where it
 * lies, of each of the quarter's four lanes in turn: so every lane has a scale of its own and adds up a group of 16, times 4^u.
 */
INLINE __m512i add_pairs_of_bits(__m512i sums, __m512i qs, __m512i x) {
    const __m512i mask = _mm512_broadcast_i32x4(_mm_setr_epi32(0x03030303, 0x0c0c0c0c, 0x30303030, (int)0xc0c0c0c0));
    return _mm512_dpbusd_epi32(sums, _mm512_and_si512(qs, mask), x);
}

INLINE vi dot_q2_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m128i order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    __m512i packed = _mm512_cvtepu8_epi32(_mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block), order));
    __m512i qs = load_bytes(block + 16);
    __m512i sums = add_pairs_of_bits(_mm512_setzero_si512(), qs, x->turned[0]);
    sums = add_pairs_of_bits(sums, _mm512_shuffle_epi32(qs, 0x39), x->turned[1]);
    sums = add_pairs_of_bits(sums, _mm512_shuffle_epi32(qs, 0x4e), x->turned[2]);
    sums = add_pairs_of_bits(sums, _mm512_shuffle_epi32(qs, 0x93), x->turned[3]);
    sums = _mm512_srav_epi32(sums, _mm512_broadcast_i32x4(_mm_setr_epi32(0, 2, 4, 6)));
    *minimums = fold(halve(_mm512_madd_epi16(_mm512_srli_epi32(packed, 4), x->turned_sums)));
    return _mm512_mullo_epi32(sums, _mm512_and_si512(packed, _mm512_set1_epi32(15)));
}

/* Low bits, and `high` where the mask has ones. */
INLINE __m512i or_masked(__m512i low, __m512i high, __m512i mask) {
    return _mm512_ternarylogic_epi32(low, high, mask, 0xf8);
}

/* Where the scales are of 16 values each, those from 32 (g / 2) and 32 (g / 2 + 1) on in both halves, as they are packed. */
INLINE __m512i order_of_packed(int g) {
    short a = (short)g;
    short b = (short)(g + 2);
    __m128i first = _mm_setr_epi16(a, a, a, a, b, b, b, b);
    __m256i both = _mm256_add_epi16(_mm256_broadcastsi128_si256(first), _mm256_set_epi64x(0x0001000100010001, 0x0001000100010001, 0, 0));
    return _mm512_add_epi16(_mm512_broadcast_i64x4(both), by_half(0, 0x00080008));
}

/*
 * Byte i of qs has values i, i + 32, i + 64 and i + 96 of a half of the block, its third bits are in hmask. Every second one stays where
 * it lies, four times as large, and the scales of the others are four times as large instead. Sums of both go side by side as 16 bits.
 */
INLINE vi dot_q3_k(const uint8_t *block, const struct k_activations *x) {
    const __m512i even_bits = _mm512_set1_epi8(0x03);
    const __m512i odd_bits = _mm512_set1_epi8(0x0c);
    const __m512i even_high = _mm512_set1_epi8(0x04);
    const __m512i odd_high = _mm512_set1_epi8(0x10);
    const __m256i factors = _mm256_set1_epi64x(0x0000000000020002);
    uint64_t unpacked[2];
    unpack_scales_q3(block + 96, unpacked);
    __m256i words = _mm256_cvtepi8_epi16(_mm_sub_epi8(two_words(unpacked), _mm_set1_epi8(32)));
    __m512i scales = _mm512_castsi256_si512(_mm256_sllv_epi16(words, factors));
    __m512i qs = load_bytes(block + 32);
    __m512i upper = _mm512_srli_epi16(qs, 4);
    __m512i high = _mm512_srlv_epi32(load_twice(block), by_half(0, 4));
    __m512i q0 = or_masked(_mm512_and_si512(qs, even_bits), _mm512_slli_epi16(high, 2), even_high);
    __m512i q1 = or_masked(_mm512_and_si512(qs, odd_bits), _mm512_slli_epi16(high, 3), odd_high);
    __m512i q2 = or_masked(_mm512_and_si512(upper, even_bits), high, even_high);
    __m512i q3 = or_masked(_mm512_and_si512(upper, odd_bits), _mm512_slli_epi16(high, 1), odd_high);
    __m512i p0 = _mm512_dpbusd_epi32(x->offsets_of_4[0], q0, x->by_32[0]);
    __m512i p1 = _mm512_dpbusd_epi32(x->offsets_of_4[1], q1, x->by_32[1]);
    __m512i p2 = _mm512_dpbusd_epi32(x->offsets_of_4[2], q2, x->by_32[2]);
    __m512i p3 = _mm512_dpbusd_epi32(x->offsets_of_4[3], q3, x->by_32[3]);
    __m512i sums = _mm512_madd_epi16(_mm512_packs_epi32(p0, p1), _mm512_permutexvar_epi16(order_of_packed(0), scales));
    sums = _mm512_dpwssd_epi32(sums, _mm512_packs_epi32(p2, p3), _mm512_permutexvar_epi16(order_of_packed(4), scales));
    return _mm512_srai_epi32(sums, 2);
}

/* The scales and mins of Q4_K and Q5_K: 16 bytes, see unpack_scales_and_mins. */
INLINE __m128i unpack_scales_of_32(const uint8_t *packed) {
    uint64_t unpacked[2];
    unpack_scales_and_mins(packed, unpacked);
    return two_words(unpacked);
}

/* Σ mins * sums of 32. */
INLINE __m128i mins_of_32(const struct k_activations *x, __m128i scales) {
    const __m128i order = _mm_setr_epi8(4, -1, 5, -1, 6, -1, 7, -1, 12, -1, 13, -1, 14, -1, 15, -1);
    return _mm_madd_epi16(_mm_shuffle_epi8(scales, order), x->sums_of_32);
}

/* Scales times products of both halves of groups of 32; the even groups are the low nibbles of bytes, the odd ones the high nibbles. */
INLINE __m512i add_scaled_groups(__m512i sums, __m512i first, __m512i second, const struct k_activations *x, __m512i scales, int odd) {
    const __m512i order = odd ? by_quarter(1, 3, 9, 11) : by_quarter(0, 2, 8, 10);
    __m512i products = _mm512_dpbusd_epi32(_mm512_setzero_si512(), first, x->quarters[2 * odd]);
    products = _mm512_dpbusd_epi32(products, second, x->quarters[2 * odd + 1]);
    return _mm512_dpwssd_epi32(sums, products, _mm512_permutexvar_epi32(order, scales));
}

INLINE vi dot_q4_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m128i scales = unpack_scales_of_32(block + 4);
    __m512i wide = _mm512_cvtepu8_epi32(scales);
    __m512i qs01 = load_bytes(block + 16);
    __m512i qs23 = load_bytes(block + 80);
    __m512i first = _mm512_shuffle_i64x2(qs01, qs23, 0x88);
    __m512i second = _mm512_shuffle_i64x2(qs01, qs23, 0xdd);
    __m512i sums = add_scaled_groups(
        _mm512_setzero_si512(), _mm512_and_si512(first, nibble), _mm512_and_si512(second, nibble), x, wide, 0);
    first = _mm512_and_si512(_mm512_srli_epi16(first, 4), nibble);
    second = _mm512_and_si512(_mm512_srli_epi16(second, 4), nibble);
    *minimums = mins_of_32(x, scales);
    return add_scaled_groups(sums, first, second, x, wide, 1);
}

INLINE vi dot_q5_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i fifth_bit = _mm512_set1_epi8(16);
    __m128i scales = unpack_scales_of_32(block + 4);
    __m512i wide = _mm512_cvtepu8_epi32(scales);
    __m512i qs01 = load_bytes(block + 48);
    __m512i qs23 = load_bytes(block + 112);
    __m512i first = _mm512_shuffle_i64x2(qs01, qs23, 0x88);
    __m512i second = _mm512_shuffle_i64x2(qs01, qs23, 0xdd);
    /* Of the bits of a byte, group k of 32 values has bit k. */
    __m512i qh_first = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(block + 16)));
    __m512i qh_second = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(block + 32)));
    const __m512i even_groups = by_quarter(4, 2, 0, 30);
    const __m512i odd_groups = by_quarter(3, 1, 31, 29);
    __m512i sums = add_scaled_groups(
        _mm512_setzero_si512(),
        or_masked(_mm512_and_si512(first, nibble), _mm512_rolv_epi32(qh_first, even_groups), fifth_bit),
        or_masked(_mm512_and_si512(second, nibble), _mm512_rolv_epi32(qh_second, even_groups), fifth_bit), x, wide, 0);
    first = _mm512_and_si512(_mm512_srli_epi16(first, 4), nibble);
    second = _mm512_and_si512(_mm512_srli_epi16(second, 4), nibble);
    *minimums = mins_of_32(x, scales);
    return add_scaled_groups(
        sums, or_masked(first, _mm512_rolv_epi32(qh_first, odd_groups), fifth_bit),
        or_masked(second, _mm512_rolv_epi32(qh_second, odd_groups), fifth_bit), x, wide, 1);
}

INLINE vi dot_q6_k(const uint8_t *block, const struct k_activations *x) {
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i two_bits = _mm512_set1_epi8(0x30);
    __m256i scales = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(block + 192)));
    __m512i wide = _mm512_cvtepu16_epi32(scales);
    __m512i sums = _mm512_setzero_si512();
    for (int n = 0; n < 2; n++) {
        __m512i ql = load_bytes(block + 64 * n);
        __m512i qh = load_twice(block + 128 + 32 * n);
        __m512i low = _mm512_and_si512(ql, nibble);
        __m512i high = _mm512_and_si512(_mm512_srli_epi16(ql, 4), nibble);
        /* Two bits of each go to bits 4 and 5. */
        low = or_masked(low, _mm512_rolv_epi32(qh, by_half(4, 2)), two_bits);
        high = or_masked(high, _mm512_srlv_epi32(qh, by_half(0, 2)), two_bits);
        sums = add_scaled(sums, low, x->x[2 * n], wide, order_of_16(2 * n));
        sums = add_scaled(sums, high, x->x[2 * n + 1], wide, order_of_16(2 * n + 1));
    }
    __m256i offsets = _mm256_slli_epi32(_mm256_madd_epi16(scales, x->sums), 5);
    return _mm512_sub_epi32(sums, _mm512_zextsi256_si512(offsets));
}

/* Groups of 32 that are a vector's quarters: their low nibbles, then their high ones. Sums do not fit the 16 bits of vpdpwssd. */
INLINE __m512i scaled_levels(__m512i codes, const struct k_activations *x, int odd, __m512i scales) {
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i low = unsigned_levels(_mm512_and_si512(codes, nibble));
    __m512i high = unsigned_levels(_mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble));
    __m512i products = _mm512_dpbusd_epi32(x->level_offsets[odd], low, x->quarters[2 * odd]);
    products = _mm512_dpbusd_epi32(products, high, x->quarters[2 * odd + 1]);
    return _mm512_mullo_epi32(products, scales);
}

INLINE vi dot_iq4_xs(const uint8_t *block, const struct k_activations *x) {
    __m128i bytes = _mm_cvtsi64_si128((int64_t)unpack_scales_iq4_xs(block + 2));
    __m512i scales = _mm512_castsi256_si512(_mm256_sub_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_set1_epi32(32)));
    __m512i qs01 = load_bytes(block + 8);
    __m512i qs23 = load_bytes(block + 72);
    __m512i even = _mm512_shuffle_i64x2(qs01, qs23, 0x88);
    __m512i odd = _mm512_shuffle_i64x2(qs01, qs23, 0xdd);
    return _mm512_add_epi32(
        scaled_levels(even, x, 0, _mm512_permutexvar_epi32(by_quarter(0, 2, 4, 6), scales)),
        scaled_levels(odd, x, 1, _mm512_permutexvar_epi32(by_quarter(1, 3, 5, 7), scales)));
}

#include "tiles_avx512.h"
#include "operations.h"
