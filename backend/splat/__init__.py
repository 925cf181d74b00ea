"""Gaussian splatting: the data, the projection and three rasterisers that agree.

`reference` (plain PyTorch) is the specification, `cpu` the C++ op, `cuda` gsplat; `rasterise`
chooses. Words are gsplat's.
"""
