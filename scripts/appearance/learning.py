"""Learns an appearance model from what portraits show: expectation maximisation, holes allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.lifting.appearance import Appearance, light_terms, logarithms, plainly_shown

from .observations import Observations

_LEAST_NOISE = 0.02**2
_HELD = 1.0  # portraits' worth of belief that a loading is 0


def with_mirrored(seen: Observations, partners: np.ndarray) -> Observations:
    """Every portrait and its mirror image: partners [V] is each vertex's counterpart."""
    flip = np.array([-1.0, 1.0, 1.0], np.float32)

    def both(values: np.ndarray, turned: np.ndarray) -> np.ndarray:
        return np.concatenate([values, turned])

    return Observations(
        both(seen.names, seen.names),
        both(seen.colours, seen.colours[:, partners]),
        both(seen.trust, seen.trust[:, partners]),
        both(seen.skin, seen.skin[:, partners]),
        both(seen.normals, seen.normals[:, partners] * flip),
        both(seen.rest, seen.rest[:, partners] * flip),
        both(seen.facing, seen.facing * flip),
        seen.members,
    )


def learned(
    seen: Observations, known: np.ndarray, count: int, rounds: int, temper: float
) -> Appearance:
    """The model that explains the portraits best.

    Args:
        seen: N portraits.
        known: [V] bool: what the model is to know.
        count: Components.
        rounds: Of expectation and maximisation.
        temper: How many neighbouring vertices err together: noise is that much larger.
    """
    vertices = np.flatnonzero(known)
    logs = logarithms(seen.colours[:, vertices]).astype(np.float32)  # [N, M, 3]
    weight = plainly_shown(seen.skin[:, vertices]).astype(np.float32)
    share = np.maximum(weight.sum(0), 1e-3)
    mean = np.einsum("nm,nmc->mc", weight, logs) / share[:, None]
    rng = np.random.default_rng(0)
    model = Appearance(
        mean,
        0.03 * rng.standard_normal((count, len(vertices), 3)),
        np.full(len(vertices), 0.05 * temper),
        np.ones(len(vertices), bool),
    )
    for turn in range(rounds):
        model, error = _improved(model, seen, logs, weight, vertices, temper)
        print(f"round {turn}: {error:.4f} of a logarithm unexplained", flush=True)
    whole = Appearance(
        np.zeros((len(known), 3)), np.zeros((count, len(known), 3)), np.ones(len(known)), known
    )
    whole.mean[vertices] = model.mean
    whole.components[:, vertices] = model.components
    whole.noise[vertices] = model.noise
    return _rotated(whole)


def _improved(
    model: Appearance,
    seen: Observations,
    logs: np.ndarray,
    weight: np.ndarray,
    vertices: np.ndarray,
    temper: float,
) -> tuple[Appearance, float]:
    """One round, and the root mean square of what stays unexplained."""
    count = len(model.components)
    moments = np.empty((len(logs), count + 1, count + 1), np.float32)
    codes = np.empty((len(logs), count + 1), np.float32)
    unlit = np.empty_like(logs)
    for n in range(len(logs)):
        normals = seen.normals[n, vertices]
        found = model.codes(np.exp(logs[n]), weight[n], normals)
        codes[n] = np.append(found.person, 1.0)
        moments[n] = np.outer(codes[n], codes[n])
        moments[n, :count, :count] += found.covariance
        unlit[n] = logs[n] - light_terms(normals) @ found.light.T
    left = (weight.T @ moments.reshape(len(logs), -1)).reshape(-1, count + 1, count + 1)
    right = np.einsum("nk,nmc->mkc", codes, weight[..., None] * unlit, optimize=True)
    held = np.diag(np.append(np.full(count, _HELD), 1e-3))
    right[:, count] += 1e-3 * model.mean
    loads = np.linalg.solve(left + held, right)  # [M, K + 1, 3]
    away = unlit - np.einsum("nk,mkc->nmc", codes, loads, optimize=True)
    squares = (weight * np.square(away).mean(-1)).sum(0)
    share = weight.sum(0)
    usual = squares.sum() / share.sum()
    noise = (squares + 5 * usual) / (share + 5)
    found = replace(
        model,
        mean=loads[:, count],
        components=np.ascontiguousarray(loads[:, :count].transpose(1, 0, 2)),
        noise=np.maximum(noise, _LEAST_NOISE) * temper,
    )
    return found, float(np.sqrt(usual))


def _rotated(model: Appearance) -> Appearance:
    """The same model with orthogonal components, largest first."""
    flat = model.components.reshape(len(model.components), -1)
    _, values, rows = np.linalg.svd(flat, full_matrices=False)
    sign = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(1)])
    return replace(
        model, components=((values * sign)[:, None] * rows).reshape(model.components.shape)
    )
