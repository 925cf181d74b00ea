"""What eyes look like on portraits: the numbers of backend/lifting/eyes.py.

    python scripts/measure_eyes.py FOLDER [--every 3]

FOLDER has the portraits, *.jpg; every tenth by name is held out of all learning. Prints medians of
display sRGB, divided by the light on the face, by degrees from the pupil's middle; and how bright
irises and whites are by degrees above straight ahead, beside their own mean.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.process import tune_process  # noqa: E402

tune_process()

import numpy as np  # noqa: E402

from backend.configs.network import model_config  # noqa: E402
from backend.configs.presets import load_preset  # noqa: E402
from backend.head import load_head  # noqa: E402
from backend.lifting.colours import SEEN, SiteColours  # noqa: E402
from backend.lifting.eyes import directions  # noqa: E402
from backend.lifting.hair import hair_over_face  # noqa: E402
from backend.lifting.light import brightness_of, tint_of  # noqa: E402
from backend.lifting.sites import regions_at, sites_of  # noqa: E402
from backend.lifting.view import View  # noqa: E402
from backend.model.splitavatar import SplitAvatar  # noqa: E402
from backend.tracking.portrait import Tracker  # noqa: E402
from scripts.portraits import pictures_asked_for, read_each  # noqa: E402
from shared.progress import silent  # noqa: E402

_RING_DEG = np.arange(0, 56, 4)
_ABOVE_DEG = np.arange(-24, 13, 4)
_PARTS_DEG = {"iris": (11, 25), "white": (27, 45)}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Measures eyes on portraits.")
    parser.add_argument("--every", type=int, default=3, help="of the portraits, to save time")
    options, pictures = pictures_asked_for(parser)
    head = load_head("open")
    model = SplitAvatar(model_config(load_preset("open")), head)
    found = []
    with Tracker(head) as tracker:
        read = partial(tracker.portrait, face=None, progress=silent)
        for _, portrait in read_each(pictures[:: options.every], read):
            if not any(portrait.closed_eyes):
                found.append(_eyes(View(portrait, head), model))
    places, colours = (np.concatenate(part) for part in zip(*found, strict=True))
    angle = np.degrees(np.arccos(np.clip(places[:, 2], -1, 1)))
    above = np.degrees(np.arcsin(places[:, 1]))
    print(f"{len(found)} portraits; degrees from the pupil's middle, median red, green, blue")
    for low in _RING_DEG:
        ring = colours[(angle >= low) & (angle < low + 4)]
        if len(ring):
            print(low + 2, *np.median(ring, axis=0).round(3))
    for name, (near, far) in _PARTS_DEG.items():
        part = (angle >= near) & (angle < far)
        mean = colours[part].mean()
        print(f"{name}, degrees above straight ahead, brightness beside its mean")
        for low in _ABOVE_DEG:
            row = colours[part & (above >= low) & (above < low + 4)]
            if len(row):
                print(low + 2, (np.median(row.mean(1)) / mean).round(2))
    return 0


def _eyes(view: View, model: SplitAvatar) -> tuple[np.ndarray, np.ndarray]:
    """[K, 3] directions from the eyeballs' middles and [K, 3] colours in good light, of what a
    portrait shows of both eyes."""
    sites, _ = sites_of(view, model)
    at = regions_at(view, sites.vertices)
    shown = SiteColours(view, hair_over_face(view, view.parts.worn)).shown(sites)
    seen = shown.trust > SEEN
    face, eyes = shown.colours[at["face"] & seen], shown.colours[at["eyes"] & seen]
    light = brightness_of(face, eyes) * tint_of(face, eyes)
    places, colours = [], []
    for ball in (at["left_eyeball"], at["right_eyeball"]):
        places.append(directions(sites.rest[ball])[seen[ball]])
        colours.append(shown.colours[ball & seen] / light)
    return np.concatenate(places), np.concatenate(colours)


if __name__ == "__main__":
    raise SystemExit(main())
