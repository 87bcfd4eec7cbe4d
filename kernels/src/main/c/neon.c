/* NEON with the dot products of Armv8.2: from Cortex-A55 and A75 on. Cheap on Cortex-A76: two pipes, sdot on both. */
#include <arm_neon.h>

#include "blocks.h"

#define LANES 4
#define PREFETCH_NEAR(p) __builtin_prefetch(p, 0, 3)
#define PREFETCH_FAR(p) __builtin_prefetch(p, 0, 2)

typedef float32x4_t vf;

INLINE vf load(const float *p) {
    return vld1q_f32(p);
}

INLINE void store(float *p, vf v) {
    vst1q_f32(p, v);
}

INLINE vf set1(float x) {
    return vdupq_n_f32(x);
}

INLINE vf add(vf a, vf b) {
    return vaddq_f32(a, b);
}

INLINE vf sub(vf a, vf b) {
    return vsubq_f32(a, b);
}

INLINE vf mul(vf a, vf b) {
    return vmulq_f32(a, b);
}

INLINE vf divide(vf a, vf b) {
    return vdivq_f32(a, b);
}

INLINE vf multiply_add(vf a, vf b, vf c) {
    return vfmaq_f32(c, a, b);
}

/* c - a * b, rounded once. */
INLINE vf minus_product(vf c, vf a, vf b) {
    return vfmsq_f32(c, a, b);
}

INLINE vf larger(vf a, vf b) {
    return vmaxq_f32(a, b);
}

INLINE vf times_power(vf v, vf shifted) {
    int32x4_t exponent = vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), exponent));
}

INLINE void sum4(const vf v[4], float out[4]) {
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])));
}

