"""Gaussian splatting: the data, the projection and three rasterisers that agree.

`reference` (plain PyTorch) is the specification, `cpu` the C++ op, `cuda` gsplat; `rasterise`
chooses. Words are gsplat's.
"""

OPENMP_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive"}
"""Environment of every process that renders. It works only when set before torch is imported, so
whoever starts the backend sets it. Without it, the idle threads of one OpenMP user (torch, the
rasteriser, a numerical library) spin and starve the next one: 1.05 s a frame instead of 0.1 s."""
