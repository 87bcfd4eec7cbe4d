/* What panels.h and gemm.h ask for: the two halves of a vector of bytes belong to rows that are four apart. */
#ifndef TILES_AVX2_H
#define TILES_AVX2_H

typedef __m256i vb;
typedef const int8_t *inputs16;

#define TILE_VECTORS 2
#define TILE_TOKENS 4
#define BYTE_OFFSET 0
#define PAIRED 1

INLINE vb load_rows(const uint8_t *const rows[LANES], int64_t at, int i) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(load_few_bytes(rows[i] + at)), load_few_bytes(rows[4 + i] + at), 1);
}

INLINE vb load_aligned(const uint8_t *p) {
    return _mm256_load_si256((const __m256i *)p);
}

INLINE void store_aligned(uint8_t *p, vb v) {
    _mm256_store_si256((__m256i *)p, v);
}

INLINE void store_transposed(uint8_t *out, const vb v[4]) {
    __m256i low01 = _mm256_unpacklo_epi32(v[0], v[1]);
    __m256i low23 = _mm256_unpacklo_epi32(v[2], v[3]);
    __m256i high01 = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i high23 = _mm256_unpackhi_epi32(v[2], v[3]);
    store_aligned(out, _mm256_unpacklo_epi64(low01, low23));
    store_aligned(out + 32, _mm256_unpackhi_epi64(low01, low23));
    store_aligned(out + 64, _mm256_unpacklo_epi64(high01, high23));
    store_aligned(out + 96, _mm256_unpackhi_epi64(high01, high23));
}

INLINE vb set1_bytes(int b) {
    return _mm256_set1_epi8((char)b);
}

INLINE vb or_bytes(vb a, vb b) {
    return _mm256_or_si256(a, b);
}

INLINE vb add_bytes(vb a, vb b) {
    return _mm256_add_epi8(a, b);
}

INLINE vb bits(vb v, int shift, int mask) {
    __m256i shifted = shift < 0 ? _mm256_slli_epi16(v, -shift) : _mm256_srli_epi16(v, shift);
    return _mm256_and_si256(shifted, set1_bytes(mask));
}

INLINE vb multiply_bytes(vb a, vb b) {
    const __m256i low = _mm256_set1_epi16(0xff);
    __m256i even = _mm256_and_si256(_mm256_mullo_epi16(a, b), low);
    __m256i odd = _mm256_mullo_epi16(_mm256_srli_epi16(a, 8), _mm256_andnot_si256(low, b));
    return _mm256_or_si256(even, odd);
}

INLINE vb repeat16(const uint8_t *p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

INLINE vb lookup(vb table, vb v) {
    return _mm256_shuffle_epi8(table, v);
}

INLINE vi words(vb v) {
    return v;
}

INLINE vi bits_of_words(vi v, int shift, int mask) {
    return _mm256_and_si256(_mm256_srli_epi32(v, shift), _mm256_set1_epi32(mask));
}

INLINE vi signed_byte(vi v, int n) {
    return _mm256_srai_epi32(_mm256_slli_epi32(v, 24 - 8 * n), 24);
}

INLINE vf to_float(vi v) {
    return _mm256_cvtepi32_ps(v);
}

INLINE vi set1_int(int x) {
    return _mm256_set1_epi32(x);
}

INLINE vi shift_left(vi v, int n) {
    return _mm256_slli_epi32(v, n);
}

INLINE inputs16 load_inputs(const int8_t *x) {
    return x;
}

INLINE __m256i load_4(const int8_t *x) {
    return _mm256_set1_epi32((int)load32((const uint8_t *)x));
}

INLINE vi add_pairs(vi sums, __m256i pairs) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE vi dot_bytes(vi sums, vb bytes, const int8_t *x) {
    return add_pairs(sums, _mm256_maddubs_epi16(bytes, load_4(x)));
}

INLINE vi join_pairs(vi a, vi b) {
    return _mm256_add_epi16(a, b);
}

INLINE vi pairs_narrow(vb bytes, inputs16 x, int k) {
    return _mm256_maddubs_epi16(bytes, load_4(x + 4 * k));
}

/* Bytes are signed: their signs go to the activations. */
INLINE vi pairs_wide(vb bytes, inputs16 x, int k) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(bytes), _mm256_sign_epi8(load_4(x + 4 * k), bytes));
}

#define IN_ORDER(sums) __asm__("" : "+x"(sums))

#endif
