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

#include "blocks_neon.h"

/* A K block of activations. */
struct k_activations {
    const int8_t *quants;
    int32x4_t sums[4];
    int32x4_t sums_of_32[2];
    float scale;
};

INLINE struct k_activations load_k_activations(struct activations x, int i) {
    struct k_activations k = {.quants = x.quants + i, .scale = x.scales[i / K_BLOCK]};
    for (int j = 0; j < 4; j++) {
        k.sums[j] = vld1q_s32(x.sums + i / 16 + 4 * j);
    }
    k.sums_of_32[0] = vpaddq_s32(k.sums[0], k.sums[1]);
    k.sums_of_32[1] = vpaddq_s32(k.sums[2], k.sums[3]);
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

/* Σ scales * sums of 16. */
INLINE int32x4_t add_scaled_sums(const struct k_activations *x, struct scales scales) {
    int32x4_t result = vmulq_s32(scales.four[0], x->sums[0]);
    for (int j = 1; j < 4; j++) {
        result = vmlaq_s32(result, scales.four[j], x->sums[j]);
    }
    return result;
}

INLINE vf add_block(vf total, float scale, int32x4_t sums) {
    return vfmaq_n_f32(total, vcvtq_f32_s32(sums), scale);
}

INLINE float scale_at(const uint8_t *d) {
    return half_to_float(load16(d));
}

INLINE int32x4_t dot16(int8x16_t q, const int8_t *x) {
    return vdotq_s32(vdupq_n_s32(0), q, vld1q_s8(x));
}

INLINE vf add_q2_k(const uint8_t *block, const struct k_activations *x, vf total) {
    const uint8x16_t two_bits = vdupq_n_u8(3);
    uint8x16_t packed = vld1q_u8(block);
    struct scales scales = widen(low_nibbles(packed));
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        uint8x16_t qs[2] = {vld1q_u8(block + 16 + 32 * n), vld1q_u8(block + 32 + 32 * n)};
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                int8x16_t q = vreinterpretq_s8_u8(vandq_u8(qs[k % 2], two_bits));
                products[k] = dot16(q, x->quants + 128 * n + 64 * j + 16 * k);
                qs[k % 2] = vshrq_n_u8(qs[k % 2], 2);
            }
            sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    total = add_block(total, scale_at(block + 80) * x->scale, sums);
    return add_block(total, -scale_at(block + 82) * x->scale, add_scaled_sums(x, widen(high_nibbles(packed))));
}

INLINE vf add_q3_k(const uint8_t *block, const struct k_activations *x, vf total) {
    const uint8x16_t two_bits = vdupq_n_u8(3);
    uint64_t unpacked[2];
    unpack_scales_q3(block + 96, unpacked);
    struct scales scales = widen(vsubq_s8(two_words(unpacked), vdupq_n_s8(32)));
    uint8x16_t hmask[2] = {vld1q_u8(block), vld1q_u8(block + 16)};
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        uint8x16_t qs[2] = {vld1q_u8(block + 32 + 32 * n), vld1q_u8(block + 48 + 32 * n)};
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                uint8x16_t high = vshlq_n_u8(vandq_u8(hmask[k % 2], vdupq_n_u8(1)), 2);
                int8x16_t q = vreinterpretq_s8_u8(vorrq_u8(vandq_u8(qs[k % 2], two_bits), high));
                products[k] = dot16(q, x->quants + 128 * n + 64 * j + 16 * k);
                qs[k % 2] = vshrq_n_u8(qs[k % 2], 2);
                hmask[k % 2] = vshrq_n_u8(hmask[k % 2], 1);
            }
            sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    sums = vsubq_s32(sums, vshlq_n_s32(add_scaled_sums(x, scales), 2));
    return add_block(total, scale_at(block + 108) * x->scale, sums);
}

/* Eight scales and eight mins of Q4_K and Q5_K, as 32-bit numbers: scales 0-3, mins 0-3, scales 4-7, mins 4-7. */
INLINE struct scales unpack_scales_of_32(const uint8_t *packed) {
    uint64_t unpacked[2];
    unpack_scales_and_mins(packed, unpacked);
    return widen(two_words(unpacked));
}

