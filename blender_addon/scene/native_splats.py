"""Point clouds that Blender draws as Gaussian splats itself: 5.3 and newer.

Whether it can is asked of the property, not of the version.
"""

from typing import Any

KIND = "GAUSSIAN_SPLAT"


def use(data: Any) -> None:
    """Makes a data-block a cloud of splats where Blender has such clouds.

    Args:
        data: A point cloud, or the mesh that stands for one before Blender 4.5.
    """
    if _possible(data):
        data.type = KIND


def are_drawn(data: Any) -> bool:
    """Whether Blender draws the points of a data-block as splats."""
    return _possible(data) and data.type == KIND


def _possible(data: Any) -> bool:
    kinds = data.bl_rna.properties.get("type")
    return kinds is not None and KIND in getattr(kinds, "enum_items", ())
