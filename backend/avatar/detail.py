"""What a portrait shows beyond its splats, carried to other poses by them.

Splats of two pixels' size blur hair, pores and cloth. What their picture lacks at the portrait's
own pose is kept, and laid over other pictures where the same splats show the same place.

Deviates: the paper's pictures come from a neural renderer; this stands where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from backend.avatar.eyeballs import Eyeballs
from backend.avatar.flat_motion import FlatMotion
from backend.avatar.openings import Opening
from backend.model.attributes import COLOURS
from backend.model.retoucher import FAR_PX
from backend.splat.gaussians import Gaussians
from backend.splat.projection import NEAR_M
from backend.splat.rasterise import Raster, rasterise
from shared.camera import Camera
from shared.low_pass import low_pass

_BEHIND_M = 0.004
"""A splat this far behind what the portrait shows counts as hidden in it; teeth are, by lips."""

_SLOPE_PX = 5
_RECOLOURED = 0.08
"""A splat whose colour has changed so much does not show what it did in the portrait."""
_SHADED, _LIT = 0.6, 1.1
"""Times its brightness: so far shade and light alone may have changed, and what it shows stays."""

_FADE_PX = 16
_SLANTED, _FACING = 0.3, 0.7
"""Pixels of the portrait for one of the picture, relative to the head's size: of what the portrait
shows from too far aside only stripes are there to be carried."""
_TORN = 3.0
"""As many of them, and the places do not belong together; at one less they do."""
_SEEN_ALPHA = 0.2
_WHOLE_PX, _MOST_LACKING = 3.0, 0.22
"""Of a place that moves so far otherwise than the head, what it lacks is carried up to that much:
more is no detail, but something else that lies beside it in the portrait, such as hair."""
_PATCH_PX, _OWN, _FOREIGN = 9, 0.12, 0.24
_BESIDE_PX = 8.0
"""What splats lack over a whole patch on average: that much is theirs, that much something else's,
which is carried only while the place moves hardly farther than so."""

_BESIDE_HEAD = 0.5
"""A pixel of which the head is less may go the torso's way."""

_SEAM_PX = 4
"""How far from where skin and cloth meet what is lacking may be the other's: as a neck turns away
from a collar, there would be a white line on it."""

_SPREAD_PX = 12  # farther than an outline's splats reach
_OUTLINE_PX, _INSIDE_PX, _WHOLE = 2, 5, 0.95
"""How wide an outline is; how far from one no outline is; alpha of what is whole."""

_LEAST_TRUST = 0.4  # in the portrait's own picture, whose detail is exact where there is more
_LEAST = 1e-4
_PARTS = 4
_COARSER = 2  # times: how neighbours lie changes slowly


@dataclass(frozen=True)
class Drawn:
    """A picture with the portrait's detail.

    Args:
        raster: `features` [H, W, 3] display sRGB, premultiplied by `alpha`; depth of the splats.
        clues: [H, W, 6] 0..1, see `backend.model.retoucher.CLUES`.
        covered: [H, W, 1] 0..1: how much of it the portrait's clothes hide: necks below collars.
    """

    raster: Raster
    clues: Tensor
    covered: Tensor


