"""What heads usually look like, learned from portraits: it tells what a photo hides of the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIGHT_TERMS = 4
"""Spherical harmonics of order 0 and 1: light from all around, and from one side."""

_LEAST_COLOUR = 0.02  # display sRGB: logarithms of darker ones are noise
_LIGHT_SPREAD = (0.5, 0.3, 0.3, 0.3)  # of a logarithm, one per term


@dataclass(frozen=True)
class Codes:
    """What explains one photo: K components and a light, both about N(0, their spread).

    Args:
        person: [K] in standard deviations.
        light: [3, LIGHT_TERMS] of every channel's logarithm.
        covariance: [K, K] of `person`, given the photo.
    """

    person: np.ndarray
    light: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class Appearance:
    """A linear model of the logarithms of display sRGB, on a head's V vertices.

    A photo's logarithms are `mean + components * person + light on the normals + noise`: probabilistic
    principal components with missing values.

    Args:
        mean: [V, 3] in the portraits' usual light, which is from the front.
        components: [K, V, 3] one standard deviation each.
        noise: [V] variance of what the components leave.
        known: [V] bool: the vertices that the model knows.

    Source: Tipping and Bishop 1999, Probabilistic Principal Component Analysis.
    Deviates: noise per vertex; light is a factor whose loadings are the photo's own normals.
    """

    mean: np.ndarray
    components: np.ndarray
    noise: np.ndarray
    known: np.ndarray

    def codes(self, colours: np.ndarray, trust: np.ndarray, normals: np.ndarray) -> Codes:
        """The most likely components and light of a photo.

        Args:
            colours: [V, 3] display sRGB, where anything shows.
            trust: [V] 0..1 in them.
            normals: [V, 3] at the photo's pose.
        """
        used = np.flatnonzero(self.known & (trust > 0))
        weight = trust[used] / self.noise[used]
        loads, light = self.components[:, used], light_terms(normals[used])
        away = logarithms(colours[used]) - self.mean[used]  # [N, 3]
        count, terms = len(loads), LIGHT_TERMS
        precision = np.diag(np.concatenate([np.ones(count), np.tile(_LIGHT_PRECISION, 3)]))
        right = np.zeros(len(precision))
        weighted = loads * weight[:, None]
        flat = loads.reshape(count, -1)
        precision[:count, :count] += weighted.reshape(count, -1) @ flat.T
        right[:count] = weighted.reshape(count, -1) @ away.ravel()
        lit = light * weight[:, None]
        for channel in range(3):
            part = slice(count + channel * terms, count + (channel + 1) * terms)
            cross = loads[..., channel] @ lit
            precision[:count, part] += cross
            precision[part, :count] += cross.T
            precision[part, part] += lit.T @ light
            right[part] = lit.T @ away[:, channel]
        covariance = np.linalg.inv(precision)
        found = covariance @ right
        return Codes(
            found[:count], found[count:].reshape(3, terms), covariance[:count, :count]
        )

    def shown_by(self, codes: Codes, normals: np.ndarray) -> np.ndarray:
        """[V, 3] display sRGB of a person in a light, on vertices with normals [V, 3]."""
        tone = self.mean + np.tensordot(codes.person, self.components, 1)
        return np.exp(tone + light_terms(normals) @ codes.light.T).clip(0, 1)


_LIGHT_PRECISION = 1 / np.square(_LIGHT_SPREAD)


def logarithms(colours: np.ndarray) -> np.ndarray:
    """Logarithms of display sRGB, in which light adds."""
    return np.log(np.maximum(colours, _LEAST_COLOUR))


def light_terms(normals: np.ndarray) -> np.ndarray:
    """[N, LIGHT_TERMS] spherical harmonics, unnormalised, of normals [N, 3]."""
    return np.column_stack([np.ones(len(normals)), normals])
