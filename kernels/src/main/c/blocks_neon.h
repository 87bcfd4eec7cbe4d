/* Products of int8 activations with a block of 32 values of four rows; part of neon.c. */
#define STEP 128

/* Values 0 to 15 and 16 to 31 of a block. */
struct halves {
    int8x16_t low;
    int8x16_t high;
};

INLINE struct halves load_bytes(const int8_t *p) {
    return (struct halves){vld1q_s8(p), vld1q_s8(p + 16)};
}

INLINE int32x4_t dot32(int32x4_t start, struct halves w, struct halves x) {
    return vdotq_s32(vdotq_s32(start, w.low, x.low), w.high, x.high);
}

INLINE int8x16_t low_nibbles(uint8x16_t packed) {
    return vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
}

INLINE int8x16_t high_nibbles(uint8x16_t packed) {
    return vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
}

INLINE struct halves load_nibbles(const uint8_t *p) {
    uint8x16_t packed = vld1q_u8(p);
    return (struct halves){low_nibbles(packed), high_nibbles(packed)};
}

/* Bytes of ones where bits from 8 * first_byte on are set. */
INLINE uint8x16_t ones_where_set(uint32_t bits, uint8_t first_byte) {
    const uint8x16_t second = vcombine_u8(vdup_n_u8(0), vdup_n_u8(1));
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_u32(vdupq_n_u32(bits)), vaddq_u8(second, vdupq_n_u8(first_byte)));
    return vtstq_u8(bytes, bit);
}

/* Nibbles, and above them the low four bits of other bytes; sli needs no mask. */
INLINE struct halves below(struct halves upper, const uint8_t *nibbles) {
    uint8x16_t packed = vld1q_u8(nibbles);
    uint8x16_t low = vsliq_n_u8(packed, vreinterpretq_u8_s8(upper.low), 4);
    uint8x16_t high = vsliq_n_u8(vshrq_n_u8(packed, 4), vreinterpretq_u8_s8(upper.high), 4);
    return (struct halves){vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)};
}

/* q - 16: where the fifth bit is not set, the upper ones of a negative number are. */
INLINE struct halves load_five_signed_bits(const uint8_t *qh, const uint8_t *q) {
    uint32_t clear = ~load32(qh);
    struct halves upper = {
        vreinterpretq_s8_u8(ones_where_set(clear, 0)), vreinterpretq_s8_u8(ones_where_set(clear, 2))};
    return below(upper, q);
}

INLINE struct halves load_five_bits(const uint8_t *qh, const uint8_t *q) {
    const uint8x16_t one = vdupq_n_u8(1);
    uint32_t set = load32(qh);
    struct halves upper = {
        vreinterpretq_s8_u8(vandq_u8(ones_where_set(set, 0), one)),
        vreinterpretq_s8_u8(vandq_u8(ones_where_set(set, 2), one))};
    return below(upper, q);
}

INLINE struct halves load_levels(const uint8_t *codes) {
    const int8x16_t levels = vld1q_s8(LEVELS);
    struct halves q = load_nibbles(codes);
    return (struct halves){
        vqtbl1q_s8(levels, vreinterpretq_u8_s8(q.low)), vqtbl1q_s8(levels, vreinterpretq_u8_s8(q.high))};
}

/* d * q, of which `start` is what sums begin with and `quants_of_block` the quants of `block`; both are expressions, of xs too. */
#define STEP_OF(name, bytes, start, quants_of_block)                                                                         \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        for (int k = 0; k < STEP / 32; k++) {                                                                                \
            const struct halves xs = load_bytes(x.quants + 32 * k);                                                          \
            const int32x4_t first = start;                                                                                   \
            int32x4_t products[ROWS];                                                                                        \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                products[r] = dot32(first, quants_of_block, xs);                                                             \
            }                                                                                                                \
            v4 factors = vmulq_n_f32(halves_of_rows(rows, at + bytes * k), x.scales[k]);                                     \
            sums = multiply_add(vcvtq_f32_s32(sums_of_4(products)), factors, sums);                                          \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

/* -8 times the sums of x, which the offset of the weights takes away. */
INLINE int32x4_t minus_8_times(struct halves x) {
    const struct halves minus_8 = {vdupq_n_s8(-8), vdupq_n_s8(-8)};
    return dot32(vdupq_n_s32(0), minus_8, x);
}

STEP_OF(add_step_q8_0, 34, vdupq_n_s32(0), load_bytes((const int8_t *)block + 2))
STEP_OF(add_step_q4_0, 18, minus_8_times(xs), load_nibbles(block + 2))
STEP_OF(add_step_q5_0, 22, vdupq_n_s32(0), load_five_signed_bits(block + 2, block + 6))
STEP_OF(add_step_iq4_nl, 18, vdupq_n_s32(0), load_levels(block + 2))

/* d * q + m, m behind d. */
#define STEP_WITH_MINIMUM(name, bytes, quants_of_block)                                                                      \
    INLINE v4 name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, v4 sums) {                             \
        for (int k = 0; k < STEP / 32; k++) {                                                                                \
            const struct halves xs = load_bytes(x.quants + 32 * k);                                                          \
            int32x4_t products[ROWS];                                                                                        \
            for (int r = 0; r < ROWS; r++) {                                                                                 \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                products[r] = dot32(vdupq_n_s32(0), quants_of_block, xs);                                                    \
            }                                                                                                                \
            v4 factors = vmulq_n_f32(halves_of_rows(rows, at + bytes * k), x.scales[k]);                                     \
            sums = multiply_add(vcvtq_f32_s32(sums_of_4(products)), factors, sums);                                          \
            float x_sum = (float)(x.sums[2 * k] + x.sums[2 * k + 1]) * x.scales[k];                                          \
            sums = multiply_add(halves_of_rows(rows, at + bytes * k + 2), set1(x_sum), sums);                                \
        }                                                                                                                    \
        return sums;                                                                                                         \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, load_nibbles(block + 4))
STEP_WITH_MINIMUM(add_step_q5_1, 24, load_five_bits(block + 4, block + 8))