class Detail:
    """The portrait minus its splats' picture, and where in it each splat lies.

    Args:
        photo: [S, S, 4] 0..1 display sRGB on black and alpha.
        cloud: The avatar's Gaussians at the portrait's own pose, colours first.
        camera: The photo's, S x S.
        alpha_max: As `rasterise`.
        mouth: Which of its Gaussians are the mouth's.
        lids: And those of each eye.
        eyes: Which are the eyeballs'.
        clothes: [N] bool: which are clothes on the torso.
        foreign: [S, S] bool: where things stand before the face, such as frames of glasses: what is
            lacking there is not the skin's.
        lips: [S, S] bool: the edges of lips that are open, of which both lips and teeth lack some.
    """

    def __init__(
        self,
        photo: Tensor,
        cloud: Gaussians,
        camera: Camera,
        alpha_max: float,
        mouth: Opening,
        lids: Sequence[Opening],
        eyes: Eyeballs,
        clothes: Tensor,
        foreign: Tensor,
        lips: Tensor,
    ) -> None:
        self._alpha_max = alpha_max
        places, depth = _projected(cloud, camera)
        raster = rasterise(_marked(cloud, clothes).kept(), camera, alpha_max=alpha_max)
        grid = _grid(places, camera.width)[None, None]
        # On what is seen edge on a pixel away is millimetres deeper, and shows all the same.
        deepest = F.max_pool2d(raster.depth[None, None], _SLOPE_PX, 1, _SLOPE_PX // 2)
        front = F.grid_sample(deepest, grid, mode="nearest", align_corners=False)
        behind = (depth - front[0, 0, 0]).clamp_min(0)
        self._places = places  # [N, 2] pixels of the portrait
        self._shown = torch.exp(-((behind / _BEHIND_M) ** 2))  # [N] 0..1
        cloth = raster.features[..., -1]
        over = F.max_pool2d(cloth[None, None], 2 * _SEAM_PX + 1, 1, _SEAM_PX)
        over = F.grid_sample(over, grid, mode="bilinear", align_corners=False)
        covered = over[0, 0, 0] * cloud.on_rig
        self._clothes, self._eyes = clothes, eyes
        filled = [opening for opening in (mouth, *lids) if opening.inside.any()]
        self._openings = [(opening, opening.gap(places)) for opening in filled]
        parts = [covered, cloud.on_rig, mouth.inside, eyes.members]
        self._parts = torch.stack([part.to(cloud.features) for part in parts], dim=1)  # [N, 4]
        self._colours = cloud.features[:, :COLOURS]
        own, *_, trust = self._carried(cloud, camera)
        drawn = torch.cat([own.features[..., :COLOURS], own.alpha[..., None]], dim=-1)
        lacking = (photo - drawn) / trust.clamp_min(_LEAST_TRUST)
        lacking = lacking * (trust / _LEAST_TRUST).clamp_max(1)  # else it would leap beside it
        lacking = lacking * _border(camera.width, photo.device)
        theirs = _of_splats(lacking) * ~foreign[..., None]
        outline = 1 - _interior(photo[..., 3], _OUTLINE_PX)
        kinds = [theirs, outline, lips[..., None].float(), _seam(cloth)]
        self._lacking = torch.cat([lacking, *kinds], dim=-1).permute(2, 0, 1)[None]

    @torch.no_grad()
    def drawn(self, cloud: Gaussians, camera: Camera) -> Drawn:
        """A picture of the same Gaussians in any pose, with the detail.

        Args:
            cloud: As at the portrait's pose, N Gaussians in the same order.
            camera: Any camera.
        """
        raster, places, shown, moved, apart, trust = self._carried(cloud, camera)
        grid = _grid(places, self._lacking.shape[-1])[None]
        lacking = F.grid_sample(self._lacking, grid, mode="bicubic", align_corners=False)
        still = torch.exp(-(moved / _WHOLE_PX).square())
        most = _MOST_LACKING + (1 - _MOST_LACKING) * still
        parts = lacking[0].permute(1, 2, 0).split([COLOURS + 1, 1, 1, 1, 1], dim=-1)
        lacking, theirs, outline, lips, seam = parts
        near = torch.exp(-(moved / _BESIDE_PX).square())
        trust = trust * (theirs + (1 - theirs) * near)
        # Outlines lack what is behind them: of one that lies inside now a dark line would stay.
        inside = outline.clamp(0, 1) * _interior(raster.alpha, _INSIDE_PX)
        trust = trust * (1 - torch.maximum(inside, lips.clamp(0, 1)) * (1 - still))
        trust = trust * (1 - seam.clamp(0, 1) * (1 - torch.exp(-(apart / _WHOLE_PX).square())))
        lacking = lacking.minimum(most).maximum(-most) * trust
        alpha = (raster.alpha + lacking[..., COLOURS]).clamp(0, 1)
        colours = (raster.features[..., :COLOURS] + lacking[..., :COLOURS]).clamp_min(0)
        covered, parts = raster.features[..., -_PARTS:].split([1, _PARTS - 1], dim=-1)
        clues = torch.cat([trust, shown, (moved / FAR_PX).clamp_max(1), parts], dim=-1)
        picture = Raster(colours.minimum(alpha[..., None]), alpha, raster.depth)
        return Drawn(picture, clues.clamp(0, 1), covered.clamp(0, 1))

    @torch.no_grad()
    def eps2d(self, cloud: Gaussians, camera: Camera) -> float:
        """The low pass of the splats in such a picture, square pixels."""
        head, *_ = self._moved(cloud, camera)
        return _low_pass(head)

    def _carried(
        self, cloud: Gaussians, camera: Camera
    ) -> tuple[Raster, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The splats' picture, colours first and parts last; [H, W, 2] which pixel of the portrait
        each of its pixels shows; [H, W, 1] 0..1 how much of it the portrait shows; [H, W, 1] how
        many pixels it moved otherwise than head and torso; [H, W, 1] how many otherwise than the
        torso's clothes, if it has any; [H, W, 1] 0..1 how far to trust it."""
        changed = _recoloured(cloud.features[:, :COLOURS], self._colours) / _RECOLOURED
        head, torso, moved, opened = self._moved(cloud, camera)
        shown = (self._shown * torch.exp(-changed.square()) * opened)[:, None]
        channels = [cloud.features[:, :COLOURS], moved * shown, shown, self._parts]
        carrying = replace(cloud, features=torch.cat(channels, dim=-1)).kept()
        raster = rasterise(carrying, camera, alpha_max=self._alpha_max, eps2d=_low_pass(head))
        moved, share, parts = raster.features[..., COLOURS:].split([2, 1, _PARTS], dim=-1)
        moved = _spread(moved, share)
        places = head.of_pixels(camera) + moved
        moved = moved.norm(dim=-1, keepdim=True)
        alpha, apart = raster.alpha[..., None], torch.zeros_like(moved)
        if self._clothes.any():
            apart = (places - torso.of_pixels(camera)).norm(dim=-1, keepdim=True)
            beside = parts[..., 1:2] < _BESIDE_HEAD * alpha
            moved = torch.where(beside, moved.minimum(apart), moved)
        trust = share / alpha.clamp_min(_LEAST) * (alpha / _SEEN_ALPHA).clamp_max(1)
        trust = trust * _one_place(places, head.turn)
        return raster, places, share, moved, apart, trust

    def _moved(
        self, cloud: Gaussians, camera: Camera
    ) -> tuple[FlatMotion, FlatMotion, Tensor, Tensor]:
        """How the head and the torso move from the picture's pixels to the portrait's, [N, 2] what
        each splat's place differs from the head's, and [N] 0..1 whether the mouth and the eyes are
        open as far as in the portrait, and look there, of what lies in them.

        A splat stands for all pixels that it covers. Interpolating what it differs by, which
        changes little from one to the next, and not where it lies, keeps them apart.
        """
        now, depth = _projected(cloud, camera)
        ahead = self._shown * (cloud.opacities > 0) * (depth > NEAR_M)
        head = FlatMotion.between(now, self._places, ahead * cloud.on_rig)
        torso = FlatMotion.between(now, self._places, ahead * self._clothes)
        opened = self._eyes.shown(cloud)
        for opening, before in self._openings:
            opened = opened * opening.shown(before, opening.gap(now) @ head.turn.T)
        return head, torso, self._places - head.of(now), opened


def _recoloured(now: Tensor, before: Tensor) -> Tensor:
    """[N] how much colours [N, 3] have changed otherwise than by shade, display sRGB."""
    square = before.square().sum(1, keepdim=True).clamp_min(_LEAST)
    times = (now * before).sum(1, keepdim=True) / square
    return (now - times.clamp(_SHADED, _LIT) * before).abs().amax(1)


def _low_pass(head: FlatMotion) -> float:
    """Square pixels of a picture whose head so becomes the portrait's; by shares of a thousandth,
    so that it is exactly the portrait's at its scale."""
    smaller = round(float(torch.linalg.det(head.turn)), 3)
    return low_pass(max(smaller, _LEAST) ** -0.5)


def _spread(moved: Tensor, share: Tensor) -> Tensor:
    """[H, W, C] what is shown of values that are multiplied by their share [H, W, 1], carried on
    over the outline of what is shown: beside it nothing has another place."""
    planes = torch.cat([moved, share], dim=-1).permute(2, 0, 1)[None]
    step = _SPREAD_PX // 3
    around = F.avg_pool2d(planes, _SPREAD_PX, step, step, ceil_mode=True)  # one pixel is enough
    around = F.interpolate(around, size=share.shape[:2], mode="bilinear")[0].permute(1, 2, 0)
    around = around[..., :-1] / around[..., -1:].clamp_min(_LEAST)
    own = moved / share.clamp_min(_LEAST)
    return around + (share / _SEEN_ALPHA).clamp_max(1) * (own - around)


def _of_splats(lacking: Tensor) -> Tensor:
    """[S, S, 1] 0..1: whether what they lack [S, S, 4] is theirs. Where it is much over some
    pixels, the portrait shows something else before them, such as hair before a cheek."""
    planes = lacking.permute(2, 0, 1)[None, :COLOURS]
    around = F.avg_pool2d(planes, _PATCH_PX, 1, _PATCH_PX // 2, count_include_pad=False)
    much = around.abs().amax(1)[0, ..., None]
    return ((_FOREIGN - much) / (_FOREIGN - _OWN)).clamp(0, 1)


def _seam(cloth: Tensor) -> Tensor:
    """[H, W, 1] 0..1: around edges of cloth [H, W] 0..1."""
    planes, side = torch.stack([cloth, -cloth])[:, None], 2 * _SEAM_PX + 1
    most, least = F.max_pool2d(planes, side, 1, _SEAM_PX)[:, 0, ..., None]
    return (most + least).clamp(0, 1)


def _interior(alpha: Tensor, margin_px: int) -> Tensor:
    """[H, W, 1] 0 or 1: where alpha [H, W] is whole as far as a margin around."""
    part, side = (alpha < _WHOLE).float()[None, None], 2 * margin_px + 1
    part = F.max_pool2d(part, (side, 1), 1, (margin_px, 0))  # by rows and columns: half the time
    return 1 - F.max_pool2d(part, (1, side), 1, (0, margin_px))[0, 0, ..., None]


def _projected(cloud: Gaussians, camera: Camera) -> tuple[Tensor, Tensor]:
    """[N, 2] pixels and [N] depths in metres; what is behind the camera is nowhere sensible."""
    viewmat = torch.from_numpy(camera.viewmat).to(cloud.means)
    intrinsics = torch.from_numpy(camera.K).to(cloud.means)
    view = cloud.means @ viewmat[:3, :3].T + viewmat[:3, 3]
    depth = view[:, 2]
    return (view @ intrinsics.T)[:, :2] / depth.clamp_min(NEAR_M)[:, None], depth


def _marked(cloud: Gaussians, chosen: Tensor) -> Gaussians:
    """With colours, and 1 for those that are chosen [N]."""
    marks = chosen[:, None].to(cloud.features)
    return replace(cloud, features=torch.cat([cloud.features[:, :COLOURS], marks], dim=-1))


def _grid(pixels: Tensor, side: int) -> Tensor:
    """Places in a picture as `grid_sample` wants them."""
    return pixels * (2 / side) - 1


def _border(side: int, device: torch.device) -> Tensor:
    """[side, side, 1] 0..1: nothing beyond the picture is known to lack anything."""
    ramp = (torch.arange(side, device=device) + 0.5) / _FADE_PX
    ramp = ramp.minimum(ramp.flip(0)).clamp_max(1)
    return (ramp[:, None] * ramp)[..., None]


def _one_place(places: Tensor, turn: Tensor) -> Tensor:
    """[H, W, 1] 0..1: whether neighbouring pixels show neighbouring places of the portrait, from
    about the same side.

    Args:
        places: [H, W, 2] pixels of the portrait.
        turn: [2, 2] the similarity that most of them follow.
    """
    size = _COARSER * turn[:, 0].norm().clamp_min(_LEAST)
    steps = places[::_COARSER, ::_COARSER].permute(2, 0, 1)[None] / size
    steps = F.pad(steps, (1, 1, 1, 1), mode="replicate")[0]
    across = (steps[:, 1:-1, 2:] - steps[:, 1:-1, :-2]) / 2  # [2, H, W], of the coarser picture
    down = (steps[:, 2:, 1:-1] - steps[:, :-2, 1:-1]) / 2
    squares = (across.square() + down.square()).sum(0) / 2
    area = across[0] * down[1] - across[1] * down[0]
    most = (squares + (squares.square() - area.square()).clamp_min(0).sqrt()).sqrt()
    least = area / most.clamp_min(_LEAST)
    seen = ((least - _SLANTED) / (_FACING - _SLANTED)).clamp(0, 1) * (_TORN - most).clamp(0, 1)
    around = -F.max_pool2d(-seen[None], 3, 1, 1)  # and so do all pixels beside it
    around = F.avg_pool2d(around, 3, 1, 1, count_include_pad=False)
    return F.interpolate(around[None], places.shape[:2], mode="bilinear")[0, 0, ..., None]
