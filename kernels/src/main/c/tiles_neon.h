/* What panels.h and gemm.h ask for: a vector of bytes belongs to one row. */
#ifndef TILES_NEON_H
#define TILES_NEON_H

typedef uint8x16_t vb;
typedef int8x16_t inputs16;

#define TILE_VECTORS 2
#define TILE_TOKENS 4
#define BYTE_OFFSET 0

INLINE vb load_rows(const uint8_t *const rows[LANES], int64_t at, int i) {
    return vld1q_u8(rows[i] + at);
}

INLINE vb load_aligned(const uint8_t *p) {
    return vld1q_u8(p);
}

INLINE void store_aligned(uint8_t *p, vb v) {
    vst1q_u8(p, v);
}

INLINE void store_transposed(uint8_t *out, const vb v[4]) {
    uint32x4x2_t v01 = vtrnq_u32(vreinterpretq_u32_u8(v[0]), vreinterpretq_u32_u8(v[1]));
    uint32x4x2_t v23 = vtrnq_u32(vreinterpretq_u32_u8(v[2]), vreinterpretq_u32_u8(v[3]));
    for (int k = 0; k < 2; k++) {
        uint64x2_t first = vreinterpretq_u64_u32(v01.val[k]);
        uint64x2_t second = vreinterpretq_u64_u32(v23.val[k]);
        vst1q_u8(out + 16 * k, vreinterpretq_u8_u64(vtrn1q_u64(first, second)));
        vst1q_u8(out + 16 * k + 32, vreinterpretq_u8_u64(vtrn2q_u64(first, second)));
    }
}

INLINE vb set1_bytes(int b) {
    return vdupq_n_u8((uint8_t)b);
}

INLINE vb or_bytes(vb a, vb b) {
    return vorrq_u8(a, b);
}

INLINE vb add_bytes(vb a, vb b) {
    return vaddq_u8(a, b);
}

INLINE vb bits(vb v, int shift, int mask) {
    return vandq_u8(vshlq_u8(v, vdupq_n_s8((int8_t)-shift)), set1_bytes(mask));
}

INLINE vb multiply_bytes(vb a, vb b) {
    return vmulq_u8(a, b);
}

INLINE vb repeat16(const uint8_t *p) {
    return vld1q_u8(p);
}

INLINE vb lookup(vb table, vb v) {
    return vqtbl1q_u8(table, v);
}

INLINE vi words(vb v) {
    return vreinterpretq_s32_u8(v);
}

INLINE vi bits_of_words(vi v, int shift, int mask) {
    return vandq_s32(vshlq_s32(v, vdupq_n_s32(-shift)), vdupq_n_s32(mask));
}

INLINE vi signed_byte(vi v, int n) {
    return vshrq_n_s32(vshlq_s32(v, vdupq_n_s32(24 - 8 * n)), 24);
}

INLINE vf to_float(vi v) {
    return vcvtq_f32_s32(v);
}

INLINE vi set1_int(int x) {
    return vdupq_n_s32(x);
}

INLINE vi shift_left(vi v, int n) {
    return vshlq_s32(v, vdupq_n_s32(n));
}

INLINE inputs16 load_inputs(const int8_t *x) {
    return vld1q_s8(x);
}

INLINE vi dot_bytes(vi sums, vb bytes, const int8_t *x) {
    int8x16_t four = vreinterpretq_s8_u32(vdupq_n_u32(load32((const uint8_t *)x)));
    return vdotq_s32(sums, vreinterpretq_s8_u8(bytes), four);
}

/* All bytes are signed. */
INLINE vi dot(vi sums, vb bytes, inputs16 x, const int k) {
    return vdotq_laneq_s32(sums, vreinterpretq_s8_u8(bytes), x, k);
}

INLINE vi dot_wide(vi sums, vb bytes, inputs16 x, const int k) {
    return dot(sums, bytes, x, k);
}

#endif
