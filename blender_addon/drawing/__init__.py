"""Avatars as Gaussian splats in the viewport, where Blender does not draw them itself.

`handlers` hangs everything in; `view` is one redraw: `gathered` (the evaluated clouds as textures),
`order` (far to near), `surface` (a picture of its own, with the scene's depth), `shaders`.
`points` says how Blender shows the clouds meanwhile, `native` is for Blenders with splats.
"""
