"""What heads usually look like, learned from portraits: it tells what a photo hides of the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.flame import ARKIT_NAMES

from .vertex_colours import VertexColours

LIGHT_TERMS = 4
"""Spherical harmonics of order 0 and 1: light from all around, and from one side."""

LEAST_COLOUR = 0.02
"""Display sRGB: logarithms of darker colours are noise."""

SMILES = [ARKIT_NAMES.index(name) for name in ("mouthSmileLeft", "mouthSmileRight")]
"""The units whose mean tells how much of `Appearance.smile` there is."""

_ALIKE = 40.0
"""So many vertices err together, as neighbours do: they count as one."""

_FREEDOM = 4.0  # of Student's t: hair, glasses and borders of shadows are no skin
_MORE_ROUNDS = 3
_LEAST_TRUST = 0.3
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

    @property
    def from_front(self) -> float:
        """How much brighter what faces forwards is than in a studio, of a logarithm."""
        return float(self.light[:, -1].mean())


@dataclass(frozen=True)
class Appearance:
    """A linear model of the logarithms of display sRGB, on a head's V vertices.

    A photo's logarithms are `mean + person * components + light * terms of the normals + noise`:
    probabilistic principal components, of which values may be missing.

    Args:
        mean: [V, 3] in the portraits' usual light, which is from the front.
        components: [K, V, 3] one standard deviation each.
        noise: [V] variance of what the components leave, in every channel.
        smile: [V, 3] what a whole smile adds: creases beside the mouth, light on cheeks and chin.
            The mean smiles as the portraits do.
        known: [V] bool: the vertices that the model knows.

    Source: Tipping and Bishop 1999, Probabilistic Principal Component Analysis.
    Deviates: noise per vertex, with heavy tails; light is a factor whose loadings are the photo's
        own normals.
    """

    mean: np.ndarray
    components: np.ndarray
    noise: np.ndarray
    smile: np.ndarray
    known: np.ndarray

    def codes_of(self, shown: VertexColours, normals: np.ndarray) -> Codes:
        """The most likely components and light of a photo.

        Args:
            shown: What it shows of the vertices.
            normals: [V, 3] at its pose, head space.
        """
        return self.codes(shown.colours, plainly_shown(shown.skin), normals)

    def usual(self, codes: Codes, normals: np.ndarray) -> np.ndarray:
        """[V, 3] display sRGB of such a person in such light; NaN where the model knows nothing."""
        colours = np.exp(self.explained(codes, normals)).clip(0, 1)
        return np.where(self.known[:, None], colours, np.nan)

    def explained(self, codes: Codes, normals: np.ndarray) -> np.ndarray:
        """[V, 3] logarithms that codes stand for, on vertices with normals [V, 3]."""
        tone = self.mean + np.tensordot(codes.person, self.components, 1)
        return tone + light_terms(normals) @ codes.light.T

    def codes(self, colours: np.ndarray, trust: np.ndarray, normals: np.ndarray) -> Codes:
        """The most likely components and light of a photo.

        Args:
            colours: [V, 3] display sRGB, where anything shows.
            trust: [V] 0..1 in them.
            normals: [V, 3] at the photo's pose, head space.
        """
        used = np.flatnonzero(self.known & (trust > 0))
        # A person's loadings are each vertex's own; a light's are its normal, channel by channel.
        count, terms = len(self.components), LIGHT_TERMS
        loads = np.zeros((count + 3 * terms, len(used), 3))
        loads[:count] = self.components[:, used]
        for channel in range(3):
            part = slice(count + channel * terms, count + (channel + 1) * terms)
            loads[part, :, channel] = light_terms(normals[used]).T
        rows = loads.reshape(len(loads), -1)
        prior = np.concatenate([np.ones(count), np.tile(1 / np.square(_LIGHT_SPREAD), 3)])
        away = logarithms(colours[used]) - self.mean[used]
        weight = trust[used] / (_ALIKE * self.noise[used])
        found, covariance = _solved(rows, weight, away, prior)
        for _ in range(_MORE_ROUNDS):
            believed = likely(away - (found @ rows).reshape(-1, 3), self.noise[used])
            found, covariance = _solved(rows, weight * believed, away, prior)
        light = found[count:].reshape(3, terms)
        return Codes(found[:count], light, covariance[:count, :count])


def _solved(
    rows: np.ndarray, weight: np.ndarray, away: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[P] the likeliest factors of rows [P, 3 N], and their [P, P] covariance.

    Args:
        rows: What each factor adds to N values of three channels.
        weight: [N] 1 / variance.
        away: [N, 3] what the factors are to explain.
        prior: [P] 1 / variance of the factors.
    """
    weighted = rows * np.repeat(weight, 3)
    covariance = np.linalg.inv(weighted @ rows.T + np.diag(prior))
    return covariance @ (weighted @ away.ravel()), covariance


def likely(away: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """[N] how much to believe values that lie [N, 3] away from what is expected, given the noise's
    variance [N]: the weights of Student's t in three dimensions."""
    return (_FREEDOM + 3) / (_FREEDOM + np.square(away).sum(-1) / noise)


def plainly_shown(trust: np.ndarray) -> np.ndarray:
    """Trust 0..1, 0 for what only just shows."""
    return np.where(trust > _LEAST_TRUST, trust, 0)


def logarithms(colours: np.ndarray) -> np.ndarray:
    """Logarithms of display sRGB, in which light adds."""
    return np.log(np.maximum(colours, LEAST_COLOUR))


def lit_alike(
    usual: np.ndarray, normals: np.ndarray, told: np.ndarray, bare: np.ndarray
) -> np.ndarray:
    """[V, 3] usual colours [V, 3], and where they are NaN those of bare skin in the same light.

    The model knows no scalps, which are anybody's own; but bald ones are as dark at the sides as
    faces are there.

    Args:
        usual: Display sRGB.
        normals: [V, 3] of the vertices.
        told: [V] bool: the skin whose tone and light that is to be.
        bare: [V] bool: where.
    """
    known, terms = np.isfinite(usual).all(axis=1), light_terms(normals)
    skin = np.flatnonzero(told & known)
    light = np.linalg.lstsq(terms[skin], logarithms(usual[skin]), rcond=None)[0]
    filled = (bare & ~known).reshape(-1, 1)
    return np.where(filled, np.clip(np.exp(terms @ light), 0, 1), usual)


def light_terms(normals: np.ndarray) -> np.ndarray:
    """[N, LIGHT_TERMS] spherical harmonics, unnormalised, of normals [N, 3]."""
    return np.column_stack([np.ones(len(normals)), normals])
