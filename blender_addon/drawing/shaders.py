"""The two shaders: a Gaussian as a quad, and the finished picture over the viewport's.

Nothing is built before a viewport draws. Rules of the first are those of the backend's rasteriser
(`backend/splat/reference.py`): EWA with a low pass, see `shared/low_pass.py`, contributions below
1/255 left out, one contribution at most 0.999, blended in display-referred sRGB.
"""

from typing import Any

WIDTH = 1024
"""Texels in a row of the textures of numbers; a Gaussian's place in all of them is the same."""

_COMMON = f"""
ivec2 cell(int index) {{ return ivec2(index % {WIDTH}, index / {WIDTH}); }}
"""

_SPLAT_VERTEX = """
mat3 rotation(vec4 q)
{
  float w = q.x, x = q.y, y = q.z, z = q.w;
  return mat3(1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y),
              2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x),
              2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y));
}

void main()
{
  gl_Position = vec4(0, 0, 2, 1);  /* beyond the far plane: not drawn */
  sigmas = vec2(0);
  shade = vec4(0);

  ivec2 at = cell(int(texelFetch(order, cell(gl_InstanceID), 0).r));
  vec4 place = texelFetch(places, at, 0);
  vec4 base = texelFetch(bases, at, 0);
  int avatar = int(place.w);
  vec4 right = texelFetch(views, ivec2(0, avatar), 0);
  vec4 up = texelFetch(views, ivec2(1, avatar), 0);
  vec4 back = texelFetch(views, ivec2(2, avatar), 0);
  vec4 mean = vec4(place.xyz, 1);
  vec3 seen = vec3(dot(right, mean), dot(up, mean), dot(back, mean));
  bool perspective = window[3][3] == 0;
  float away = perspective ? -seen.z : 1.0;
  if (away <= 0.0 || base.a < 1.0 / 255.0) {
    return;
  }

  /* The derivative of pixels by view space, at most 15 % of the picture outside of it. */
  vec2 scale = vec2(window[0][0], window[1][1]);
  vec2 middle = vec2(window[2][0], window[2][1]);
  vec2 slope = clamp(seen.xy / away, (middle - 1.3) / scale, (middle + 1.3) / scale);
  vec2 focal = 0.5 * size * scale / away;
  vec2 deepening = perspective ? focal * slope : vec2(0);
  mat3 view = transpose(mat3(right.xyz, up.xyz, back.xyz));
  mat3 axes = view * rotation(texelFetch(turns, at, 0));
  vec3 deviations = texelFetch(sizes, at, 0).xyz * enlarged;
  vec3 u = (vec3(focal.x, 0, deepening.x) * axes) * deviations;
  vec3 v = (vec3(0, focal.y, deepening.y) * axes) * deviations;
  float blurred = texelFetch(views, ivec2(3, avatar), 0).r;
  float xx = dot(u, u) + blurred, xy = dot(u, v), yy = dot(v, v) + blurred;

  /* The quad lies along the ellipse's axes. */
  float mean_variance = 0.5 * (xx + yy);
  float difference = sqrt(max(0.25 * (xx - yy) * (xx - yy) + xy * xy, 0.0));
  vec2 major = vec2(xx - yy, 2 * xy);
  float angle = 0.5 * atan(major.y, major.x);
  if (difference < 1e-6) {
    angle = 0.0;
  }
  vec2 along = vec2(cos(angle), sin(angle));
  vec2 across = vec2(-along.y, along.x);
  float reach = sqrt(clamp(2.0 * log(base.a * 255.0), 0.0, 11.0889));
  sigmas = corner * reach;
  vec2 offset = along * sigmas.x * sqrt(mean_variance + difference)
              + across * sigmas.y * sqrt(max(mean_variance - difference, 0.0));

  vec4 clip = window * vec4(seen, 1);
  gl_Position = vec4(clip.xy / clip.w + 2.0 * offset / size, clip.z / clip.w, 1);
  shade = vec4(max(0.5 + 0.28209479177387814 * base.rgb, 0.0), base.a);
}
"""

_SPLAT_FRAGMENT = """
void main()
{
  /* Is a mesh of the scene nearer? EEVEE leaves 0 while overlays are off: it tells nothing. */
  float mesh = texelFetch(depths, ivec2(gl_FragCoord.xy * shrunk) - ivec2(origin), 0).r;
  if (mesh > 0.0 && gl_FragCoord.z > mesh) {
    discard;
  }
  float alpha = min(0.999, shade.a * exp(-0.5 * dot(sigmas, sigmas)));
  if (alpha < 1.0 / 255.0) {
    discard;
  }
  colour = vec4(shade.rgb * alpha, alpha);
}
"""

_OVER_VERTEX = "void main() { gl_Position = vec4(corner, 0, 1); }"