INLINE vf add_block_with_mins(
    vf total, const uint8_t *d, const struct k_activations *x, int32x4_t sums, struct scales scales) {
    total = add_block(total, scale_at(d) * x->scale, sums);
    int32x4_t mins = vmulq_s32(scales.four[1], x->sums_of_32[0]);
    return add_block(total, -scale_at(d + 2) * x->scale, vmlaq_s32(mins, scales.four[3], x->sums_of_32[1]));
}

INLINE vf add_q4_k(const uint8_t *block, const struct k_activations *x, vf total) {
    struct scales scales = unpack_scales_of_32(block + 4);
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        int32x4_t products[4];
        for (int k = 0; k < 2; k++) {
            const uint8_t *qs = block + 16 + 64 * n + 32 * k;
            const int8_t *xs = x->quants + 128 * n + 64 * k;
            uint8x16_t first = vld1q_u8(qs);
            uint8x16_t second = vld1q_u8(qs + 16);
            products[2 * k] = vdotq_s32(dot16(low_nibbles(first), xs), low_nibbles(second), vld1q_s8(xs + 16));
            products[2 * k + 1] = vdotq_s32(dot16(high_nibbles(first), xs + 32), high_nibbles(second), vld1q_s8(xs + 48));
        }
        sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n]);
    }
    return add_block_with_mins(total, block, x, sums, scales);
}

INLINE vf add_q5_k(const uint8_t *block, const struct k_activations *x, vf total) {
    struct scales scales = unpack_scales_of_32(block + 4);
    const uint8x16_t fifth_bit = vdupq_n_u8(16);
    uint8x16_t qh[2] = {vld1q_u8(block + 16), vld1q_u8(block + 32)};
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        int32x4_t products[4];
        for (int k = 0; k < 4; k++) {
            products[k] = vdupq_n_s32(0);
            for (int i = 0; i < 2; i++) {
                uint8x16_t packed = vld1q_u8(block + 48 + 64 * n + k / 2 * 32 + 16 * i);
                int8x16_t low = k % 2 ? high_nibbles(packed) : low_nibbles(packed);
                /* Bit 4 n + k goes to bit 4. */
                uint8x16_t high = vandq_u8(vshlq_u8(qh[i], vdupq_n_s8((int8_t)(4 - 4 * n - k))), fifth_bit);
                int8x16_t q = vorrq_s8(low, vreinterpretq_s8_u8(high));
                products[k] = vdotq_s32(products[k], q, vld1q_s8(x->quants + 128 * n + 32 * k + 16 * i));
            }
        }
        sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n]);
    }
    return add_block_with_mins(total, block, x, sums, scales);
}

INLINE vf add_q6_k(const uint8_t *block, const struct k_activations *x, vf total) {
    const uint8x16_t two_bits = vdupq_n_u8(0x30);
    struct scales scales = widen(vld1q_s8((const int8_t *)block + 192));
    int32x4_t sums = vdupq_n_s32(0);
    for (int n = 0; n < 2; n++) {
        for (int j = 0; j < 2; j++) {
            int32x4_t products[4];
            for (int k = 0; k < 4; k++) {
                uint8x16_t packed = vld1q_u8(block + 64 * n + 16 * k);
                uint8x16_t qh = vld1q_u8(block + 128 + 32 * n + k % 2 * 16);
                int8x16_t low = j ? high_nibbles(packed) : low_nibbles(packed);
                /* Bits 4 j + 2 (k / 2) and the next go to bits 4 and 5. */
                uint8x16_t high = vshlq_u8(qh, vdupq_n_s8((int8_t)(4 - 4 * j - 2 * (k / 2))));
                int8x16_t q = vorrq_s8(low, vreinterpretq_s8_u8(vandq_u8(high, two_bits)));
                products[k] = dot16(q, x->quants + 128 * n + 64 * j + 16 * k);
            }
            sums = vmlaq_s32(sums, sums_of_4(products), scales.four[2 * n + j]);
        }
    }
    sums = vsubq_s32(sums, vshlq_n_s32(add_scaled_sums(x, scales), 5));
    return add_block(total, scale_at(block + 208) * x->scale, sums);
}

INLINE vf add_iq4_xs(const uint8_t *block, const struct k_activations *x, vf total) {
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
    return add_block(total, scale_at(block) * x->scale, sums);
}

#include "operations.h"
