// Which Gaussians each tile sees. The picture is worked off in bands, rows of tiles.
#pragma once

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "raster.h"

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

inline int64_t tiles_in_band(const Rect& r, int row0, int row1) {
  int y0 = std::max<int>(r.y0, row0), y1 = std::min<int>(r.y1, row1);
  return y1 > y0 ? int64_t(y1 - y0) * (r.x1 - r.x0) : 0;
}

inline void fill_band(Band& band, const Tiles& tiles, const Rect* rects, const int32_t* order,
                      int64_t visible, int64_t count, int threads, bool backward) {
  const int64_t n_tiles = int64_t(band.row1 - band.row0) * tiles.columns;
  const int parts = std::max(1, int(std::min<int64_t>(threads, visible / 4096 + 1)));
  std::vector<int64_t> cursor(parts * n_tiles, 0);
  auto each = [&](int64_t part, auto&& visit) {
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
  parallel(threads, parts, [&](int64_t part, int) {
    int64_t* mine = cursor.data() + part * n_tiles;
    each(part, [&](int32_t, int64_t tile, int64_t) { ++mine[tile]; });
  });
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
  parallel(threads, parts, [&](int64_t part, int) {
    int64_t* mine = cursor.data() + part * n_tiles;
    each(part, [&](int32_t g, int64_t tile, int64_t nth) {
      const int64_t entry = mine[tile]++;
      band.list[entry] = g;
      if (backward) band.records[entry] = band.first[g] + nth;
    });
  });
}

// Rows of tiles are worked off in bands so that lists and records stay within a memory bound.
inline int rows_per_band(const Params& p, const Tiles& tiles, const Rect* rects, int64_t bytes) {
  int64_t entries = 0;
  for (int64_t g = 0; g < p.count; ++g) entries += tiles_in_band(rects[g], 0, tiles.rows);
  const int64_t bands = entries * bytes / p.record_bytes_max + 1;
  return int(std::max<int64_t>(1, (tiles.rows + bands - 1) / bands));
}
