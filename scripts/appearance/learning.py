"""Learns an appearance model from what portraits show: expectation maximisation, holes allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csc_array, diags_array
from scipy.sparse.linalg import splu

from backend.lifting.appearance import Appearance, light_terms, likely, logarithms, plainly_shown

from .observations import Observations

_ROUNDS = 10
_FIRST_NOISE, _LEAST_NOISE = 0.2**2, 0.02**2
_FEW = 5.0  # portraits' worth of the usual noise
_HELD = 1.0  # portraits' worth of belief that a loading is 0
_ENOUGH = 30.0  # portraits that outweigh what a vertex's neighbours look like


@dataclass(frozen=True)
class Mesh:
    """The vertices to learn of.

    Args:
        places: [V, 3] of the whole head, metres.
        edges: [E, 2] int between them.
        partners: [V] int each vertex's counterpart on the other side.
        known: [V] bool: what the model is to know.
    """

    places: np.ndarray
    edges: np.ndarray
    partners: np.ndarray
    known: np.ndarray

    def smoothing(self, share: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """What brings values [M, C] of the known vertices near their neighbours', the more the
        fewer portraits, share [M], show a vertex."""
        index = np.cumsum(self.known) - 1
        a, b = self.edges[self.known[self.edges].all(1)].T
        weight = 1 / np.maximum(np.linalg.norm(self.places[a] - self.places[b], axis=1), 1e-4)
        weight /= weight.mean()
        shape = (len(share), len(share))
        beside = coo_array((weight, (index[a], index[b])), shape=shape).tocsr()
        beside = beside + beside.T
        own = share.astype(np.float64) / _ENOUGH + 1e-6
        solver = splu(csc_array(diags_array(beside.sum(0) + own) - beside))
        return lambda values: solver.solve(own[:, None] * values)


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
        both(seen.smiles, seen.smiles),
        seen.members,
    )


def learned(seen: Observations, mesh: Mesh, count: int) -> Appearance:
    """The model that explains the portraits, and their mirror images, best.

    Args:
        seen: N portraits.
        mesh: The vertices.
        count: Components.

    Deviates: from probabilistic principal components by noise with heavy tails (hair, glasses and
    borders of shadows are no skin), and by vertices that look like their neighbours where hardly
    any portrait shows them: the backs of ears, the neck's sides. What a smile adds is one more
    component, of which each portrait tells how much of it there is.
    """
    both = with_mirrored(seen, mesh.partners)
    vertices = np.flatnonzero(mesh.known)
    logs = logarithms(both.colours[:, vertices]).astype(np.float32)  # [N, M, 3]
    weight = plainly_shown(both.skin[:, vertices]).astype(np.float32)
    smooth = mesh.smoothing(weight.sum(0))
    mean = np.einsum("nm,nmc->mc", weight, logs) / np.maximum(weight.sum(0), 1e-3)[:, None]
    start = 0.03 * np.random.default_rng(0).standard_normal((count, len(vertices), 3))
    noise = np.full(len(vertices), _FIRST_NOISE)
    all_known, smiles = np.ones(len(vertices), bool), both.smiles - both.smiles.mean()
    model = Appearance(smooth(mean), start, noise, np.zeros((len(vertices), 3)), all_known)
    for turn in range(_ROUNDS):
        model, error = _improved(model, both.normals[:, vertices], logs, weight, smiles, smooth)
        print(f"round {turn}: {error:.4f} of a logarithm unexplained", flush=True)
    size = len(mesh.known)
    whole = Appearance(
        np.zeros((size, 3)),
        np.zeros((count, size, 3)),
        np.ones(size),
        np.zeros((size, 3)),
        mesh.known,
    )
    whole.mean[vertices], whole.noise[vertices] = model.mean, model.noise
    whole.components[:, vertices], whole.smile[vertices] = model.components, model.smile
    return _rotated(whole)


def _improved(
    model: Appearance,
    normals: np.ndarray,
    logs: np.ndarray,
    weight: np.ndarray,
    smiles: np.ndarray,
    smooth: Callable[[np.ndarray], np.ndarray],
) -> tuple[Appearance, float]:
    """One round, and the root mean square of what stays unexplained.

    Args:
        model: Of M vertices.
        normals: [N, M, 3] at the portraits' poses.
        logs: [N, M, 3] what they show.
        weight: [N, M] 0..1 trust in it.
        smiles: [N] how much more than on average they smile.
        smooth: See `Mesh.smoothing`.
    """
    count, vertices = len(model.components), len(model.mean)
    moments = np.empty((len(logs), count + 2, count + 2), np.float32)
    codes = np.empty((len(logs), count + 2), np.float32)
    unlit, believed = np.empty_like(logs), np.empty_like(weight)
    for n in range(len(logs)):
        resting = logs[n] - smiles[n] * model.smile
        found = model.codes(np.exp(resting), weight[n], normals[n])
        codes[n] = (*found.person, smiles[n], 1.0)
        moments[n] = np.outer(codes[n], codes[n])
        moments[n, :count, :count] += found.covariance
        unlit[n] = logs[n] - light_terms(normals[n]) @ found.light.T
        away = resting - model.explained(found, normals[n])
        believed[n] = weight[n] * likely(away, model.noise)
    left = (believed.T @ moments.reshape(len(logs), -1)).reshape(-1, count + 2, count + 2)
    right = np.einsum("nk,nmc->mkc", codes, believed[..., None] * unlit, optimize=True)
    right[:, -1] += 1e-3 * model.mean
    held = np.diag(np.append(np.full(count + 1, _HELD), 1e-3))
    loads = np.linalg.solve(left + held, right).reshape(vertices, -1)
    loads = smooth(loads).reshape(vertices, count + 2, 3)
    away = unlit - np.einsum("nk,mkc->nmc", codes, loads, optimize=True)
    squares = (believed * np.square(away).mean(-1)).sum(0)
    usual = squares.sum() / weight.sum()
    noise = (squares + _FEW * usual) / (weight.sum(0) + _FEW)
    components = np.ascontiguousarray(loads[:, :count].transpose(1, 0, 2))
    return (
        replace(
            model,
            mean=loads[:, -1],
            smile=loads[:, -2],
            components=components,
            noise=np.maximum(noise, _LEAST_NOISE),
        ),
        float(np.sqrt(usual)),
    )


def _rotated(model: Appearance) -> Appearance:
    """The same model with orthogonal components, largest first."""
    flat = model.components.reshape(len(model.components), -1)
    _, values, rows = np.linalg.svd(flat, full_matrices=False)
    sign = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(1)])
    return replace(
        model, components=((values * sign)[:, None] * rows).reshape(model.components.shape)
    )
