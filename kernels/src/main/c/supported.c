/*
 * Asks the machine; compiled without the instruction set that it asks for. One of the macros below says which that is. F16C, which
 * compilers know no name for here, is older than FMA.
 */
#include "mamba4j.h"

#if defined(__aarch64__)
#include <sys/auxv.h>

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

const int32_t mamba4j_interface = MAMBA4J_INTERFACE;

int32_t mamba4j_supported;

__attribute__((constructor)) static void ask(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
#if defined(MAMBA4J_AVX512)
    mamba4j_supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(MAMBA4J_AVX2)
    mamba4j_supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(MAMBA4J_NEON)
    mamba4j_supported = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
#error "no instruction set named"
#endif
}
