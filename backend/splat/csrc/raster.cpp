// The CPU rasteriser's C interface: projection, depth order, binning into tiles, and the parallel
// loops. No torch headers: cpu.py passes plain pointers, which keeps the build short and the
// library independent of torch's ABI.
//
// Results do not depend on the number of threads: every list is filled in depth order and every
// sum is taken in one fixed order.

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "project.h"
#include "raster.h"

// ---- the tile kernels, once per instruction set ----

#define MADD(a, b, c) ((a) * (b) + (c))
#define RASTER_LEVEL 0
namespace plain {
#include "tile_kernels.inc"
}
#undef RASTER_LEVEL
#undef MADD

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define RASTER_X86 1
#include <immintrin.h>
#if defined(__clang__)
#define TARGET_BEGIN(name) \
  RASTER_PRAGMA(clang attribute push(__attribute__((target(name))), apply_to = function))
#define TARGET_END RASTER_PRAGMA(clang attribute pop)
#else
#define TARGET_BEGIN(name) RASTER_PRAGMA(GCC push_options) RASTER_PRAGMA(GCC target(name))
#define TARGET_END RASTER_PRAGMA(GCC pop_options)
#endif
static inline __attribute__((always_inline)) float fused(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
static inline __attribute__((always_inline)) double fused(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
#define MADD(a, b, c) fused((a), (b), (c))

TARGET_BEGIN("avx2,fma")
#define RASTER_LEVEL 1
namespace avx2 {
#include "tile_kernels.inc"
}
#undef RASTER_LEVEL
TARGET_END

#if defined(__clang__)
TARGET_BEGIN("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")
#else
TARGET_BEGIN("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512")
#endif
#define RASTER_LEVEL 2
namespace avx512 {
#include "tile_kernels.inc"
}
#undef RASTER_LEVEL
TARGET_END
#undef MADD
#endif

// 0 plain, 1 AVX2, 2 AVX-512
RASTER_EXPORT int32_t splat_instruction_set() {
#if defined(RASTER_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    return 2;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
  return 0;
}

template <class T>
using TileFunction = void (*)(const TileJob<T>&);

template <class T>
static TileFunction<T> pick(TileFunction<T> forward, TileFunction<T> backward, bool want_backward) {
  return want_backward ? backward : forward;
}

template <class T>
static TileFunction<T> choose(int instruction_set, bool backward) {
#if defined(RASTER_X86)
  if (instruction_set == 2) return pick<T>(avx512::forward, avx512::backward, backward);
  if (instruction_set == 1) return pick<T>(avx2::forward, avx2::backward, backward);
#endif
  return pick<T>(plain::forward, plain::backward, backward);
}

// ---- memory ----

// Fresh memory costs a page fault every 4 KiB, which at 100 MB is a tenth of a backward pass.
static void prefer_huge_pages(void* memory, size_t bytes) {
#if defined(__linux__)
  const uintptr_t page = 4096, begin = (uintptr_t(memory) + page - 1) / page * page;
  const uintptr_t end = (uintptr_t(memory) + bytes) / page * page;
  if (bytes >= (8u << 20)) madvise((void*)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

template <class T>
struct Pages {
  T* data;  // not initialised
  explicit Pages(int64_t count) : data((T*)std::malloc(sizeof(T) * (count + 1))) {
    if (!data) throw std::bad_alloc();
    prefer_huge_pages(data, sizeof(T) * count);
  }
  ~Pages() { std::free(data); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
};

// ---- depth order ----

// Stable, near to far. Positive floats sort like their bits.
static void sort_by_depth(const Splat<float>* splats, std::vector<int32_t>& order) {
  const size_t n = order.size();
  std::vector<uint32_t> keys(n), keys_out(n);
  std::vector<int32_t> order_out(n);
  std::vector<size_t> counts(3 * 2048, 0);
  for (size_t i = 0; i < n; ++i) {
    std::memcpy(&keys[i], &splats[order[i]].z, 4);
    for (int pass = 0; pass < 3; ++pass) ++counts[pass * 2048 + (keys[i] >> (11 * pass) & 2047)];
  }
  for (int pass = 0; pass < 3; ++pass) {
    size_t* count = counts.data() + pass * 2048;
    size_t sum = 0;
    for (int digit = 0; digit < 2048; ++digit) {
      size_t here = count[digit];
      count[digit] = sum;
      sum += here;
    }
    for (size_t i = 0; i < n; ++i) {
      size_t to = count[keys[i] >> (11 * pass) & 2047]++;
      keys_out[to] = keys[i];
      order_out[to] = order[i];
    }
    keys.swap(keys_out);
    order.swap(order_out);
  }
}

static void sort_by_depth(const Splat<double>* splats, std::vector<int32_t>& order) {
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return splats[a].z < splats[b].z; });
}

// ---- tile lists ----

struct Tiles {
  int columns, rows;
  explicit Tiles(const Params& p)
      : columns((p.width + TILE - 1) / TILE), rows((p.height + TILE - 1) / TILE) {}
};

// Lists of the tiles of rows [row0, row1), each near to far.
struct Band {
  int row0, row1;
  std::vector<int64_t> start;    // [tiles + 1] where each tile's list begins
  std::vector<int32_t> list;     // Gaussians
  std::vector<int64_t> records;  // backward: record of each entry
  std::vector<int64_t> first;    // backward: [N + 1] records of each Gaussian, contiguous
};

static int64_t tiles_in_band(const Rect& r, int row0, int row1) {
  int y0 = std::max<int>(r.y0, row0), y1 = std::min<int>(r.y1, row1);
  return y1 > y0 ? int64_t(y1 - y0) * (r.x1 - r.x0) : 0;
}

static void fill_band(Band& band, const Tiles& tiles, const Rect* rects, const int32_t* order,
                      int64_t visible, int64_t count, int threads, bool backward) {
  const int64_t n_tiles = int64_t(band.row1 - band.row0) * tiles.columns;
  const int parts = std::max(1, int(std::min<int64_t>(threads, visible / 4096 + 1)));
  std::vector<int64_t> cursor(parts * n_tiles, 0);
  auto each = [&](int part, auto&& visit) {
    const int64_t begin = visible * part / parts, end = visible * (part + 1) / parts;
    for (int64_t i = begin; i < end; ++i) {
      const Rect& r = rects[order[i]];
      const int y0 = std::max<int>(r.y0, band.row0), y1 = std::min<int>(r.y1, band.row1);
      int64_t nth = 0;
      for (int y = y0; y < y1; ++y) {
        for (int x = r.x0; x < r.x1; ++x) {
          visit(order[i], int64_t(y - band.row0) * tiles.columns + x, nth++);
        }
      }
    }
  };
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int part = 0; part < parts; ++part) {
    int64_t* mine = cursor.data() + part * n_tiles;
    each(part, [&](int32_t, int64_t tile, int64_t) { ++mine[tile]; });
  }
  band.start.assign(n_tiles + 1, 0);
  int64_t total = 0;
  for (int64_t tile = 0; tile < n_tiles; ++tile) {
    band.start[tile] = total;
    for (int part = 0; part < parts; ++part) {
      int64_t here = cursor[part * n_tiles + tile];
      cursor[part * n_tiles + tile] = total;
      total += here;
    }
  }
  band.start[n_tiles] = total;
  band.list.resize(total);
  if (backward) {
    band.records.resize(total);
    band.first.resize(count + 1);
    band.first[0] = 0;
    for (int64_t g = 0; g < count; ++g) {
      band.first[g + 1] = band.first[g] + tiles_in_band(rects[g], band.row0, band.row1);
    }
  }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int part = 0; part < parts; ++part) {
    int64_t* mine = cursor.data() + part * n_tiles;
    each(part, [&](int32_t g, int64_t tile, int64_t nth) {
      const int64_t entry = mine[tile]++;
      band.list[entry] = g;
      if (backward) band.records[entry] = band.first[g] + nth;
    });
  }
}

// Rows of tiles are worked off in bands so that lists and records stay within a memory bound.
static int rows_per_band(const Params& p, const Tiles& tiles, const Rect* rects, int64_t bytes) {
  int64_t entries = 0;
  for (int64_t g = 0; g < p.count; ++g) entries += tiles_in_band(rects[g], 0, tiles.rows);
  const int64_t bands = entries * bytes / p.record_bytes_max + 1;
  return int(std::max<int64_t>(1, (tiles.rows + bands - 1) / bands));
}

template <class T>
static void run_tiles(const Params& p, const Tiles& tiles, const Band& band, TileFunction<T> tile,
                      const TileJob<T>& shared) {
  const int64_t n_tiles = int64_t(band.row1 - band.row0) * tiles.columns;
#pragma omp parallel num_threads(p.threads)
  {
    std::vector<T> storage(tile_scratch(int(p.channels)) + 64 / sizeof(T));
    TileJob<T> job = shared;
    job.scratch = (T*)((uintptr_t(storage.data()) + 63) / 64 * 64);
#pragma omp for schedule(dynamic, 4)
    for (int64_t i = 0; i < n_tiles; ++i) {
      const int row = band.row0 + int(i / tiles.columns), column = int(i % tiles.columns);
      job.x0 = column * TILE, job.x1 = std::min(p.width, job.x0 + TILE);
      job.y0 = row * TILE, job.y1 = std::min(p.height, job.y0 + TILE);
      job.n = int(band.start[i + 1] - band.start[i]);
      job.list = band.list.data() + band.start[i];
      job.records = band.records.empty() ? nullptr : band.records.data() + band.start[i];
      tile(job);
    }
  }
}

template <class T>
static int64_t forward(const Params& p, const T* means, const T* quats, const T* scales,
                       const T* opacities, const T* features, void* splat_memory, Rect* rects,
                       int32_t* order, T* out_features, T* out_transmittance, T* out_z,
                       int32_t* out_stop) {
  Splat<T>* splats = (Splat<T>*)splat_memory;
  const View<T> view(p);
  const Tiles tiles(p);
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t g = 0; g < p.count; ++g) {
    if (!project_splat(p, view, means + 3 * g, quats + 4 * g, scales + 3 * g, opacities[g],
                       splats[g], rects[g])) {
      rects[g] = Rect{0, 0, 0, 0};
    }
  }
  std::vector<int32_t> visible;
  visible.reserve(p.count);
  for (int64_t g = 0; g < p.count; ++g) {
    if (rects[g].x1 > rects[g].x0) visible.push_back(int32_t(g));
  }
  sort_by_depth(splats, visible);
  std::copy(visible.begin(), visible.end(), order);
  TileJob<T> job = {};
  job.splats = splats, job.features = features, job.channels = int(p.channels);
  job.width = p.width, job.alpha_max = T(p.alpha_max);
  job.out_features = out_features, job.out_transmittance = out_transmittance;
  job.out_z = out_z, job.out_stop = out_stop;
  prefer_huge_pages(out_features, sizeof(T) * p.width * p.height * p.channels);
  const int step = rows_per_band(p, tiles, rects, sizeof(int32_t));
  Band band;
  for (band.row0 = 0; band.row0 < tiles.rows; band.row0 = band.row1) {
    band.row1 = std::min(tiles.rows, band.row0 + step);
    fill_band(band, tiles, rects, order, int64_t(visible.size()), p.count, p.threads, false);
    run_tiles(p, tiles, band, choose<T>(p.instruction_set, false), job);
  }
  return int64_t(visible.size());
}

