// The CPU rasteriser's C interface: pointers, sizes and a thread count; cpu.py calls it.
//
// Results do not depend on the number of threads: every list is filled in depth order and every
// sum is taken in one fixed order.

#include <algorithm>
#include <new>
#include <vector>

#include "bands.h"
#include "depth_order.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "project.h"
#include "raster.h"

// Bit i: this processor can run instruction set i (see kernels.h).
RASTER_EXPORT uint32_t splat_instruction_sets() { return instruction_sets(); }

template <class T>
static void run_tiles(const Params& p, const Tiles& tiles, const Band& band, TileFunction<T> tile,
                      const TileJob<T>& shared) {
  const int64_t n_tiles = int64_t(band.row1 - band.row0) * tiles.columns;
  const int64_t scratch = tile_scratch(int(p.channels));
  Pages<T> storage(scratch * p.threads + 64 / sizeof(T));
  T* aligned = (T*)((uintptr_t(storage.data) + 63) / 64 * 64);
  constexpr int64_t together = 4;  // tiles that a thread takes at a time
  parallel(p.threads, (n_tiles + together - 1) / together, [&](int64_t part, int worker) {
    TileJob<T> job = shared;
    job.scratch = aligned + scratch * worker;
    const int64_t end = std::min(n_tiles, (part + 1) * together);
    for (int64_t i = part * together; i < end; ++i) {
      const int row = band.row0 + int(i / tiles.columns), column = int(i % tiles.columns);
      job.x0 = column * TILE, job.x1 = std::min(p.width, job.x0 + TILE);
      job.y0 = row * TILE, job.y1 = std::min(p.height, job.y0 + TILE);
      job.n = int(band.start[i + 1] - band.start[i]);
      job.list = band.list.data() + band.start[i];
      job.records = band.records.empty() ? nullptr : band.records.data() + band.start[i];
      tile(job);
    }
  });
}

template <class T>
static int64_t forward(const Params& p, const T* means, const T* quats, const T* scales,
                       const T* opacities, const T* features, void* splat_memory, Rect* rects,
                       int32_t* order, T* out_features, T* out_transmittance, T* out_z,
                       int32_t* out_stop) {
  Splat<T>* splats = (Splat<T>*)splat_memory;
  const View<T> view(p);
  const Tiles tiles(p);
  parallel_ranges(p.threads, p.count, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      if (!project_splat(p, view, means + 3 * g, quats + 4 * g, scales + 3 * g, opacities[g],
                         splats[g], rects[g])) {
        rects[g] = Rect{0, 0, 0, 0};
      }
    }
  });
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
  parallel_ranges(p.threads, p.count, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
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
  });
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
  parallel_ranges(p.threads, p.count, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
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
  });
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

// The C++ runtime, which is linked in, would bring a reader of mangled names for a program's last
// words: a quarter of the library. With this one in its place names stay as they are.
extern "C" __attribute__((visibility("hidden"))) char* __cxa_demangle(const char*, char*, size_t*,
                                                                      int* status) {
  *status = -1;
  return nullptr;
}
