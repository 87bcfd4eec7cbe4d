/* Four rows side by side, for AVX2 and AVX-512. */
#ifndef ROWS_X86_H
#define ROWS_X86_H

INLINE v4 load4(const float *p) {
    return _mm_loadu_ps(p);
}

INLINE void store4(float *p, v4 v) {
    _mm_storeu_ps(p, v);
}

INLINE v4 multiply_add4(v4 a, v4 b, v4 c) {
    return _mm_fmadd_ps(a, b, c);
}

INLINE v4 float_sums4(const v4i v[ROWS]) {
    __m128i v01 = _mm_hadd_epi32(v[0], v[1]);
    __m128i v23 = _mm_hadd_epi32(v[2], v[3]);
    return _mm_cvtepi32_ps(_mm_hadd_epi32(v01, v23));
}

/* Numbers of half precision, one of each row, `at` bytes from its beginning. */
INLINE v4 halves_of_rows(const uint8_t *const rows[ROWS], int64_t at) {
    uint64_t low = (uint64_t)load16(rows[0] + at) | (uint64_t)load16(rows[1] + at) << 16;
    uint64_t high = (uint64_t)load16(rows[2] + at) | (uint64_t)load16(rows[3] + at) << 16;
    return _mm_cvtph_ps(_mm_cvtsi64_si128((int64_t)(low | high << 32)));
}

INLINE v4 scale_blocks(const vi sums[ROWS], const uint8_t *const rows[ROWS], int64_t at) {
    return _mm_mul_ps(float_sums(sums), halves_of_rows(rows, at));
}

INLINE v4 scale_blocks_with_minimums(
    const vi sums[ROWS], const v4i minimums[ROWS], const uint8_t *const rows[ROWS], int64_t at) {
    return _mm_fnmadd_ps(float_sums4(minimums), halves_of_rows(rows, at + 2), scale_blocks(sums, rows, at));
}

#endif
