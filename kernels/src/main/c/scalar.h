/* What is not vectorized: loads from any address, and the mathematics of one number per head. */
#ifndef SCALAR_H
#define SCALAR_H

#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

INLINE uint16_t load16(const uint8_t *p) {
    uint16_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

INLINE uint32_t load32(const uint8_t *p) {
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

INLINE uint64_t load64(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

INLINE float bf16_to_float(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * e^x to a relative 1e-11 for x in [-700, 700], and the value at the bound beyond; NaN stays NaN. Taken apart as 2^k * e^r with
 * |r| ≤ ln 2 / 2, where ten terms of the series leave 1e-12.
 */
INLINE double exp_double(double x) {
    double bounded = x < -700 ? -700 : x > 700 ? 700 : x;
    const double round = 0x1.8p52; /* adding it leaves the nearest whole number in the low bits */
    double shifted = bounded * 1.4426950408889634 + round;
    double power = shifted - round;
    double r = bounded - power * 0x1.62e42fefa38p-1 - power * 0x1.ef35793c7673p-45;
    double sum = 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 1.0 / 2;
    sum = sum * r + 1;
    sum = sum * r + 1;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    uint64_t result;
    memcpy(&result, &sum, sizeof result);
    result += bits << 52;
    memcpy(&sum, &result, sizeof sum);
    return sum;
}

/*
 * log(1 + e^x) to a relative 1e-10. With u = e^-|x| and s = u / (2 + u) ≤ 1/3, log(1 + u) = 2 atanh(s) = 2 (s + s³/3 + s⁵/5 …).
 */
INLINE double softplus(double x) {
    double magnitude = x < 0 ? -x : x;
    double u = exp_double(-magnitude);
    double s = u / (2 + u);
    double square = s * s;
    double sum = 1.0 / 19;
    for (int k = 17; k >= 1; k -= 2) {
        sum = sum * square + 1.0 / k;
    }
    return (x < 0 ? 0 : x) + 2 * s * sum;
}

#endif
