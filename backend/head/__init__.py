"""The head that carries the expression Gaussians: the open head, or the user's own FLAME."""

from .flame import load_head
from .head import Head
from .tensors import codes_of

__all__ = ["Head", "codes_of", "load_head"]
