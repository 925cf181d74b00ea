"""Who a made-up person is: identity codes, colours, hair and clothes, and the light they sit in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.flame import BETAS_SIZE

from .noise import Noise

SKINS = np.array(
    [
        [0.93, 0.78, 0.70], [0.88, 0.70, 0.60], [0.80, 0.60, 0.48],
        [0.66, 0.46, 0.35], [0.48, 0.32, 0.24], [0.34, 0.22, 0.17],
    ]
)  # fmt: skip
HAIRS = np.array(
    [
        [0.07, 0.06, 0.06], [0.15, 0.10, 0.08], [0.28, 0.18, 0.12],
        [0.42, 0.29, 0.18], [0.66, 0.52, 0.34], [0.46, 0.22, 0.12], [0.60, 0.59, 0.58],
    ]
)  # fmt: skip
IRISES = np.array([[0.22, 0.14, 0.09], [0.35, 0.24, 0.13], [0.30, 0.38, 0.26], [0.33, 0.45, 0.56]])
_BETAS_SPREAD, _BETAS_MOST = 0.8, 2.0
_BALD = 0.1


@dataclass(frozen=True)
class Light:
    """Light that stands still while the head turns.

    Args:
        direction: [3] unit, from the face to the light, OpenCV camera axes.
        key: [3] linear intensity of the directional light.
        ambient: [3] linear intensity from everywhere.
    """

    direction: np.ndarray
    key: np.ndarray
    ambient: np.ndarray


@dataclass(frozen=True)
class Person:
    """One identity. Colours are display sRGB albedos 0..1.

    Args:
        betas: [300] identity of the open head.
        skin: [3].
        lips: [3].
        hair: [3] of the scalp; the brows' and the beard's is near it.
        iris: [3].
        cloth: [3] of the shirt.
        collar_m: Height below which the shirt starts, template metres.
        hair_m: How far hair stands off the scalp; 0 is bald.
        hairline_m: Height of the hairline above the eyes, template metres.
        brow: 0..1 strength of the brows.
        beard: 0..1.
        freckles: 0..1.
        teeth: 0..1 brightness.
        gloss: Strength of the highlight on skin.
        blotches: Low-frequency noise of the skin.
        pores: Fine noise.
        strands: Fine noise of the hair.
        light: Of this recording.
    """

    betas: np.ndarray
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    cloth: np.ndarray
    collar_m: float
    hair_m: float
    hairline_m: float
    brow: float
    beard: float
    freckles: float
    teeth: float
    gloss: float
    blotches: Noise
    pores: Noise
    strands: Noise
    light: Light


def draw_person(rng: np.random.Generator, components: int) -> Person:
    """A random identity.

    Args:
        rng: Where chance comes from; the same state gives the same person.
        components: Identity components of the head.
    """
    betas = np.zeros(BETAS_SIZE, np.float32)
    spread = _BETAS_SPREAD * rng.normal(size=components)
    betas[:components] = np.clip(spread, -_BETAS_MOST, _BETAS_MOST)
    skin = _between(SKINS, rng.uniform(0, len(SKINS) - 1)) + rng.normal(0, 0.015, 3)
    rosy = rng.uniform(0.25, 0.75)
    lips = (1 - rosy) * skin * [0.95, 0.78, 0.76] + rosy * np.array([0.72, 0.30, 0.30]) * skin[0]
    bald = rng.random() < _BALD
    return Person(
        betas=betas,
        skin=np.clip(skin, 0.05, 0.97),
        lips=np.clip(lips, 0.05, 0.95),
        hair=np.clip(HAIRS[rng.integers(len(HAIRS))] * rng.uniform(0.8, 1.2), 0.02, 0.9),
        iris=np.clip(IRISES[rng.integers(len(IRISES))] * rng.uniform(0.8, 1.2), 0.02, 0.9),
        cloth=_between(rng.uniform(0.08, 0.85, (2, 3)), 0.5),
        collar_m=float(rng.uniform(-0.118, -0.100)),
        hair_m=0.0 if bald else float(rng.uniform(0.004, 0.022)),
        hairline_m=float(rng.uniform(0.045, 0.065)),
        brow=float(rng.uniform(0.5, 1.0)),
        beard=float(max(0.0, rng.uniform(-1.2, 1.0))),
        freckles=float(max(0.0, rng.uniform(-1.5, 1.0))),
        teeth=float(rng.uniform(0.75, 0.95)),
        gloss=float(rng.uniform(0.02, 0.12)),
        blotches=Noise.draw(rng, 0.025),
        pores=Noise.draw(rng, 0.003),
        strands=Noise.draw(rng, 0.006),
        light=draw_light(rng),
    )


def draw_light(rng: np.random.Generator) -> Light:
    """A key light from somewhere in front and above, and an ambient part."""
    azimuth, elevation = rng.uniform(-1.0, 1.0), rng.uniform(-0.1, 0.9)
    direction = np.array(
        [np.sin(azimuth) * np.cos(elevation), -np.sin(elevation), -np.cos(azimuth)]
    )
    warmth = rng.uniform(-0.12, 0.12)
    tint = np.array([1 + warmth, 1.0, 1 - warmth])
    share = rng.uniform(0.35, 0.75)  # of the key light
    strength = rng.uniform(0.85, 1.15)
    ambient = strength * (1 - share) * (2 - tint)
    return Light(direction / np.linalg.norm(direction), strength * share * tint, ambient)


def _between(colours: np.ndarray, position: float) -> np.ndarray:
    low = min(int(position), len(colours) - 2)
    part = position - low
    return (1 - part) * colours[low] + part * colours[low + 1]