INLINE vf load_half(const uint16_t *p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

INLINE vf load_bf16(const uint16_t *p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

INLINE float half_to_float(uint16_t half) {
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

INLINE float round_to_half(float x) {
    return vgetq_lane_f32(vcvt_f32_f16(vcvt_f16_f32(set1(x))), 0);
}

/* As whole numbers, the floats that are not negative are in order, NaN above all. */
INLINE float max_magnitude(const float *x, int n) {
    uint32x4_t max = vdupq_n_u32(0);
    for (int i = 0; i < n; i += 4) {
        max = vmaxq_u32(max, vreinterpretq_u32_f32(vabsq_f32(load(x + i))));
    }
    return vgetq_lane_f32(vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(max))), 0);
}

INLINE int quantize16(const float *x, float factor, int8_t *quants) {
    int32x4_t q[4];
    for (int k = 0; k < 4; k++) {
        q[k] = vcvtnq_s32_f32(vmulq_n_f32(load(x + 4 * k), factor));
    }
    int16x8_t low = vcombine_s16(vqmovn_s32(q[0]), vqmovn_s32(q[1]));
    int16x8_t high = vcombine_s16(vqmovn_s32(q[2]), vqmovn_s32(q[3]));
    vst1q_s8(quants, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
    return vaddvq_s32(vaddq_s32(vaddq_s32(q[0], q[1]), vaddq_s32(q[2], q[3])));
}

/*
 * Products of int8 activations. sdot adds four products of signed bytes to each of four sums. Sums of several groups are added up side
 * by side, so that one multiplication takes four scales: mla occupies its pipe for two cycles.
 */

/* The sums of four vectors. */
INLINE int32x4_t sums_of_4(const int32x4_t v[4]) {
    return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

typedef float32x4_t v4;
typedef int32x4_t v4i;
typedef int32x4_t vi;

INLINE v4 load4(const float *p) {
    return load(p);
}

INLINE void store4(float *p, v4 v) {
    store(p, v);
}

INLINE v4 multiply_add4(v4 a, v4 b, v4 c) {
    return multiply_add(a, b, c);
}

/* Numbers of half precision, one of each row, `at` bytes from its beginning. */
INLINE v4 halves_of_rows(const uint8_t *const rows[ROWS], int64_t at) {
    uint64_t low = (uint64_t)load16(rows[0] + at) | (uint64_t)load16(rows[1] + at) << 16;
    uint64_t high = (uint64_t)load16(rows[2] + at) | (uint64_t)load16(rows[3] + at) << 16;
    return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(low | high << 32)));
}

INLINE v4 scale_blocks(const vi sums[ROWS], const uint8_t *const rows[ROWS], int64_t at) {
    return mul(vcvtq_f32_s32(sums_of_4(sums)), halves_of_rows(rows, at));
}

INLINE v4 scale_blocks_with_minimums(
    const vi sums[ROWS], const v4i minimums[ROWS], const uint8_t *const rows[ROWS], int64_t at) {
    return minus_product(scale_blocks(sums, rows, at), vcvtq_f32_s32(sums_of_4(minimums)), halves_of_rows(rows, at + 2));
}

#include "blocks_neon.h"

INLINE int32x4_t dot16(int8x16_t q, const int8_t *x) {
    return vdotq_s32(vdupq_n_s32(0), q, vld1q_s8(x));
}

/*
 * A K block of activations; sums are of 16 or 32 quants side by side. Starts take away what the weights of a group of 16 are too large
 * by; that sums of products start from there costs a load, where a zero would take one of the two pipes for arithmetic.
 */
struct k_activations {
    const int8_t *quants;
    int16x8_t sums[2];
    int32x4_t sums_of_32[2];
    int32x4_t starts_q3_k[16];
    int32x4_t starts_q6_k[16];
    v4 scale;
};

INLINE struct k_activations load_k_activations(struct activations x, int i) {
    const int8_t q3_k[4] = {-4, -16, -64, -4}; /* see pair_of_bits */
    struct k_activations k = {.quants = x.quants + i, .scale = set1(x.scales[i / K_BLOCK])};
    for (int j = 0; j < 2; j++) {
        int32x4_t first = vld1q_s32(x.sums + i / 16 + 8 * j);
        int32x4_t second = vld1q_s32(x.sums + i / 16 + 8 * j + 4);
        k.sums[j] = vcombine_s16(vmovn_s32(first), vmovn_s32(second));
        k.sums_of_32[j] = vpaddq_s32(first, second);
    }
    for (int j = 0; j < 16; j++) {
        k.starts_q3_k[j] = dot16(vdupq_n_s8(q3_k[j / 2 % 4]), k.quants + 16 * j);
        k.starts_q6_k[j] = dot16(vdupq_n_s8(-32), k.quants + 16 * j);
    }
    return k;
}

/* Sixteen scales as 32-bit numbers. */
struct scales {
    int32x4_t four[4];
};

INLINE struct scales widen(int8x16_t bytes) {
    int16x8_t low = vmovl_s8(vget_low_s8(bytes));
    int16x8_t high = vmovl_s8(vget_high_s8(bytes));
    return (struct scales){
        {vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)), vmovl_s16(vget_low_s16(high)),
         vmovl_s16(vget_high_s16(high))}};
}

INLINE int8x16_t two_words(const uint64_t words[2]) {
    return vcombine_s8(vcreate_s8(words[0]), vcreate_s8(words[1]));
}

/*
 * The same pointer; the compiler cannot know. Else it loads the activations for all rows in advance, has no registers for that many and
 * stores them on the stack.
 */
INLINE const int8_t *reload(const int8_t *quants) {
    __asm__("" : "+r"(quants));
    return quants;
}

/* Bits to the left, or to the right where `by` is negative. */
INLINE uint8x16_t moved(uint8x16_t bits, int by) {
    return by < 0 ? bits >> -by : bits << by;
}

/*
 * Two bits of each byte, the pair of number `pair`, in their place: times 4^pair. Only the last pair goes to the right, since bytes are
 * signed for sdot.
 */
