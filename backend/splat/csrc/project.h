// One Gaussian from head space to the picture and its gradient back. The same operations in the
// same order as ../projection.py, and never contracted to fused multiply-adds: depths, which decide
// the order of compositing, must agree to the last bit.
#pragma once

#include "raster.h"

template <class T>
struct View {
  T w[3][3], t[3];
  T fx, fy, cx, cy, x_min, x_max, y_min, y_max;

  explicit View(const Params& p) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) w[i][j] = T(p.viewmat[4 * i + j]);
      t[i] = T(p.viewmat[4 * i + 3]);
    }
    fx = T(p.fx), fy = T(p.fy), cx = T(p.cx), cy = T(p.cy);
    // EWA's linearisation is taken at most 15 % of the picture outside of it (as gsplat)
    x_max = T((p.width - p.cx) / p.fx + 0.15 * p.width / p.fx);
    x_min = T(-(p.cx / p.fx + 0.15 * p.width / p.fx));
    y_max = T((p.height - p.cy) / p.fy + 0.15 * p.height / p.fy);
    y_min = T(-(p.cy / p.fy + 0.15 * p.height / p.fy));
  }
};

// Intermediates of the projection of one Gaussian.
template <class T>
struct Projected {
  T cam[3];                    // camera space, metres
  T q[4], q_norm;              // normalised quaternion, length before
  T m[3][3];                   // rotation times scales
  T rotation[3][3];
  T tx, ty;                    // clamped x and y of the linearisation
  bool x_clamped, y_clamped;
  T jw[2][3], u[2][3];         // J W, and J W M
  T c00, c01, c11;             // 2D covariance with the low pass
};

template <class T>
inline void camera_point(const View<T>& view, const T* mean, T* cam) {
  for (int i = 0; i < 3; ++i) {
    cam[i] = view.w[i][0] * mean[0] + view.w[i][1] * mean[1] + view.w[i][2] * mean[2] + view.t[i];
  }
}

template <class T>
inline void rotation_matrix(const T* q, T r[3][3]) {
  const T w = q[0], x = q[1], y = q[2], z = q[3];
  r[0][0] = 1 - 2 * (y * y + z * z), r[0][1] = 2 * (x * y - w * z), r[0][2] = 2 * (x * z + w * y);
  r[1][0] = 2 * (x * y + w * z), r[1][1] = 1 - 2 * (x * x + z * z), r[1][2] = 2 * (y * z - w * x);
  r[2][0] = 2 * (x * z - w * y), r[2][1] = 2 * (y * z + w * x), r[2][2] = 1 - 2 * (x * x + y * y);
}

template <class T>
inline void project(const View<T>& view, T eps2d, const T* quat, const T* scale, Projected<T>& p) {
  T norm = std::sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3]);
  p.q_norm = norm > T(1e-12) ? norm : T(1e-12);
  for (int i = 0; i < 4; ++i) p.q[i] = quat[i] / p.q_norm;
  rotation_matrix(p.q, p.rotation);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) p.m[i][j] = p.rotation[i][j] * scale[j];
  }
  const T z = p.cam[2];
  T rx = p.cam[0] / z, ry = p.cam[1] / z;
  p.x_clamped = rx < view.x_min || rx > view.x_max;
  p.y_clamped = ry < view.y_min || ry > view.y_max;
  rx = rx < view.x_min ? view.x_min : (rx > view.x_max ? view.x_max : rx);
  ry = ry < view.y_min ? view.y_min : (ry > view.y_max ? view.y_max : ry);
  p.tx = z * rx, p.ty = z * ry;
  const T j00 = view.fx / z, j02 = -view.fx * p.tx / (z * z);
  const T j11 = view.fy / z, j12 = -view.fy * p.ty / (z * z);
  for (int j = 0; j < 3; ++j) {
    p.jw[0][j] = j00 * view.w[0][j] + j02 * view.w[2][j];
    p.jw[1][j] = j11 * view.w[1][j] + j12 * view.w[2][j];
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) {
      p.u[i][j] = p.jw[i][0] * p.m[0][j] + p.jw[i][1] * p.m[1][j] + p.jw[i][2] * p.m[2][j];
    }
  }
  p.c00 = p.u[0][0] * p.u[0][0] + p.u[0][1] * p.u[0][1] + p.u[0][2] * p.u[0][2] + eps2d;
  p.c01 = p.u[0][0] * p.u[1][0] + p.u[0][1] * p.u[1][1] + p.u[0][2] * p.u[1][2];
  p.c11 = p.u[1][0] * p.u[1][0] + p.u[1][1] * p.u[1][1] + p.u[1][2] * p.u[1][2] + eps2d;
}

