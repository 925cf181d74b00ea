"""The C++ rasteriser as a differentiable torch function. Rules: `reference`."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from backend.splat import native
from backend.splat.gaussians import Gaussians
from shared.camera import Camera
from shared.errors import AvatarError
from shared.low_pass import EPS2D

_RECORD_BYTES_MAX = 512 << 20
"""The backward's buffer; clouds that need more are worked off in bands of the picture."""

_SPLAT_VALUES = 16  # of raster.h's Splat
_SUFFIX = {torch.float32: "f32", torch.float64: "f64"}


class _Params(ctypes.Structure):
    """raster.h's Params."""

    _fields_ = [
        ("count", ctypes.c_int64),
        ("channels", ctypes.c_int64),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("viewmat", ctypes.c_double * 16),
        ("fx", ctypes.c_double),
        ("fy", ctypes.c_double),
        ("cx", ctypes.c_double),
        ("cy", ctypes.c_double),
        ("near_plane", ctypes.c_double),
        ("eps2d", ctypes.c_double),
        ("alpha_max", ctypes.c_double),
        ("record_bytes_max", ctypes.c_int64),
        ("mask_gradient", ctypes.c_int32),
        ("three_sigma", ctypes.c_int32),
        ("threads", ctypes.c_int32),
        ("instruction_set", ctypes.c_int32),
    ]


def status() -> native.NativeStatus:
    """Whether the C++ library is there; loads it on the first call."""
    return native.load()[1]


def rasterise(
    gaussians: Gaussians,
    camera: Camera,
    *,
    mask_gradient: bool,
    alpha_max: float,
    near_m: float,
    extent: str = "opacity",
    eps2d: float = EPS2D,
    instruction_set: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """The same as `reference.rasterise`, about 40 times faster.

    Args:
        gaussians: On the CPU, float32 or float64.
        camera: Where they are seen from.
        mask_gradient: See `reference`.
        alpha_max: See `reference`.
        near_m: Nearest z that is drawn, metres.
        extent: See `reference`.
        eps2d: See `reference`.
        instruction_set: One of `status().instruction_sets`, for tests; default the fastest.

    Returns:
        features [H, W, C], transmittance [H, W], weighted z [H, W] (metres, not normalised).

    Raises:
        RuntimeError: The library cannot be used; `status()` says why.
    """
    library, state = native.load()
    if library is None:
        raise RuntimeError(state.message)
    params = _Params(
        count=len(gaussians),
        channels=gaussians.channels,
        width=camera.width,
        height=camera.height,
        viewmat=(ctypes.c_double * 16)(*camera.viewmat.reshape(-1)),
        fx=camera.K[0, 0],
        fy=camera.K[1, 1],
        cx=camera.K[0, 2],
        cy=camera.K[1, 2],
        near_plane=near_m,
        eps2d=eps2d,
        alpha_max=alpha_max,
        record_bytes_max=_RECORD_BYTES_MAX,
        mask_gradient=mask_gradient,
        three_sigma=extent == "three_sigma",
        threads=torch.get_num_threads(),
        instruction_set=_instruction_set(state, instruction_set),
    )
    return _Rasterise.apply(
        params,
        gaussians.means,
        gaussians.quats,
        gaussians.scales,
        gaussians.opacities,
        gaussians.features,
    )


def _instruction_set(state: native.NativeStatus, name: str | None) -> int:
    chosen = name or state.instruction_sets[-1]
    if chosen not in state.instruction_sets:
        raise ValueError(
            f"instruction set {name}; this CPU has {', '.join(state.instruction_sets)}"
        )
    return native.INSTRUCTION_SETS.index(chosen)


class _Rasterise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, params: _Params, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        inputs = tuple(tensor.detach().contiguous() for tensor in inputs)
        dtype, count = inputs[0].dtype, params.count
        size = (params.height, params.width)
        splats = torch.empty(count + 1, _SPLAT_VALUES, dtype=dtype)
        rects = torch.empty(count + 1, 4, dtype=torch.int16)
        order = torch.empty(count + 1, dtype=torch.int32)
        features = torch.empty(*size, params.channels, dtype=dtype)
        transmittance = torch.empty(size, dtype=dtype)
        weighted_z = torch.empty(size, dtype=dtype)
        stop = torch.empty(size, dtype=torch.int32)
        ctx.visible = _call(
            f"splat_forward_{_SUFFIX[dtype]}", params,
            *inputs, splats, rects, order, features, transmittance, weighted_z, stop,
        )  # fmt: skip
        ctx.params = params
        ctx.save_for_backward(*inputs, splats, rects, order, transmittance, stop)
        return features, transmittance, weighted_z

    @staticmethod
    @once_differentiable
    def backward(ctx, *grad_outputs: Tensor) -> tuple:  # pyright: ignore[reportIncompatibleMethodOverride]
        means, quats, scales, opacities, features, *rest = ctx.saved_tensors
        splats, rects, order, transmittance, stop = rest
        gradients = [torch.empty_like(t) for t in (means, quats, scales, opacities, features)]
        _call(
            f"splat_backward_{_SUFFIX[means.dtype]}", ctx.params,
            means, quats, scales, features, splats, rects, order, ctx.visible, transmittance, stop,
            *(gradient.contiguous() for gradient in grad_outputs),
            *gradients,
        )  # fmt: skip
        return None, *gradients


def _call(name: str, params: _Params, *arguments: Tensor | int) -> int:
    library, _ = native.load()
    function = getattr(library, name)
    function.restype = ctypes.c_int64
    values = [
        ctypes.c_int64(a) if isinstance(a, int) else ctypes.c_void_p(a.data_ptr())
        for a in arguments
    ]
    result = function(ctypes.byref(params), *values)
    if result < 0:
        raise AvatarError(
            "out_of_memory",
            f"Rasterising {params.count:,} Gaussians at {params.width}x{params.height} ran out "
            "of memory.",
            "Use a smaller picture or fewer Gaussians.",
        )
    return result
