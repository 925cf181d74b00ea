// Gaussians from near to far.
#pragma once

#include <algorithm>
#include <vector>

#include "raster.h"

// Stable, near to far. Positive floats sort like their bits.
inline void sort_by_depth(const Splat<float>* splats, std::vector<int32_t>& order) {
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

inline void sort_by_depth(const Splat<double>* splats, std::vector<int32_t>& order) {
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return splats[a].z < splats[b].z; });
}
