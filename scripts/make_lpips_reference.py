"""Makes tests/data/lpips_reference.json: what the lpips package measures on fixed weights.

    .venv/backend/bin/python scripts/make_lpips_reference.py [--out FILE]

The package lpips and torchvision's model definitions are installed into a folder that is thrown
away afterwards: neither is needed by the project. Every weight is filled by `fill`, so the file
holds a few numbers only, and the test needs no download.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "tests/data/lpips_reference.json"
PACKAGES = ("lpips==0.1.4", "torchvision==0.28.0")
SIDE_PX = 64
PAIRS = 3


def fill(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Float32 weights that depend on the name and shape only.

    Convolutions keep the size of what passes through them; the linear layers are positive, as
    trained ones are.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.random(shape, np.float32)
    if name.startswith("lin"):
        return values
    fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 0
    return (values - 0.5) * (np.float32((24 / fan_in) ** 0.5) if fan_in else np.float32(0.1))


def pictures(pair: int) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures [SIDE_PX, SIDE_PX, 3] float32 0..1."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float64)
    waves = [np.sin(x * (0.1 + 0.07 * c) + pair) * np.cos(y * 0.09 * (c + 1)) for c in range(3)]
    image = np.stack(waves, -1) / 2 + 0.5
    target = np.clip(image + 0.1 * (pair + 1) * np.sin(x * y / 40)[..., None], 0, 1)
    return image.astype(np.float32), target.astype(np.float32)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Makes the reference numbers of LPIPS.")
    parser.add_argument("--out", type=Path, default=OUT, help=f"default: {OUT.relative_to(ROOT)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*command, "--target", folder, *PACKAGES], check=True)
        sys.path.insert(0, folder)
        numbers = {net: measure(net) for net in ("vgg", "alex")}
    content = {"packages": PACKAGES, "distances": numbers}
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=1))
    return 0


def measure(net: str) -> list[float]:
    """The package's distances of all pairs of pictures."""
    import torch

    # torchvision refuses to load without its compiled operators, of which no network has need.
    if "torchvision" not in sys.modules:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import lpips  # type: ignore[import-not-found]  # in the folder that is thrown away
    import torchvision  # type: ignore[import-not-found]

    trunk: Any = {"vgg": torchvision.models.vgg16, "alex": torchvision.models.alexnet}[net]()
    model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    features = trunk.features
    # The package cuts the trunk into slices that keep its indices as names.
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        official = f"features.{parts[2]}.{parts[3]}" if parts[0] == "net" else name
        if parts[0] == "net":
            expected = features[int(parts[2])].get_parameter(parts[3]).shape
            assert parameter.shape == expected, (name, parameter.shape, expected)
        if parts[0] != "lins":  # the same tensors under a second name
            parameter.data = torch.from_numpy(fill(official, tuple(parameter.shape)))
    for layer, linear in enumerate(model.lins):
        linear.load_state_dict(getattr(model, f"lin{layer}").state_dict())
    distances = []
    for pair in range(PAIRS):
        image, target = (torch.from_numpy(p).permute(2, 0, 1)[None] for p in pictures(pair))
        with torch.no_grad():
            distances.append(float(model(image, target, normalize=True)))
    return distances


if __name__ == "__main__":
    sys.exit(main())
