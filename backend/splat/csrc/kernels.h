// The tile kernels, once per instruction set of the processor this is built for, and the choice
// among them at run time.
#pragma once

#include "raster.h"

// Numbers of native.py's INSTRUCTION_SETS; tile_kernels.inc sees its own as RASTER_LEVEL.
#define RASTER_PLAIN 0
#define RASTER_AVX2 1
#define RASTER_AVX512 2
#define RASTER_NEON 3

template <class T>
using TileFunction = void (*)(const TileJob<T>&);

RASTER_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
RASTER_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define TARGET_BEGIN(name) \
  RASTER_PRAGMA(clang attribute push(__attribute__((target(name))), apply_to = function))
#define TARGET_END RASTER_PRAGMA(clang attribute pop)

#define RASTER_LEVEL RASTER_PLAIN
#define MADD(a, b, c) ((a) * (b) + (c))
namespace plain {
#include "tile_kernels.inc"
}
#undef MADD
#undef RASTER_LEVEL

#define MADD(a, b, c) fused((a), (b), (c))
#define RASTER_LEVEL RASTER_AVX2
TARGET_BEGIN("avx2,fma")
namespace avx2 {
#include "tile_kernels.inc"
}
TARGET_END
#undef RASTER_LEVEL

#define RASTER_LEVEL RASTER_AVX512
TARGET_BEGIN("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")
namespace avx512 {
#include "tile_kernels.inc"
}
TARGET_END
#undef RASTER_LEVEL
#undef MADD

// Bit i: this processor and its system can run instruction set i.
inline uint32_t instruction_sets() {
  unsigned a, b, c, d, low, high;
  uint32_t found = 1 << RASTER_PLAIN;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA)) return found;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));  // the registers that the system saves
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
  if ((low & 0x06) == 0x06 && (b & bit_AVX2)) {
    found |= 1 << RASTER_AVX2;
    const unsigned needed = bit_AVX512F | bit_AVX512VL | bit_AVX512BW | bit_AVX512DQ;
    if ((low & 0xE6) == 0xE6 && (b & needed) == needed) found |= 1 << RASTER_AVX512;
  }
  return found;
}

template <class T>
TileFunction<T> choose(int instruction_set, bool want_backward) {
  TileFunction<T> forward = plain::forward, backward = plain::backward;
  if (instruction_set == RASTER_AVX2) forward = avx2::forward, backward = avx2::backward;
  if (instruction_set == RASTER_AVX512) forward = avx512::forward, backward = avx512::backward;
  return want_backward ? backward : forward;
}

#elif defined(__aarch64__)
#include <arm_neon.h>

#define RASTER_LEVEL RASTER_NEON
#define MADD(a, b, c) fused((a), (b), (c))
namespace neon {
#include "tile_kernels.inc"
}
#undef MADD
#undef RASTER_LEVEL

inline uint32_t instruction_sets() { return 1 << RASTER_NEON; }  // every arm64 has it

template <class T>
TileFunction<T> choose(int, bool want_backward) {
  TileFunction<T> forward = neon::forward, backward = neon::backward;
  return want_backward ? backward : forward;
}

#endif