// Adds up each Gaussian's records of one band, in the order of its tiles. The first band also
// clears the sums.
template <class T>
static void add_records(const Params& p, const Band& band, const TileJob<T>& job, T* d_features,
                        T* moments) {
  const int channels = int(p.channels);
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t g = 0; g < p.count; ++g) {
    T* features = d_features + g * channels;
    if (band.row0 == 0) {
      std::memset(features, 0, sizeof(T) * channels);
      std::memset(moments + g * GEOMETRY, 0, sizeof(T) * GEOMETRY);
    }
    for (int64_t r = band.first[g]; r < band.first[g + 1]; ++r) {
      if (!job.record_touched[r]) continue;
      const T* record = job.record_data + r * job.record_stride;
      for (int c = 0; c < channels; ++c) features[c] += record[c];
      for (int m = 0; m < GEOMETRY; ++m) moments[g * GEOMETRY + m] += record[channels + m];
    }
  }
}

template <class T>
static void backward(const Params& p, const T* means, const T* quats, const T* scales,
                     const T* features, const void* splat_memory, const Rect* rects,
                     const int32_t* order, int64_t visible, const T* transmittance,
                     const int32_t* stop, const T* grad_features, const T* grad_transmittance,
                     const T* grad_z, T* d_means, T* d_quats, T* d_scales, T* d_opacities,
                     T* d_features) {
  const Splat<T>* splats = (const Splat<T>*)splat_memory;
  const View<T> view(p);
  const Tiles tiles(p);
  const int stride = int(p.channels) + GEOMETRY;
  Pages<T> moments(p.count * GEOMETRY);
  std::vector<uint8_t> touched;
  TileJob<T> job = {};
  job.splats = splats, job.features = features, job.channels = int(p.channels);
  job.width = p.width, job.alpha_max = T(p.alpha_max);
  job.out_transmittance = const_cast<T*>(transmittance);
  job.out_stop = const_cast<int32_t*>(stop);
  job.grad_features = grad_features, job.grad_transmittance = grad_transmittance;
  job.grad_z = grad_z, job.record_stride = stride;
  prefer_huge_pages(d_features, sizeof(T) * p.count * p.channels);
  const int step = rows_per_band(p, tiles, rects, int64_t(stride) * sizeof(T) + 12);
  Band band;
  for (band.row0 = 0; band.row0 < tiles.rows; band.row0 = band.row1) {
    band.row1 = std::min(tiles.rows, band.row0 + step);
    fill_band(band, tiles, rects, order, visible, p.count, p.threads, true);
    Pages<T> records(stride * int64_t(band.list.size()));
    touched.assign(band.list.size(), 0);
    job.record_data = records.data;
    job.record_touched = touched.data();
    run_tiles(p, tiles, band, choose<T>(p.instruction_set, true), job);
    add_records(p, band, job, d_features, moments.data);
  }
#pragma omp parallel for num_threads(p.threads) schedule(static)
  for (int64_t g = 0; g < p.count; ++g) {
    if (rects[g].x1 <= rects[g].x0) {
      for (int i = 0; i < 3; ++i) d_means[3 * g + i] = d_scales[3 * g + i] = T(0);
      for (int i = 0; i < 4; ++i) d_quats[4 * g + i] = T(0);
      d_opacities[g] = T(0);
      continue;
    }
    project_gradient(p, view, splats[g], moments.data + g * GEOMETRY, means + 3 * g,
                     quats + 4 * g, scales + 3 * g, d_means + 3 * g, d_quats + 4 * g,
                     d_scales + 3 * g, d_opacities + g);
  }
}

