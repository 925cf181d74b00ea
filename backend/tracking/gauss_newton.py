"""Nonlinear least squares within bounds."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import lsq_linear

_LEAST_SHARE = 1e-3
_MOST_STEPS = 50  # converges in 3 to 6
_CONVERGED = 1e-6  # of the cost


class GaussNewton(ABC):
    """Gauss-Newton, each step a linear problem within the bounds.

    Landmarks are almost linear in all unknowns but the pose, so that four steps do where a trust
    region needs fifty.

    Args:
        bounds: [N] least and [N] most of the unknowns.
        scale: [N] how much each usually varies.
    """

    bounds: tuple[np.ndarray, np.ndarray]
    scale: np.ndarray

    @abstractmethod
    def residuals(self, x: np.ndarray) -> np.ndarray:
        """[M] what is to become small, at the unknowns [N]."""

    @abstractmethod
    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """[M, N] derivative of `residuals`."""

    def solve(self, start: np.ndarray) -> np.ndarray:
        """The unknowns of least cost, from a start within the bounds."""
        x = np.clip(start, *self.bounds)
        cost = self._cost(x)
        for _ in range(_MOST_STEPS):
            step, share = self.step(x), 1.0
            further = np.clip(x + step, *self.bounds)
            while (reached := self._cost(further)) > cost and share > _LEAST_SHARE:
                share /= 2
                further = np.clip(x + share * step, *self.bounds)
            gained = cost - reached
            if gained > 0:
                x, cost = further, reached
            if gained <= _CONVERGED * cost:
                break
        return x

    def step(self, x: np.ndarray, first: int = 0) -> np.ndarray:
        """[N] what to add to the unknowns from `first` on, within the bounds, were all linear.

        The problem is shrunk to as many rows as unknowns: its triangular factor has the same
        solution.
        """
        scale = self.scale[first:]
        slopes = self.jacobian(x)[:, first:] * scale
        triangle = cholesky(slopes.T @ slopes)
        wanted = solve_triangular(triangle, slopes.T @ -self.residuals(x), trans=1)
        low, high = ((bound[first:] - x[first:]) / scale for bound in self.bounds)
        found = lsq_linear(triangle, wanted, bounds=(low - 1e-9, high + 1e-9), method="bvls")
        return np.append(np.zeros(first), found.x * scale)

    def _cost(self, x: np.ndarray) -> float:
        residuals = self.residuals(x)
        return float(residuals @ residuals)
