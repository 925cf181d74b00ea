// Draws a made-up cloud with a library of the rasteriser, forward and backward, with every
// instruction set that runs here, and writes all results; see trial.py.
//
//     trial LIBRARY RESULTS

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../../backend/splat/csrc/raster.h"

#if defined(_WIN32)
#include <windows.h>
static void* find(const char* path, const char* name) {
  HMODULE library = LoadLibraryA(path);
  return library ? (void*)GetProcAddress(library, name) : nullptr;
}
#else
#include <dlfcn.h>
static void* find(const char* path, const char* name) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, name) : nullptr;
}
#endif

using Floats = std::vector<float>;
using Sets = uint32_t (*)();
using Forward = int64_t (*)(const Params*, const float*, const float*, const float*, const float*,
                            const float*, void*, void*, int32_t*, float*, float*, float*, int32_t*);
using Backward = int64_t (*)(const Params*, const float*, const float*, const float*, const float*,
                             const void*, const void*, const int32_t*, int64_t, const float*,
                             const int32_t*, const float*, const float*, const float*, float*,
                             float*, float*, float*, float*);

constexpr int COUNT = 20000, EDGE = 256;

static float random_number() {  // 0..1, the same everywhere
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return float(state >> 40) / float(1 << 24);
}

static Floats randoms(size_t count, float low, float high) {
  Floats values(count);
  for (float& value : values) value = low + (high - low) * random_number();
  return values;
}

int main(int, char** given) {
  const Sets sets = (Sets)find(given[1], "splat_instruction_sets");
  const Forward forward = (Forward)find(given[1], "splat_forward_f32");
  const Backward backward = (Backward)find(given[1], "splat_backward_f32");
  FILE* out = std::fopen(given[2], "wb");
  if (!sets || !forward || !backward || !out) return std::puts("cannot be loaded"), 3;
  for (const int channels : {3, 35, 5}) {
    const Floats means = randoms(3 * COUNT, -0.15f, 0.15f), quats = randoms(4 * COUNT, -1, 1);
    const Floats scales = randoms(3 * COUNT, 0.001f, 0.006f), opacities = randoms(COUNT, 0.02f, 1);
    const Floats features = randoms(size_t(channels) * COUNT, 0, 1);
    const size_t pixels = EDGE * EDGE;
    const Floats d_picture = randoms(pixels * channels, -1, 1), d_rest = randoms(pixels, -1, 1);
    for (int set = 0; set < 4; ++set) {
      if (!(sets() >> set & 1)) continue;
      Floats first;
      for (const int threads : {1, 3}) {
        Params p = {};
        p.count = COUNT, p.channels = channels, p.width = p.height = EDGE;
        p.viewmat[0] = p.viewmat[15] = 1, p.viewmat[5] = p.viewmat[10] = -1, p.viewmat[11] = 1.8;
        p.fx = p.fy = 6.0 * EDGE, p.cx = p.cy = 0.5 * EDGE;
        p.near_plane = 0.01, p.eps2d = 0.3, p.alpha_max = 0.999, p.record_bytes_max = 512 << 20;
        p.threads = threads, p.instruction_set = set;
        std::vector<Splat<float>> splats(COUNT);
        std::vector<Rect> rects(COUNT);
        std::vector<int32_t> order(COUNT), stop(pixels);
        Floats picture(pixels * channels), transmittance(pixels), z(pixels);
        Floats d_means(3 * COUNT), d_quats(4 * COUNT), d_scales(3 * COUNT), d_opacities(COUNT);
        Floats d_features(size_t(channels) * COUNT);
        const auto started = std::chrono::steady_clock::now();
        const int64_t visible = forward(
            &p, means.data(), quats.data(), scales.data(), opacities.data(), features.data(),
            splats.data(), rects.data(), order.data(), picture.data(), transmittance.data(),
            z.data(), stop.data());
        backward(&p, means.data(), quats.data(), scales.data(), features.data(), splats.data(),
                 rects.data(), order.data(), visible, transmittance.data(), stop.data(),
                 d_picture.data(), d_rest.data(), d_rest.data(), d_means.data(), d_quats.data(),
                 d_scales.data(), d_opacities.data(), d_features.data());
        const std::chrono::duration<double, std::milli> taken =
            std::chrono::steady_clock::now() - started;
        std::printf("%2d channels, set %d, %d threads: %6.1f ms, %d visible\n", channels, set,
                    threads, taken.count(), int(visible));
        Floats all;
        for (const Floats* part : {&picture, &transmittance, &z, &d_means, &d_quats, &d_scales,
                                   &d_opacities, &d_features}) {
          all.insert(all.end(), part->begin(), part->end());
        }
        if (threads == 1) first = all;
        if (std::memcmp(first.data(), all.data(), 4 * all.size())) {
          return std::puts("the number of threads changes the result"), 4;
        }
      }
      const int32_t header[] = {channels, set, int32_t(first.size())};
      std::fwrite(header, 4, 3, out);
      std::fwrite(first.data(), 4, first.size(), out);
    }
  }
  std::fclose(out);
  std::fflush(stdout);
  return 0;
}
