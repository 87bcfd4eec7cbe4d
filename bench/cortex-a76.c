/* Runs one kernel once, for CortexA76.java to trace: main OPERATION NUMBERS... */
#include <stdlib.h>
#include <string.h>

#include "mamba4j.h"

static void *memory(size_t bytes) {
    void *p = calloc(bytes + 64, 1);
    if (!p) {
        exit(2);
    }
    return p;
}

static float *floats(size_t count) {
    return memory(count * sizeof(float));
}

int main(int argc, char **argv) {
    int n[6] = {0};
    for (int i = 2; i < argc && i < 8; i++) {
        n[i - 2] = atoi(argv[i]);
    }
    const char *operation = argc > 1 ? argv[1] : "";
    if (!strcmp(operation, "multiply")) { /* type, block of activations, columns, bytes of a row, tokens, rows */
        size_t inputs = (size_t)n[2] * n[4];
        return !mamba4j_multiply(
            n[0], memory((size_t)n[3] * n[5]), n[5], n[2], floats(inputs), memory(inputs), floats(inputs), memory(4 * inputs), n[1],
            n[4], floats((size_t)n[4] * n[5]), n[5], 0);
    }
    if (!strcmp(operation, "norm")) { /* columns */
        mamba4j_rms_norm(floats(n[0]), floats(n[0]), n[0], n[0], 1e-5f, floats(n[0]));
        return 0;
    }
    if (!strcmp(operation, "quantize")) { /* block, columns */
        mamba4j_quantize(floats(n[1]), n[1], n[0], memory(n[1]), floats(n[1]), memory(4 * n[1]));
        return 0;
    }
    if (!strcmp(operation, "convolve")) { /* taps, channels */
        mamba4j_convolve(
            n[1], n[0], n[1], floats(n[0] * n[1]), floats(n[1]), floats(n[0] * n[1]), 1, floats(n[1]), n[1], floats(n[1]), n[1]);
        return 0;
    }
    if (!strcmp(operation, "scan")) { /* head size, state size, heads */
        int inner = n[0] * n[2];
        mamba4j_scan(
            0, n[2], n[0], n[1], n[2], floats(n[2]), floats(n[2]), floats(n[2]), 1, floats(inner), floats(n[2]), inner,
            floats(inner), floats(n[1]), floats(n[1]), inner, floats((size_t)inner * n[1]), floats(inner), floats(inner), inner);
        return 0;
    }
    return 2;
}