inline int16_t tile_index(double pixel, int tiles) {
  double tile = std::floor(pixel / TILE);
  return int16_t(tile < 0 ? 0 : (tile > tiles ? tiles : tile));
}

// The original 3DGS rasteriser's tiles: see ../reference.py, extent = three_sigma.
template <class T>
inline void limit_rect(T c00, T c11, T det, T mx, T my, Rect& rect) {
  const T middle = T(0.5) * (c00 + c11), squared = middle * middle - det;
  const T longer = middle + std::sqrt(squared > T(0.1) ? squared : T(0.1));
  const T radius = std::ceil(T(3) * std::sqrt(longer));
  const T x = mx - T(0.5), y = my - T(0.5);
  rect.x0 = std::max(rect.x0, tile_index(x - radius, rect.x1));
  rect.y0 = std::max(rect.y0, tile_index(y - radius, rect.y1));
  rect.x1 = tile_index(x + radius + TILE - 1, rect.x1);
  rect.y1 = tile_index(y + radius + TILE - 1, rect.y1);
}

// Fills splat and rect; false when the Gaussian cannot touch a pixel.
template <class T>
inline bool project_splat(const Params& params, const View<T>& view, const T* mean, const T* quat,
                          const T* scale, T opacity, Splat<T>& splat, Rect& rect) {
  rect = Rect{0, 0, 0, 0};
  const bool dropped = params.mask_gradient && opacity == T(0);
  const T visible = dropped ? T(1) : opacity;
  if (!(visible >= T(ALPHA_MIN))) return false;
  Projected<T> p;
  camera_point(view, mean, p.cam);
  if (!(p.cam[2] > T(params.near_plane))) return false;
  project(view, T(params.eps2d), quat, scale, p);
  const T det = p.c00 * p.c11 - p.c01 * p.c01;
  if (!(det > T(0))) return false;
  splat.mx = view.fx * p.cam[0] / p.cam[2] + view.cx;
  splat.my = view.fy * p.cam[1] / p.cam[2] + view.cy;
  splat.a = p.c11 / det, splat.b = -p.c01 / det, splat.c = p.c00 / det;
  splat.opacity = opacity, splat.z = p.cam[2];
  const T limit = std::log(visible * T(255));
  splat.limit = limit * T(1.0001) + T(0.001);  // only saves work: the rules decide
  splat.extent_x = std::sqrt(T(2) * limit * p.c00);
  splat.extent_y = std::sqrt(T(2) * limit * p.c11);
  if (!std::isfinite(splat.mx + splat.my + splat.extent_x + splat.extent_y + splat.a)) return false;
  const int tiles_x = (params.width + TILE - 1) / TILE, tiles_y = (params.height + TILE - 1) / TILE;
  const double rx = splat.extent_x + 0.01, ry = splat.extent_y + 0.01;
  // pixel centres lie at half-integers: the first pixel is ceil(m - r - .5), the last floor(...)
  rect.x0 = tile_index(std::ceil(splat.mx - rx - 0.5), tiles_x);
  rect.y0 = tile_index(std::ceil(splat.my - ry - 0.5), tiles_y);
  rect.x1 = tile_index(std::floor(splat.mx + rx - 0.5) + TILE, tiles_x);
  rect.y1 = tile_index(std::floor(splat.my + ry - 0.5) + TILE, tiles_y);
  if (params.three_sigma) limit_rect(p.c00, p.c11, det, splat.mx, splat.my, rect);
  return rect.x1 > rect.x0 && rect.y1 > rect.y0;
}

template <class T>
inline void quaternion_gradient(const Projected<T>& p, const T g[3][3], T* out) {
  const T w = p.q[0], x = p.q[1], y = p.q[2], z = p.q[3];
  T d[4];
  d[0] = 2 * (x * (g[2][1] - g[1][2]) + y * (g[0][2] - g[2][0]) + z * (g[1][0] - g[0][1]));
  d[1] = 2 * (-2 * x * (g[1][1] + g[2][2]) + y * (g[0][1] + g[1][0]) + z * (g[0][2] + g[2][0]) +
              w * (g[2][1] - g[1][2]));
  d[2] = 2 * (x * (g[0][1] + g[1][0]) - 2 * y * (g[0][0] + g[2][2]) + z * (g[1][2] + g[2][1]) +
              w * (g[0][2] - g[2][0]));
  d[3] = 2 * (x * (g[0][2] + g[2][0]) + y * (g[1][2] + g[2][1]) - 2 * z * (g[0][0] + g[1][1]) +
              w * (g[1][0] - g[0][1]));
  const T along = d[0] * w + d[1] * x + d[2] * y + d[3] * z;
  for (int i = 0; i < 4; ++i) out[i] = (d[i] - along * p.q[i]) / p.q_norm;
}