INLINE uint8x16_t pair_of_bits(uint8x16_t packed, int pair) {
    return pair == 3 ? packed >> 6 : vandq_u8(packed, vdupq_n_u8((uint8_t)(3 << 2 * pair)));
}

/* The sums of groups of 16 whose weights are times {1, 1, 4, 4} and {16, 16, 1, 1}. */
INLINE int32x4_t without_powers(int32x4_t even, int32x4_t odd) {
    return vaddq_s32(vshlq_s32(even, (int32x4_t){0, 0, -2, -2}), vshlq_s32(odd, (int32x4_t){-4, -4, 0, 0}));
}

INLINE vi dot_q2_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const int8_t *quants = reload(x->quants);
    uint8x16_t packed = vld1q_u8(block);
    struct scales scales = widen(low_nibbles(packed));
    int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int n = 0; n < 2; n++) {
        uint8x16_t qs[2] = {vld1q_u8(block + 16 + 32 * n), vld1q_u8(block + 32 + 32 * n)};
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                uint8x16_t q = pair_of_bits(qs[k % 2], 2 * j + k / 2);
                products[k] = dot16(vreinterpretq_s8_u8(q), quants + 128 * n + 64 * j + 16 * k);
            }
            sums[j] = vmlaq_s32(sums[j], sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    int16x8_t low_mins = vmovl_s8(vget_low_s8(high_nibbles(packed)));
    int16x8_t high_mins = vmovl_high_s8(high_nibbles(packed));
    int32x4_t mins = vmull_s16(vget_low_s16(low_mins), vget_low_s16(x->sums[0]));
    mins = vmlal_high_s16(mins, low_mins, x->sums[0]);
    mins = vmlal_s16(mins, vget_low_s16(high_mins), vget_low_s16(x->sums[1]));
    *minimums = vmlal_high_s16(mins, high_mins, x->sums[1]);
    return without_powers(sums[0], sums[1]);
}

INLINE vi dot_q3_k(const uint8_t *block, const struct k_activations *x) {
    const int8_t *quants = reload(x->quants);
    uint64_t unpacked[2];
    unpack_scales_q3(block + 96, unpacked);
    struct scales scales = widen(vsubq_s8(two_words(unpacked), vdupq_n_s8(32)));
    uint8x16_t hmask[2] = {vld1q_u8(block), vld1q_u8(block + 16)};
    int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int n = 0; n < 2; n++) {
        uint8x16_t qs[2] = {vld1q_u8(block + 32 + 32 * n), vld1q_u8(block + 48 + 32 * n)};
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                int group = 8 * n + 4 * j + k;
                int pair = 2 * j + k / 2;
                int third = pair == 3 ? 2 : 2 * pair + 2; /* where the third bit goes */
                uint8x16_t high = moved(hmask[k % 2], third - (4 * n + pair));
                uint8x16_t q = vbslq_u8(vdupq_n_u8((uint8_t)(1 << third)), high, pair_of_bits(qs[k % 2], pair));
                products[k] = vdotq_s32(x->starts_q3_k[group], vreinterpretq_s8_u8(q), vld1q_s8(quants + 16 * group));
            }
            sums[j] = vmlaq_s32(sums[j], sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    return without_powers(sums[0], sums[1]);
}

/* Eight scales and eight mins of Q4_K and Q5_K, as 32-bit numbers: scales 0-3, mins 0-3, scales 4-7, mins 4-7. */
INLINE struct scales unpack_scales_of_32(const uint8_t *packed) {
    uint64_t unpacked[2];
    unpack_scales_and_mins(packed, unpacked);
    return widen(two_words(unpacked));
}

INLINE v4i minimums_of_32(struct scales scales, const struct k_activations *x) {
    return vmlaq_s32(vmulq_s32(scales.four[1], x->sums_of_32[0]), scales.four[3], x->sums_of_32[1]);
}

