"""Jacobians against finite differences of the residuals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from backend.tracking.gauss_newton import GaussNewton


def assert_slopes(problem: GaussNewton, at: np.ndarray, unknowns: Iterable[int]) -> None:
    """Compares some columns of the Jacobian at unknowns [N]."""
    jacobian = problem.jacobian(at)
    for index in unknowns:
        step = np.zeros(len(at))
        step[index] = 1e-6
        numeric = (problem.residuals(at + step) - problem.residuals(at - step)) / 2e-6
        np.testing.assert_allclose(
            jacobian[:, index], numeric, rtol=1e-5, atol=1e-5 * np.abs(numeric).max()
        )
