"""What the portrait's view knows of the head."""

from __future__ import annotations

from backend.lifting.view import vertex_mobility
from shared.flame import ARKIT_NAMES


def test_what_expressions_move_most_is_mobile(open_head):
    mobility = vertex_mobility(open_head)
    assert mobility.min() == 0
    assert mobility.max() == 1
    reach = open_head.exprdirs[..., ARKIT_NAMES.index("jawOpen")].norm(dim=1).numpy()
    assert mobility[reach > 0.002].min() == 1
    assert mobility[open_head.regions["lips"].numpy()].min() == 1
    assert mobility[open_head.regions["scalp"].numpy()].mean() < 0.2
