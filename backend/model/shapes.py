"""Shape checks at the borders of the network."""

from __future__ import annotations

from torch import Tensor


def check_shape(name: str, value: Tensor, *expected: int | None) -> None:
    """Refuse a tensor of another shape.

    Args:
        name: What the tensor is, for the message.
        value: The tensor.
        expected: One entry per dimension; None accepts any size.

    Raises:
        ValueError: The shape differs.
    """
    found = tuple(value.shape)
    fits = len(found) == len(expected) and all(
        want is None or want == size for want, size in zip(expected, found, strict=True)
    )
    if not fits:
        want = ", ".join("*" if size is None else str(size) for size in expected)
        raise ValueError(f"{name} has shape {list(found)}; expected [{want}]")
