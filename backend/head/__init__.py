"""The head that carries the expression Gaussians: the open head, with FLAME's interface."""

from .head import Head

__all__ = ["Head"]
