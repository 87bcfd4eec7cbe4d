/*
 * The block layouts of GGUF's tensor types, and how the values of a block become floats one by one: for products with float
 * activations, which are there for exactness. d and dmin are half-precision scales; bytes are named as in ggml's headers.
 *
 *   Q8_0  32 values,  34 bytes: d, q[32]                                          d * q
 *   Q4_0  32 values,  18 bytes: d, q[16]                                          d * (q - 8)
 *   Q4_1  32 values,  20 bytes: d, m, q[16]                                       d * q + m
 *   Q5_0  32 values,  22 bytes: d, qh[4], q[16]                                   d * (q - 16)
 *   Q5_1  32 values,  24 bytes: d, m, qh[4], q[16]                                d * q + m
 *   IQ4_NL 32 values, 18 bytes: d, q[16]                                          d * LEVELS[q]
 *   Q2_K 256 values,  84 bytes: scales[16] (scale | min << 4), qs[64], d, dmin    d * scale * q - dmin * min
 *   Q3_K 256 values, 110 bytes: hmask[32], qs[64], scales[12], d                  d * (scale - 32) * (q - 4)
 *   Q4_K 256 values, 144 bytes: d, dmin, scales[12], qs[128]                      d * scale * q - dmin * min
 *   Q5_K 256 values, 176 bytes: d, dmin, scales[12], qh[32], qs[128]              d * scale * q - dmin * min
 *   Q6_K 256 values, 210 bytes: ql[128], qh[64], scales[16] (signed), d           d * scale * (q - 32)
 *   IQ4_XS 256 values, 136 bytes: d, scales_h[2], scales_l[4], q[128]             d * (scale - 32) * LEVELS[q]
 *
 * Blocks of 32 have values 0 to 15 in the low nibbles and 16 to 31 in the high ones; bit i of qh is the fifth of value i. A scale
 * serves 32 values in Q4_K, Q5_K and IQ4_XS, 16 in the other K types.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "scalar.h"

enum {
    TYPE_F32 = 0,
    TYPE_F16 = 1,
    TYPE_Q4_0 = 2,
    TYPE_Q4_1 = 3,
    TYPE_Q5_0 = 6,
    TYPE_Q5_1 = 7,
    TYPE_Q8_0 = 8,
    TYPE_Q2_K = 10,
    TYPE_Q3_K = 11,
    TYPE_Q4_K = 12,
    TYPE_Q5_K = 13,
    TYPE_Q6_K = 14,
    TYPE_IQ4_NL = 20,
    TYPE_IQ4_XS = 23,
    TYPE_BF16 = 30
};

/* Values of a block of a K type, and of the activations for them. */
#define K_BLOCK 256

/* Rows that share the loads of the activations and hide each other's latencies. */
#define ROWS 4

