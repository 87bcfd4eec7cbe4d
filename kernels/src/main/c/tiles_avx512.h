/* What panels.h and gemm.h ask for. Rows are a step of four apart in the quarters of a vector of bytes. */
#ifndef TILES_AVX512_H
#define TILES_AVX512_H

typedef __m512i vb;
typedef const int8_t *inputs16;

#define TILE_VECTORS 2
#define TILE_TOKENS 6
#define BYTE_OFFSET 128

INLINE vb load_rows(const uint8_t *const rows[LANES], int64_t at, int i) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(rows[i] + at)));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(rows[4 + i] + at)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(rows[8 + i] + at)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(rows[12 + i] + at)), 3);
}

INLINE void store_transposed(uint8_t *out, const vb v[4]) {
    __m512i low01 = _mm512_unpacklo_epi32(v[0], v[1]);
    __m512i low23 = _mm512_unpacklo_epi32(v[2], v[3]);
    __m512i high01 = _mm512_unpackhi_epi32(v[0], v[1]);
    __m512i high23 = _mm512_unpackhi_epi32(v[2], v[3]);
    _mm512_store_si512(out, _mm512_unpacklo_epi64(low01, low23));
    _mm512_store_si512(out + 64, _mm512_unpackhi_epi64(low01, low23));
    _mm512_store_si512(out + 128, _mm512_unpacklo_epi64(high01, high23));
    _mm512_store_si512(out + 192, _mm512_unpackhi_epi64(high01, high23));
}

INLINE vb load_aligned(const uint8_t *p) {
    return _mm512_load_si512(p);
}

INLINE void store_aligned(uint8_t *p, vb v) {
    _mm512_store_si512(p, v);
}

INLINE vb set1_bytes(int b) {
    return _mm512_set1_epi8((char)b);
}

INLINE vb or_bytes(vb a, vb b) {
    return _mm512_or_si512(a, b);
}

INLINE vb add_bytes(vb a, vb b) {
    return _mm512_add_epi8(a, b);
}

INLINE vb bits(vb v, int shift, int mask) {
    __m512i shifted = shift < 0 ? _mm512_slli_epi16(v, (unsigned)-shift) : _mm512_srli_epi16(v, (unsigned)shift);
    return _mm512_and_si512(shifted, set1_bytes(mask));
}

INLINE vb multiply_bytes(vb a, vb b) {
    const __m512i low = _mm512_set1_epi16(0xff);
    __m512i even = _mm512_and_si512(_mm512_mullo_epi16(a, b), low);
    __m512i odd = _mm512_mullo_epi16(_mm512_srli_epi16(a, 8), _mm512_andnot_si512(low, b));
    return _mm512_or_si512(even, odd);
}

INLINE vb repeat16(const uint8_t *p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
}

INLINE vb lookup(vb table, vb v) {
    return _mm512_shuffle_epi8(table, v);
}

INLINE vi words(vb v) {
    return v;
}

INLINE vi bits_of_words(vi v, int shift, int mask) {
    return _mm512_and_si512(_mm512_srli_epi32(v, (unsigned)shift), _mm512_set1_epi32(mask));
}

INLINE vi signed_byte(vi v, int n) {
    return _mm512_srai_epi32(_mm512_slli_epi32(v, (unsigned)(24 - 8 * n)), 24);
}

INLINE vf to_float(vi v) {
    return _mm512_cvtepi32_ps(v);
}

INLINE vi set1_int(int x) {
    return _mm512_set1_epi32(x);
}

INLINE vi shift_left(vi v, int n) {
    return _mm512_slli_epi32(v, (unsigned)n);
}

INLINE inputs16 load_inputs(const int8_t *x) {
    return x;
}

INLINE vi dot_bytes(vi sums, vb bytes, const int8_t *x) {
    return _mm512_dpbusd_epi32(sums, bytes, _mm512_set1_epi32((int)load32((const uint8_t *)x)));
}

INLINE vi dot(vi sums, vb bytes, inputs16 x, int k) {
    return dot_bytes(sums, bytes, x + 4 * k);
}

INLINE vi dot_wide(vi sums, vb bytes, inputs16 x, int k) {
    return dot(sums, bytes, x, k);
}

#endif
