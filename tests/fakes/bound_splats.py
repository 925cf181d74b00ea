"""What `shared.binding` says in words, computed once more with NumPy: a second opinion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared import binding

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Bound:
    """A binding and the mesh that it is for.

    Args:
        binding: Arrays of `shared.binding`.
        faces: [F, 3].
        rest: [V, 3] the mesh without expression, metres.
    """

    binding: Arrays
    faces: np.ndarray
    rest: np.ndarray

    def means(self, vertices: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """[N, 3] of a frame: vertices [V, 3] without head pose, and that pose [4, 4]."""
        b = self.binding
        skin = b["vertices"] >= 0
        corners = vertices[self.faces[b["site_faces"]]]  # [N, 3, 3]
        start = np.einsum("nc,ncd->nd", b["site_weights"], corners)
        frames = self._frames(vertices)[b["vertices"]]
        loose = start + np.einsum("nij,nj->ni", frames, b["offsets"])
        loose[~skin] = b["means"][~skin]
        moved, still = (_carried(matrix, loose) for matrix in (pose, b["torso_pose"]))
        return still + b["shares"][:, None] * (moved - still)

    def colours(self, vertices: np.ndarray) -> np.ndarray:
        """[N, 3] display-referred sRGB of a frame."""
        b, of = self.binding, self.binding["vertices"]
        moved = vertices - self.rest
        smoothed = b["folded"] * np.clip(b["fold_starts"] - _gone(moved, b["ways"], 1e-8), 0, 1)
        areas = np.linalg.norm(self._facing(vertices), axis=1) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            larger = (areas / b["fold_areas"])[b["fold_faces"]].mean(1) / b["fold_least"][of]
        stretched = 1 - 1 / np.maximum(larger, 1) ** 2
        share = np.maximum(smoothed[of], stretched)
        colours = _towards(b["colours"], b["fold_colours"], b["fold_shares"] * share)
        before = b["closed_before"]
        closed = np.clip((_gone(moved, b["blinks"], 0.0005**2) - before) / (1 - before), 0, 1)
        colours = _towards(colours, b["lid_colours"], b["lid_shares"] * closed[of])
        at_corners = self._creased(moved)[self.faces[b["site_faces"]]]
        colours *= np.exp(np.einsum("nk,nkc->nc", b["site_weights"], at_corners))
        inside = b["mouth_lights"] > 0
        times = self._light(vertices) / b["mouth_lights"][inside, None]
        colours[inside] *= np.minimum(times, binding.MOUTH_BRIGHTEST)
        return colours.clip(0, 1)

    def growth(self, vertices: np.ndarray) -> np.ndarray:
        """[N] times that scales are larger."""
        b, count = self.binding, len(vertices)
        area = np.linalg.norm(self._facing(vertices), axis=1) / 2 * b["skin_faces"]
        sums, number = np.zeros(count), np.zeros(count)
        for corner in self.faces.T:
            np.add.at(sums, corner, area)
            np.add.at(number, corner, 1)
        mean, before = sums / np.maximum(number, 1), b["skin_areas"]
        times = np.sqrt(mean / np.where(before > 0, before, 1)) / binding.GROWS_FROM
        times = np.where(before > 0, times.clip(1, binding.GROWS_TO), 1)
        return np.where(b["vertices"] >= 0, times[b["vertices"]], 1)

    def _creased(self, moved: np.ndarray) -> np.ndarray:
        """[V, 3] logarithms that smiling adds."""
        b, aside = self.binding, self.rest[:, 0]
        gone = (moved * b["smiles"]).sum(1)
        sides = [gone[aside <= 0].sum(), gone[aside > 0].sum()]
        meet = binding.SMILES_MEET_M
        smile = np.interp(aside, (-meet, meet), sides)
        smile = np.interp(smile, (binding.CREASES_FROM, 1), (0, 1))
        more = (smile - b["smiled_before"])[:, None]
        return np.where(more > 0, b["creases"], b["creases"].clip(0)) * more

    def _light(self, vertices: np.ndarray) -> float:
        spans = self.binding["mouth_spans"].T @ vertices
        height, width, eyes = np.linalg.norm(spans, axis=1)
        opening = max(height - self.binding["closed_height"][0], 0) * width / eyes**2
        return float(np.interp(opening, binding.MOUTH_OPENING, binding.MOUTH_LIGHT))

    def _facing(self, vertices: np.ndarray) -> np.ndarray:
        a, b, c = (vertices[corner] for corner in self.faces.T)
        return np.cross(b - a, c - a)

    def _frames(self, vertices: np.ndarray) -> np.ndarray:
        """[V, 3, 3], columns tangent, bitangent, normal."""
        normal = np.zeros_like(vertices)
        for corner in self.faces.T:
            np.add.at(normal, corner, self._facing(vertices))
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        towards = vertices[self.binding["neighbours"]] - vertices
        tangent = towards - (towards * normal).sum(1, keepdims=True) * normal
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        return np.stack([tangent, np.cross(normal, tangent), normal], axis=2)


def _carried(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _gone(moved: np.ndarray, way: np.ndarray, least: float) -> np.ndarray:
    return (moved * way).sum(1) / np.maximum((way * way).sum(1), least)


def _towards(colours: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.where(share[:, None] > 0, colours + share[:, None] * (other - colours), colours)