/* What the codes of IQ4_NL and IQ4_XS stand for. */
static const int8_t LEVELS[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* One vector of activations: floats, and their int8 form, see mamba4j_quantize. */
struct activations {
    const float *values;
    const int8_t *quants;
    const float *scales;
    const int32_t *sums;
};

/* Eight times a byte. */
#define BYTES(x) (0x0101010101010101u * (x))

/*
 * The 6-bit scales and mins of Q4_K and Q5_K, as 16 bytes: scales 0-3, mins 0-3, scales 4-7, mins 4-7. The first eight are the low
 * 6 bits of bytes 0-7; the others have their low 4 bits in the nibbles of bytes 8-11 and the rest on top of bytes 0-7.
 */
INLINE void unpack_scales_and_mins(const uint8_t *packed, uint64_t out[2]) {
    uint64_t first = load64(packed);
    uint64_t nibbles = load32(packed + 8);
    out[0] = first & BYTES(0x3f);
    out[1] = ((first >> 2) & BYTES(0x30)) | ((nibbles | nibbles << 28) & BYTES(0x0f));
}

/*
 * The 6-bit scales of Q3_K, as 16 bytes from 0 to 63: low 4 bits in the nibbles of bytes 0-7, high 2 bits in pairs of bits of bytes
 * 8-11.
 */
INLINE void unpack_scales_q3(const uint8_t *packed, uint64_t out[2]) {
    uint64_t low = load64(packed);
    uint64_t high = load32(packed + 8);
    out[0] = (low & BYTES(0x0f)) | (((high << 4) | (high << 34)) & BYTES(0x30));
    out[1] = ((low >> 4) & BYTES(0x0f)) | ((high | (high << 30)) & BYTES(0x30));
}

/*
 * The 6-bit scales of IQ4_XS, as 8 bytes from 0 to 63: low 4 bits in the nibbles of bytes 2-5, high 2 bits in pairs of bits of bytes
 * 0-1. Each step moves the upper half of every piece away from the lower one.
 */
INLINE uint64_t unpack_scales_iq4_xs(const uint8_t *packed) {
    uint64_t high = load16(packed);
    uint64_t low = load32(packed + 2);
    low = (low | low << 16) & 0x0000ffff0000ffffu;
    low = (low | low << 8) & 0x00ff00ff00ff00ffu;
    low = (low | low << 4) & BYTES(0x0f);
    high = (high | high << 24) & 0x000000ff000000ffu;
    high = (high | high << 12) & 0x000f000f000f000fu;
    high = (high | high << 6) & BYTES(0x03);
    return low | high << 4;
}

/* Where scale or min j of Q4_K and Q5_K is among the 16 bytes; mins are 4 further. */
INLINE int scale_index(int j) {
    return j < 4 ? j : j + 4;
}

INLINE void decode_q8_0(const uint8_t *block, float d, float *out) {
    for (int i = 0; i < 32; i++) {
        out[i] = d * (int8_t)block[2 + i];
    }
}

INLINE void decode_q4_0(const uint8_t *block, float d, float *out) {
    for (int i = 0; i < 16; i++) {
        out[i] = d * ((block[2 + i] & 15) - 8);
        out[16 + i] = d * ((block[2 + i] >> 4) - 8);
    }
}

INLINE void decode_q4_1(const uint8_t *block, float d, float m, float *out) {
    for (int i = 0; i < 16; i++) {
        out[i] = d * (block[4 + i] & 15) + m;
        out[16 + i] = d * (block[4 + i] >> 4) + m;
    }
}

/* The 5-bit quants of Q5_0 and Q5_1. */
INLINE void decode_fifth_bits(const uint8_t *qh, const uint8_t *qs, int quants[32]) {
    uint32_t high = load32(qh);
    for (int i = 0; i < 16; i++) {
        quants[i] = (qs[i] & 15) | (int)(high >> i & 1) << 4;
        quants[16 + i] = qs[i] >> 4 | (int)(high >> (16 + i) & 1) << 4;
    }
}

INLINE void decode_q5_0(const uint8_t *block, float d, float *out) {
    int quants[32];
    decode_fifth_bits(block + 2, block + 6, quants);
    for (int i = 0; i < 32; i++) {
        out[i] = d * (quants[i] - 16);
    }
}

INLINE void decode_q5_1(const uint8_t *block, float d, float m, float *out) {
    int quants[32];
    decode_fifth_bits(block + 4, block + 8, quants);
    for (int i = 0; i < 32; i++) {
        out[i] = d * quants[i] + m;
    }
}

/* 32 codes of levels. */
INLINE void decode_levels(const uint8_t *codes, float scale, float *out) {
    for (int i = 0; i < 16; i++) {
        out[i] = scale * LEVELS[codes[i] & 15];
        out[16 + i] = scale * LEVELS[codes[i] >> 4];
    }
}

INLINE void decode_iq4_xs(const uint8_t *block, float d, float *out) {
    uint64_t scales = unpack_scales_iq4_xs(block + 2);
    for (int j = 0; j < 8; j++) {
        int scale = (int)(scales >> 8 * j & 63) - 32;
        decode_levels(block + 8 + 16 * j, d * scale, out + 32 * j);
    }
}

INLINE void decode_q2_k(const uint8_t *block, float d, float dmin, float *out) {
    for (int i = 0; i < 256; i++) {
        int q = block[16 + i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
        int scale = block[i / 16];
        out[i] = d * (scale & 15) * q - dmin * (scale >> 4);
    }
}

INLINE void decode_q3_k(const uint8_t *block, float d, float *out) {
    uint64_t packed[2];
    uint8_t scales[16];
    unpack_scales_q3(block + 96, packed);
    memcpy(scales, packed, sizeof scales);
    for (int i = 0; i < 256; i++) {
        int low = block[32 + i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
        int high = block[i % 32] >> (i / 32) & 1;
        out[i] = d * (scales[i / 16] - 32) * (low + 4 * high - 4);
    }
}

INLINE void decode_q4_k(const uint8_t *block, float d, float dmin, float *out) {
    uint64_t packed[2];
    uint8_t scales[16];
    unpack_scales_and_mins(block + 4, packed);
    memcpy(scales, packed, sizeof scales);
    for (int i = 0; i < 256; i++) {
        int q = block[16 + i / 64 * 32 + i % 32] >> (4 * (i / 32 % 2)) & 15;
        int j = scale_index(i / 32);
        out[i] = d * scales[j] * q - dmin * scales[j + 4];
    }
}

INLINE void decode_q5_k(const uint8_t *block, float d, float dmin, float *out) {
    uint64_t packed[2];
    uint8_t scales[16];
    unpack_scales_and_mins(block + 4, packed);
    memcpy(scales, packed, sizeof scales);
    for (int i = 0; i < 256; i++) {
        int low = block[48 + i / 64 * 32 + i % 32] >> (4 * (i / 32 % 2)) & 15;
        int high = block[16 + i % 32] >> (i / 32) & 1;
        int j = scale_index(i / 32);
        out[i] = d * scales[j] * (low + 16 * high) - dmin * scales[j + 4];
    }
}

INLINE void decode_q6_k(const uint8_t *block, float d, float *out) {
    for (int i = 0; i < 256; i++) {
        int low = block[i / 128 * 64 + i % 64] >> (4 * (i / 64 % 2)) & 15;
        int high = block[128 + i / 128 * 32 + i % 32] >> (2 * (i / 32 % 4)) & 3;
        int scale = (int8_t)block[192 + i / 16];
        out[i] = d * scale * (low + 16 * high - 32);
    }
}

#endif
