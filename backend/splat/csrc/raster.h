// Data that the projection, the binning and the tile kernels share.
// Vocabulary and rules: ../reference.py, which is the specification of everything here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#define RASTER_RESTRICT __restrict__
#define RASTER_INLINE static inline __attribute__((always_inline))
#if defined(_WIN32)
#define RASTER_EXPORT extern "C" __declspec(dllexport)
#else
#define RASTER_EXPORT extern "C" __attribute__((visibility("default")))
#endif
#define RASTER_PREFETCH(address) __builtin_prefetch(address)
#define RASTER_PRAGMA(text) _Pragma(#text)
#define RASTER_SIMD RASTER_PRAGMA(omp simd)
#define RASTER_SIMD_SUM(...) RASTER_PRAGMA(omp simd reduction(+ : __VA_ARGS__))

constexpr int TILE = 16;
constexpr int TILE_PIXELS = TILE * TILE;
constexpr int BLOCK = 16;   // pixels of a 4x4 block
constexpr int BLOCKS = 16;  // blocks of a tile
constexpr double ALPHA_MIN = 1.0 / 255.0;   // fainter contributions are skipped
constexpr double TRANSMITTANCE_MIN = 1e-4;  // a pixel ends before it would fall this low
constexpr int GEOMETRY = 7;  // gradients of one record after the features: see Moment

// Mirrors cpu.py's _Params; order and types must match.
struct Params {
  int64_t count, channels;
  int32_t width, height;
  double viewmat[16];
  double fx, fy, cx, cy;
  double near_plane, eps2d, alpha_max;
  int64_t record_bytes_max;
  int32_t mask_gradient, three_sigma, threads, instruction_set;
};

// One Gaussian as the tile kernels need it: a cache line in float32.
template <class T>
struct Splat {
  T mx, my;         // centre, pixels
  T a, b, c;        // conic: power = (a dx^2 + c dy^2) / 2 + b dx dy
  T opacity, z;     // z in metres
  T limit;          // power beyond which alpha is below ALPHA_MIN, a little more
  T extent_x, extent_y;  // half width and height of the visible ellipse, pixels
  T unused[6];
};

struct Rect {
  int16_t x0, y0, x1, y1;  // tiles, end exclusive; empty when not visible
};

// What the tile kernels sum over pixels of q = G dL/dalpha and of w dL/dz.
enum Moment { SUM_Q, SUM_QX, SUM_QY, SUM_QXX, SUM_QXY, SUM_QYY, SUM_WZ };

template <class T>
struct TileJob {
  const Splat<T>* splats;
  const int32_t* list;     // [n] Gaussians of this tile, near to far
  const int64_t* records;  // [n] where each entry's gradients go; backward only
  int n, channels;
  int x0, y0, x1, y1;      // the tile's pixels, end exclusive
  int width;
  T alpha_max;
  const T* features;       // [N, C]
  T* scratch;              // tile_scratch(channels) values, 64-byte aligned
  // [H, W, ...] outputs of the forward, inputs of the backward
  T* out_features;
  T* out_transmittance;
  T* out_z;
  int32_t* out_stop;       // list position before which the pixel ended
  const T* grad_features;
  const T* grad_transmittance;
  const T* grad_z;
  T* record_data;          // [records, record_stride], written where touched
  uint8_t* record_touched;  // [records] zero before
  int record_stride;
};

RASTER_INLINE int lowest_bit(uint32_t mask) { return __builtin_ctz(mask); }

inline int padded(int channels) { return (channels + 15) / 16 * 16; }
// Values that a tile needs; a multiple of 64 bytes.
inline int tile_scratch(int channels) { return (2 * TILE_PIXELS + 2) * padded(channels); }
