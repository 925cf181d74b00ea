"""What the portrait's view knows of the head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.lifting.polygons import inside_px
from backend.lifting.view import View, vertex_mobility
from shared.flame import ARKIT_NAMES


def test_what_expressions_move_most_is_mobile(open_head):
    mobility = vertex_mobility(open_head)
    assert mobility.min() == 0
    assert mobility.max() == 1
    reach = open_head.exprdirs[..., ARKIT_NAMES.index("jawOpen")].norm(dim=1).numpy()
    assert mobility[reach > 0.002].min() == 1
    assert mobility[open_head.regions["lips"].numpy()].min() == 1
    assert mobility[open_head.regions["scalp"].numpy()].mean() < 0.2


def test_a_face_at_the_outline_loses_the_backdrops_light(portrait, pipeline):
    """A cheek's edge would be a blue patch as soon as it turns to the camera."""
    rim = (portrait.matte > 0.5) & (inside_px(portrait.matte) < 6)
    blue = np.where(rim[..., None], (-0.1, -0.05, 0.15), 0).astype(np.float32)
    view = View(replace(portrait, rgb=(portrait.rgb + blue).clip(0, 1)), pipeline.head)
    skin = rim & ~view.parts.worn & (portrait.matte > 0.95)
    cheeks = skin & view.shows_all(view.regions["face_sides"] | view.regions["cheeks"])

    def tint(image: np.ndarray, where: np.ndarray) -> float:
        return float((image[where, 2] / image[where].mean(-1)).mean())

    own, lit = tint(portrait.rgb, cheeks), tint(view.rgb, cheeks)
    assert cheeks.sum() > 20
    assert tint(view.unspilt, cheeks) < own + 0.5 * (lit - own)