INLINE vi dot_q4_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const int8_t *quants = reload(x->quants);
    struct scales scales = unpack_scales_of_32(block + 4);
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        int32x4_t products[4];
        for (int k = 0; k < 2; k++) {
            const uint8_t *qs = block + 16 + 64 * n + 32 * k;
            const int8_t *xs = quants + 128 * n + 64 * k;
            uint8x16_t first = vld1q_u8(qs);
            uint8x16_t second = vld1q_u8(qs + 16);
            products[2 * k] = vdotq_s32(dot16(low_nibbles(first), xs), low_nibbles(second), vld1q_s8(xs + 16));
            products[2 * k + 1] = vdotq_s32(dot16(high_nibbles(first), xs + 32), high_nibbles(second), vld1q_s8(xs + 48));
        }
        sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n]);
    }
    *minimums = minimums_of_32(scales, x);
    return sums;
}

INLINE vi dot_q5_k(const uint8_t *block, const struct k_activations *x, v4i *minimums) {
    const int8_t *quants = reload(x->quants);
    struct scales scales = unpack_scales_of_32(block + 4);
    uint8x16_t qh[2] = {vld1q_u8(block + 16), vld1q_u8(block + 32)};
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        int32x4_t products[4];
        for (int k = 0; k < 4; k++) {
            products[k] = vdupq_n_s32(0);
            for (int i = 0; i < 2; i++) {
                uint8x16_t packed = vld1q_u8(block + 48 + 64 * n + k / 2 * 32 + 16 * i);
                int8x16_t low = k % 2 ? high_nibbles(packed) : low_nibbles(packed);
                uint8x16_t high = moved(qh[i], 4 - (4 * n + k)); /* bit 4 n + k goes to bit 4 */
                uint8x16_t q = vbslq_u8(vdupq_n_u8(0x10), high, vreinterpretq_u8_s8(low));
                products[k] =
                    vdotq_s32(products[k], vreinterpretq_s8_u8(q), vld1q_s8(quants + 128 * n + 32 * k + 16 * i));
            }
        }
        sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n]);
    }
    *minimums = minimums_of_32(scales, x);
    return sums;
}

INLINE vi dot_q6_k(const uint8_t *block, const struct k_activations *x) {
    const int8_t *quants = reload(x->quants);
    struct scales scales = widen(vld1q_s8((const int8_t *)block + 192));
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                int group = 8 * n + 4 * j + k;
                uint8x16_t packed = vld1q_u8(block + 64 * n + 16 * k);
                uint8x16_t qh = vld1q_u8(block + 128 + 32 * n + k % 2 * 16);
                int8x16_t low = j ? high_nibbles(packed) : low_nibbles(packed);
                uint8x16_t high = moved(qh, 4 - (4 * j + k / 2 * 2)); /* bits 4 j + 2 (k / 2) and the next go to bits 4 and 5 */
                uint8x16_t q = vbslq_u8(vdupq_n_u8(0x30), high, vreinterpretq_u8_s8(low));
                products[k] = vdotq_s32(x->starts_q6_k[group], vreinterpretq_s8_u8(q), vld1q_s8(quants + 16 * group));
            }
            sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    return sums;
}

INLINE vi dot_iq4_xs(const uint8_t *block, const struct k_activations *x) {
    int16x8_t scales = vmovl_s8(vsub_s8(vcreate_s8(unpack_scales_iq4_xs(block + 2)), vdup_n_s8(32)));
    const int32x4_t four[2] = {vmovl_s16(vget_low_s16(scales)), vmovl_s16(vget_high_s16(scales))};
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        int32x4_t products[4];
        for (int k = 0; k < 4; k++) {
            int group = 4 * n + k;
            products[k] = dot32(vdupq_n_s32(0), load_levels(block + 8 + 16 * group), load_bytes(x->quants + 32 * group));
        }
        sums = vmlaq_s32(sums, sums_of_4(products), four[n]);
    }
    return sums;
}

#include "tiles_neon.h"
#include "operations.h"