# The viewport's overlays are linear light, and no view transform touches them. Blender displays
# them by a gamma of 2.2, not by sRGB's curve (measured in 4.3 and 5.2, whatever the transform).
_LAID = """
vec4 laid(vec4 sum)
{
  vec3 light = pow(clamp(sum.rgb / sum.a, 0.0, 1.0), vec3(2.2));
  vec2 at = gl_FragCoord.xy;
  bool outside = any(lessThan(at, frame.xy)) || any(greaterThan(at, frame.zw));
  return vec4(light * sum.a * (outside ? dimmed : 1.0), sum.a);
}
"""

_OVER_FRAGMENT = """
vec4 smooth_at(vec2 place)
{
  ivec2 last = textureSize(picture, 0) - 1;
  ivec2 low = ivec2(floor(place - 0.5));
  vec2 part = place - 0.5 - vec2(low);
  vec4 below = mix(texelFetch(picture, clamp(low, ivec2(0), last), 0),
                   texelFetch(picture, clamp(low + ivec2(1, 0), ivec2(0), last), 0), part.x);
  vec4 above = mix(texelFetch(picture, clamp(low + ivec2(0, 1), ivec2(0), last), 0),
                   texelFetch(picture, clamp(low + ivec2(1, 1), ivec2(0), last), 0), part.x);
  return mix(below, above, part.y);
}

void main()
{
  vec4 sum = shrunk > 1.0 ? smooth_at(gl_FragCoord.xy / shrunk)
                          : texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
  if (sum.a <= 0.0) {
    discard;
  }
  colour = laid(sum);
}
"""

_REFINED_FRAGMENT = """
void main()
{
  ivec2 at = ivec2(gl_FragCoord.xy) - ivec2(origin);
  vec4 shade = texelFetch(picture, at, 0);
  float mesh = texelFetch(depths, at, 0).r;
  float deep = 0.5 + 0.5 * (deepening.y / texelFetch(away, at, 0).r - deepening.x);
  if (shade.a <= 0.0 || (mesh > 0.0 && min(deep, 1.0) > mesh)) {
    discard;
  }
  colour = laid(shade);
}
"""


def splats() -> Any:
    """A shader that draws instances of a quad, one a Gaussian, in the order's order.

    Samplers `order`, `places` (x, y, z, avatar), `turns` (w, x, y, z), `sizes`, `bases` (f_dc and
    opacity): a texel a Gaussian; `views`: four texels a row, an avatar's object to view space and
    its low pass, square pixels; `depths`: what the scene's meshes cover, from the pixel `origin`
    on. A picture that is `shrunk` has so many times fewer pixels a side than the viewport;
    Gaussians are `enlarged` by a factor.
    """
    import gpu

    info = gpu.types.GPUShaderCreateInfo()
    names = ("order", "places", "turns", "sizes", "bases", "views", "depths")
    for slot, name in enumerate(names):
        info.sampler(slot, "FLOAT_2D", name)
    info.push_constant("MAT4", "window")
    info.push_constant("VEC2", "size")
    info.push_constant("VEC2", "origin")
    info.push_constant("FLOAT", "enlarged")
    info.push_constant("FLOAT", "shrunk")
    info.vertex_in(0, "VEC2", "corner")
    between = gpu.types.GPUStageInterfaceInfo("splitavatar_splat")
    between.smooth("VEC2", "sigmas")
    between.flat("VEC4", "shade")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "colour")
    info.vertex_source(_COMMON + _SPLAT_VERTEX)
    info.fragment_source(_SPLAT_FRAGMENT)
    return gpu.shader.create_from_info(info)


def over() -> Any:
    """A shader that lays the finished `picture` over the bound framebuffer, premultiplied.

    Outside of `frame` (left, bottom, right, top; pixels) it is `dimmed` by a factor.
    """
    import gpu

    info = gpu.types.GPUShaderCreateInfo()
    info.sampler(0, "FLOAT_2D", "picture")
    info.push_constant("FLOAT", "shrunk")
    return _over(info, _OVER_FRAGMENT)


def refined() -> Any:
    """A shader that lays the backend's `picture` over it, premultiplied sRGB, from `origin` on.

    Where a mesh is nearer, by `depths`, it is not seen: `away` is metres, and `deepening` the
    numbers of the view that make a depth of them. `frame` and `dimmed` as for `over`.
    """
    import gpu

    info = gpu.types.GPUShaderCreateInfo()
    for slot, name in enumerate(("picture", "away", "depths")):
        info.sampler(slot, "FLOAT_2D", name)
    info.push_constant("VEC2", "origin")
    info.push_constant("VEC2", "deepening")
    return _over(info, _REFINED_FRAGMENT)


def _over(info: Any, fragment: str) -> Any:
    import gpu

    info.push_constant("VEC4", "frame")
    info.push_constant("FLOAT", "dimmed")
    info.vertex_in(0, "VEC2", "corner")
    info.fragment_out(0, "VEC4", "colour")
    info.vertex_source(_OVER_VERTEX)
    info.fragment_source(_LAID + fragment)
    return gpu.shader.create_from_info(info)
