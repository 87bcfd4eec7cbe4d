/* Products of int8 activations with four blocks of 32 values that have a scale each; part of neon.c. */
#define STEP 128

/* The scales of four blocks that are `bytes` apart. */
INLINE vf scales_of_4(const uint8_t *blocks, int bytes) {
    uint64_t halves = (uint64_t)load16(blocks) | (uint64_t)load16(blocks + bytes) << 16
        | (uint64_t)load16(blocks + 2 * bytes) << 32 | (uint64_t)load16(blocks + 3 * bytes) << 48;
    return vcvt_f32_f16(vreinterpret_f16_u64(vcreate_u64(halves)));
}

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

/* total + w's scales * x's scales * products, by blocks. */
INLINE vf add_products(vf total, const int32x4_t products[4], vf w_scales, vf x_scales) {
    return vfmaq_f32(total, vcvtq_f32_s32(sums_of_4(products)), vmulq_f32(w_scales, x_scales));
}

/* d * q; `quants_of_block` is an expression of `block`. */
#define STEP_OF(name, bytes, quants_of_block)                                                                                \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        vf x_scales = load(x.scales);                                                                                        \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            int32x4_t products[4];                                                                                           \
            for (int k = 0; k < 4; k++) {                                                                                    \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                products[k] = dot32(vdupq_n_s32(0), quants_of_block, load_bytes(x.quants + 32 * k));                         \
            }                                                                                                                \
            sums[r] = add_products(sums[r], products, scales_of_4(rows[r] + at, bytes), x_scales);                           \
        }                                                                                                                    \
    }

STEP_OF(add_step_q8_0, 34, load_bytes((const int8_t *)block + 2))
STEP_OF(add_step_q5_0, 22, load_five_signed_bits(block + 2, block + 6))
STEP_OF(add_step_iq4_nl, 18, load_levels(block + 2))

/* -8 times the sums of x, which the offset of the weights takes away, is where sums of products begin. */
INLINE void add_step_q4_0(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {
    const struct halves minus_8 = {vdupq_n_s8(-8), vdupq_n_s8(-8)};
    vf x_scales = load(x.scales);
    struct halves xs[4];
    int32x4_t offsets[4];
    for (int k = 0; k < 4; k++) {
        xs[k] = load_bytes(x.quants + 32 * k);
        offsets[k] = dot32(vdupq_n_s32(0), minus_8, xs[k]);
    }
    for (int r = 0; r < ROWS; r++) {
        int32x4_t products[4];
        for (int k = 0; k < 4; k++) {
            products[k] = dot32(offsets[k], load_nibbles(rows[r] + at + 18 * k + 2), xs[k]);
        }
        sums[r] = add_products(sums[r], products, scales_of_4(rows[r] + at, 18), x_scales);
    }
}

/* The sums of four blocks of activations times their scales: what the minimums of weights are multiplied by. */
INLINE vf scaled_sums(struct activations x) {
    int32x4_t sums = vpaddq_s32(vld1q_s32(x.sums), vld1q_s32(x.sums + 4));
    return vmulq_f32(vcvtq_f32_s32(sums), load(x.scales));
}

/* d * q + m, m behind d. */
#define STEP_WITH_MINIMUM(name, bytes, quants_of_block)                                                                      \
    INLINE void name(const uint8_t *const rows[ROWS], int64_t at, struct activations x, vf sums[ROWS]) {                     \
        vf x_scales = load(x.scales);                                                                                        \
        vf x_sums = scaled_sums(x);                                                                                          \
        for (int r = 0; r < ROWS; r++) {                                                                                     \
            int32x4_t products[4];                                                                                           \
            for (int k = 0; k < 4; k++) {                                                                                    \
                const uint8_t *block = rows[r] + at + bytes * k;                                                             \
                products[k] = dot32(vdupq_n_s32(0), quants_of_block, load_bytes(x.quants + 32 * k));                         \
            }                                                                                                                \
            sums[r] = vfmaq_f32(sums[r], scales_of_4(rows[r] + at + 2, bytes), x_sums);                                      \
            sums[r] = add_products(sums[r], products, scales_of_4(rows[r] + at, bytes), x_scales);                           \
        }                                                                                                                    \
    }

STEP_WITH_MINIMUM(add_step_q4_1, 20, load_nibbles(block + 4))
STEP_WITH_MINIMUM(add_step_q5_1, 24, load_five_bits(block + 4, block + 8))
