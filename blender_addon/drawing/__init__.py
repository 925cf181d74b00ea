"""Avatars as Gaussian splats in the viewport, where Blender does not draw them itself.

`handlers` hangs everything in; `viewports` is one redraw: `gathered` (the evaluated clouds as
textures), `order` (far to near), `splat_picture` and `surface` (pictures, with the scene's depth),
`shaders`; `sign` says that a refined picture is on its way. `cloud_display` takes Blender's own
points away meanwhile.
"""