// ---- C interface: forward returns the number of visible Gaussians, -1 when memory ran out ----

#define RASTER_INTERFACE(T, suffix)                                                               \
  RASTER_EXPORT int64_t splat_forward_##suffix(                                                   \
      const Params* p, const T* means, const T* quats, const T* scales, const T* opacities,       \
      const T* features, void* splats, void* rects, int32_t* order, T* out_features,              \
      T* out_transmittance, T* out_z, int32_t* out_stop) {                                        \
    try {                                                                                         \
      return forward<T>(*p, means, quats, scales, opacities, features, splats, (Rect*)rects,      \
                        order, out_features, out_transmittance, out_z, out_stop);                 \
    } catch (const std::bad_alloc&) {                                                             \
      return -1;                                                                                  \
    }                                                                                             \
  }                                                                                               \
  RASTER_EXPORT int64_t splat_backward_##suffix(                                                  \
      const Params* p, const T* means, const T* quats, const T* scales, const T* features,        \
      const void* splats, const void* rects, const int32_t* order, int64_t visible,               \
      const T* transmittance, const int32_t* stop, const T* grad_features,                        \
      const T* grad_transmittance, const T* grad_z, T* d_means, T* d_quats, T* d_scales,          \
      T* d_opacities, T* d_features) {                                                            \
    try {                                                                                         \
      backward<T>(*p, means, quats, scales, features, splats, (const Rect*)rects, order, visible, \
                  transmittance, stop, grad_features, grad_transmittance, grad_z, d_means,        \
                  d_quats, d_scales, d_opacities, d_features);                                    \
      return 0;                                                                                   \
    } catch (const std::bad_alloc&) {                                                             \
      return -1;                                                                                  \
    }                                                                                             \
  }

RASTER_INTERFACE(float, f32)
RASTER_INTERFACE(double, f64)
