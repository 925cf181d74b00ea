"""The binding: how an avatar's Gaussians hang on its head mesh, so that the mesh alone moves them.

An avatar whose network adds nothing with the expression can be moved without the backend: Blender
does it with geometry nodes, from the arrays that are named here. For a frame, `P` [V, 3] are the
mesh's vertices without head pose, `H` the head's rigid pose and `S` the portrait's (`torso_pose`).

    place    s = sum_k site_weights_k P[k-th corner of triangle site_faces]
    frame    R = local frame of P at `vertices`: normal of the triangles around it, weighted by
             their areas; tangent towards vertex `neighbours`
    loose    x = s + R offsets, turned by R quats        (identity: means, quats as they are)
    posed    share of the way from S x to H x, turned likewise; grows by slope |H x - S x|

Colours go by five terms, one after the other, in display-referred sRGB:

    folds    towards fold_colours by fold_shares times the larger of two things:
             smoothed = folded (fold_starts - (P - rest).way / way.way) of its vertex
             stretched = 1 - 1 / max(1, t)^2; t: mean of area / fold_areas over fold_faces,
             divided by fold_least of its vertex
    lids     towards lid_colours by lid_shares times (c - closed_before) / (1 - closed_before);
             c: how far its vertex has gone of `blinks`' way
    creases  times exp(sum_k site_weights_k c[k-th corner of triangle site_faces])
             c = m creases where m > 0, m max(creases, 0) elsewhere: what a smile lights darkens as
             it goes, what it shades is the folds'; m = ramp(s) - smiled_before of a vertex
             ramp: 0 up to CREASES_FROM, 1 from 1 on; s: the sum of (P - rest).smiles over the
             vertices of its side, x > 0 or not, both sides' mixed within SMILES_MEET_M
    mouth    times light(opening) / mouth_lights, at most MOUTH_BRIGHTEST
    growth   scales times sqrt(area around its vertex / skin_areas) / GROWS_FROM, 1..GROWS_TO

Source: `backend.avatar.drive`, whose order and formulas these are.
"""

import numpy as np

PER_GAUSSIAN = {
    "means": (np.float32, 3),
    "quats": (np.float32, 4),
    "scales": (np.float32, 3),
    "colours": (np.float32, 3),
    "opacities": (np.float32, 1),
    "masks": (np.float32, 1),
    "layers": (np.uint8, 1),
    "vertices": (np.int32, 1),
    "site_faces": (np.int32, 1),
    "site_weights": (np.float32, 3),
    "offsets": (np.float32, 3),
    "shares": (np.float32, 1),
    "slopes": (np.float32, 1),
    "fold_faces": (np.int32, 3),
    "fold_colours": (np.float32, 3),
    "fold_shares": (np.float32, 1),
    "lid_colours": (np.float32, 3),
    "lid_shares": (np.float32, 1),
    "mouth_lights": (np.float32, 1),
}
"""Arrays [N] or [N, columns] of all Gaussians, identity first; `vertices` is -1 for identity,
`mouth_lights` is 0 outside the mouth. `masks`: the least soft mask of it and its ancestors; kept
above KEPT_ABOVE."""

PER_VERTEX = {
    "neighbours": (np.int32, 1),
    "blinks": (np.float32, 3),
    "ways": (np.float32, 3),
    "closed_before": (np.float32, 1),
    "folded": (np.float32, 1),
    "fold_starts": (np.float32, 1),
    "fold_least": (np.float32, 1),
    "skin_areas": (np.float32, 1),
    "mouth_spans": (np.float32, 3),
    "creases": (np.float32, 3),
    "smiles": (np.float32, 3),
    "smiled_before": (np.float32, 1),
}
"""Arrays of the mesh's V vertices. `skin_areas`: the mean over the triangles around it, skin
triangles only, in square metres; 0 where nothing grows. `mouth_spans`: weights whose sums with
the vertices are the mouth's height, its width and the eyes' distance as vectors. `creases`: what a
whole smile adds to logarithms of colours."""

PER_FACE = {"skin_faces": (np.float32, 1), "fold_areas": (np.float32, 1)}
"""Arrays of the mesh's F triangles: 1 where skin grows; square metres, 0 where nothing folds."""

SCALARS = {"torso_pose": np.float32, "anchors": np.int32, "closed_height": np.float32}
"""[4, 4] float32; [3] int32, vertices that no expression, jaw or eye moves; [1] float32, metres."""

KEPT_ABOVE = 0.5
"""Eq. 11."""

GROWS_FROM, GROWS_TO = 1.1, 2.0
"""Times as far apart as in the portrait: splats overlap by that much and more; most growth."""

SMILES_MEET_M = 0.012
"""From the face's middle: skin that both sides' smiles shade."""

CREASES_FROM = 0.25
"""Of a smile's way: speech draws the mouth's corners aside by so much."""

MOUTH_BRIGHTEST = 1.2
"""Times; a tooth that hardly shows may be a lip."""

MOUTH_OPENING = (0.0, 0.01, 0.025, 0.05, 0.08, 0.12)
MOUTH_LIGHT = (0.5, 0.6, 0.72, 0.87, 1.0, 1.08)
"""How bright teeth are, 1 in a broad smile, by the mouth's height times its width, in squares of
the eyes' distance: between what 273 smiling portraits show, lit from the front, and 86 frames of
people who speak below a ceiling's light, whose teeth darken by twice as much."""

MOST_STILL = 1e-6
"""Metres by which anchors may move."""