// From the moments of one Gaussian (see Moment) to its mean, quaternion, scales and opacity.
template <class T>
inline void project_gradient(const Params& params, const View<T>& view, const Splat<T>& s,
                             const T* moment, const T* mean, const T* quat, const T* scale,
                             T* d_mean, T* d_quat, T* d_scale, T* d_opacity) {
  Projected<T> p;
  camera_point(view, mean, p.cam);
  project(view, T(params.eps2d), quat, scale, p);
  const T o = s.opacity;
  *d_opacity = moment[SUM_Q];
  const T d_mx = o * (s.a * moment[SUM_QX] + s.b * moment[SUM_QY]);
  const T d_my = o * (s.b * moment[SUM_QX] + s.c * moment[SUM_QY]);
  const T d_a = T(-0.5) * o * moment[SUM_QXX], d_c = T(-0.5) * o * moment[SUM_QYY];
  const T half_d_b = T(-0.5) * o * moment[SUM_QXY];
  // covariance: -K G K, with K the conic and G its symmetric gradient
  const T g00 = d_a * s.a + half_d_b * s.b, g01 = d_a * s.b + half_d_b * s.c;
  const T g10 = half_d_b * s.a + d_c * s.b, g11 = half_d_b * s.b + d_c * s.c;
  const T v00 = -(s.a * g00 + s.b * g10), v01 = -(s.a * g01 + s.b * g11);
  const T v11 = -(s.b * g01 + s.c * g11);
  T d_u[2][3], d_jw[2][3], d_m[3][3], d_r[3][3];
  for (int j = 0; j < 3; ++j) {
    d_u[0][j] = 2 * (v00 * p.u[0][j] + v01 * p.u[1][j]);
    d_u[1][j] = 2 * (v01 * p.u[0][j] + v11 * p.u[1][j]);
  }
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      d_m[i][j] = p.jw[0][i] * d_u[0][j] + p.jw[1][i] * d_u[1][j];
      d_r[i][j] = d_m[i][j] * scale[j];
    }
    for (int k = 0; k < 2; ++k) {
      d_jw[k][i] = d_u[k][0] * p.m[i][0] + d_u[k][1] * p.m[i][1] + d_u[k][2] * p.m[i][2];
    }
    d_scale[i] = 0;
  }
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) d_scale[j] += p.rotation[i][j] * d_m[i][j];
  }
  quaternion_gradient(p, d_r, d_quat);
  T d_j00 = 0, d_j02 = 0, d_j11 = 0, d_j12 = 0;
  for (int j = 0; j < 3; ++j) {
    d_j00 += d_jw[0][j] * view.w[0][j], d_j02 += d_jw[0][j] * view.w[2][j];
    d_j11 += d_jw[1][j] * view.w[1][j], d_j12 += d_jw[1][j] * view.w[2][j];
  }
  const T z = p.cam[2], z2 = z * z, z3 = z2 * z;
  T d_cam[3];
  d_cam[0] = view.fx / z * d_mx - (p.x_clamped ? T(0) : view.fx / z2 * d_j02);
  d_cam[1] = view.fy / z * d_my - (p.y_clamped ? T(0) : view.fy / z2 * d_j12);
  d_cam[2] = moment[SUM_WZ] - view.fx * p.cam[0] / z2 * d_mx - view.fy * p.cam[1] / z2 * d_my -
             view.fx / z2 * d_j00 - view.fy / z2 * d_j11 +
             (p.x_clamped ? 1 : 2) * view.fx * p.tx / z3 * d_j02 +
             (p.y_clamped ? 1 : 2) * view.fy * p.ty / z3 * d_j12;
  for (int j = 0; j < 3; ++j) {
    d_mean[j] = view.w[0][j] * d_cam[0] + view.w[1][j] * d_cam[1] + view.w[2][j] * d_cam[2];
  }
}
