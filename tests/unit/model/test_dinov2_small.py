"""DINOv2-S: its file, made of a package's; blocks that are given out. No weights are needed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from backend.configs.network import ModelConfig
from backend.model import build, dinov2_small
from backend.model.adapter import ConvAdapter
from backend.model.dinov2 import DinoV2
from backend.model.dinov2_small import SHA256, WEIGHTS, DinoV2Small
from scripts.make_dinov2_small import converted
from scripts.onnx_file import OnnxFile, read_onnx
from shared.errors import AvatarError

DEPTH, WIDTH, HEADS = 3, 24, 2


def made(**options) -> DinoV2:
    torch.manual_seed(4)
    model = DinoV2(56, "mean", depth=4, width=WIDTH, heads=HEADS, **options)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def varint(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number: int, content: bytes | str | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx(weights: dict[str, np.ndarray], inputs: dict[str, list[str]]) -> bytes:
    """A file as exporters write it, as far as it is read."""
    graph = b""
    for name, array in weights.items():
        dims = field(1, b"".join(varint(n) for n in array.shape))  # packed
        graph += field(5, dims + field(2, 1) + field(8, name) + field(9, array.tobytes()))
    for node, names in inputs.items():
        graph += field(1, b"".join(field(1, n) for n in names) + field(3, node) + field(4, "Op"))
    return field(1, 8) + field(2, "pytorch") + field(7, graph)


def exported(model: DinoV2) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
    """A backbone's weights and nodes, named as the package's network names them."""
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    embeddings, root = "backbone.embeddings.", "/backbone/embeddings/"
    weights = {
        f"{embeddings}cls_token": state["cls_token"],
        f"{embeddings}patch_embeddings.projection.weight": state["patch_embed.proj.weight"],
        f"{embeddings}patch_embeddings.projection.bias": state["patch_embed.proj.bias"],
        "backbone.layernorm.weight": state["norm.weight"],
        "backbone.layernorm.bias": state["norm.bias"],
        "onnx::Concat_1": state["pos_embed"][:, :1],
        "onnx::Reshape_2": state["pos_embed"][:, 1:],
    }
    inputs = {
        f"{root}Concat_6": ["onnx::Concat_1", "x"],
        f"{root}Reshape_1": ["onnx::Reshape_2", "y"],
    }
    names = {
        "norm1.weight": "norm1.weight", "norm1.bias": "norm1.bias", "norm2.weight": "norm2.weight",
        "norm2.bias": "norm2.bias", "layer_scale1.lambda1": "ls1.gamma",
        "layer_scale2.lambda1": "ls2.gamma", "attention.output.dense.bias": "attn.proj.bias",
        "mlp.fc1.bias": "mlp.fc1.bias", "mlp.fc2.bias": "mlp.fc2.bias",
    }  # fmt: skip
    for number in range(len(model.blocks)):
        own, layer = f"blocks.{number}.", f"backbone.encoder.layer.{number}."
        weights |= {layer + theirs: state[own + ours] for theirs, ours in names.items()}
        looks = [f"attention/attention/{name}" for name in ("query", "key", "value")]
        matrices = dict(zip(looks, np.split(state[f"{own}attn.qkv.weight"], 3), strict=True))
        biases = np.split(state[f"{own}attn.qkv.bias"], 3)
        for name, bias in zip(looks, biases, strict=True):
            weights[f"{layer}{name.replace('/', '.')}.bias"] = bias
        matrices["attention/output/dense"] = state[f"{own}attn.proj.weight"]
        matrices["mlp/fc1"] = state[f"{own}mlp.fc1.weight"]
        matrices["mlp/fc2"] = state[f"{own}mlp.fc2.weight"]
        for name, matrix in matrices.items():
            number_as_name = f"onnx::MatMul_{len(weights)}"
            weights[number_as_name] = np.ascontiguousarray(matrix.T)
            inputs[f"/backbone/encoder/layer.{number}/{name}/MatMul"] = ["z", number_as_name]
    return {n: np.ascontiguousarray(v) for n, v in weights.items()}, inputs


def test_an_onnx_files_weights_and_nodes_are_read() -> None:
    weights = {
        "w": np.arange(600, dtype=np.float32).reshape(2, 300),
        "b": np.array([1.5], np.float32),
    }
    file = read_onnx(onnx(weights, {"/a/MatMul": ["x", "w"], "/a/Add": ["y", "b"]}))
    assert sorted(file.weights) == ["b", "w"]
    np.testing.assert_array_equal(file.weights["w"], weights["w"])
    np.testing.assert_array_equal(file.into("/a/Add"), weights["b"])
    assert file.inputs["/a/MatMul"] == ["x", "w"]


def test_a_backbone_comes_back_from_the_exporters_names() -> None:
    model = made()
    del model.mask_token
    file = read_onnx(onnx(*exported(model)))
    back = converted(file, len(model.blocks))
    state = model.state_dict()
    assert back.keys() == state.keys()
    for name, value in back.items():
        np.testing.assert_array_equal(value, state[name].numpy(), err_msg=name)


def test_only_the_blocks_that_are_wanted_are_taken() -> None:
    model = made()
    back = converted(OnnxFile(*exported(model)), DEPTH)
    assert {name.split(".")[1] for name in back if name.startswith("blocks")} == {"0", "1", "2"}


def test_taps_are_blocks_from_1_in_the_order_asked_for() -> None:
    image = torch.rand(1, 3, 56, 56)
    every, two = made(taps=(1, 2, 3, 4))(image), made(taps=(3, 1))(image)
    assert torch.equal(two.maps[0], every.maps[2])
    assert torch.equal(two.maps[1], every.maps[0])
    assert torch.equal(two.global_feature, two.maps[0].mean((2, 3)))
    with pytest.raises(ValueError, match="expected blocks from 1 to 4"):
        made(taps=(5,))


def test_the_open_adapter_takes_its_maps() -> None:
    with torch.device("meta"):
        config = ModelConfig(encoder="dinov2_s", image_size=512)
        encoder = build.encoder(config)
        seen = encoder(torch.zeros(1, 3, 512, 512))
        assert [tuple(m.shape) for m in seen.maps] == [(1, 384, 37, 37)] * 3
        adapter = build.adapter(config, encoder)
        assert isinstance(adapter, ConvAdapter)
        planes = adapter(seen, torch.zeros(1, 3, 512, 512), torch.zeros(1, 3))
    assert planes.shape == (1, 2, 256 * 256, 9 + 32)


def test_the_file_for_downloads_is_read_at_the_first_picture(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    for name, value in (("WIDTH", WIDTH), ("HEADS", HEADS), ("TAPS", (3, 1))):
        monkeypatch.setattr(dinov2_small, name, value)
    image = torch.rand(1, 3, 56, 56)
    with pytest.raises(AvatarError) as error:
        DinoV2Small(56)(image)
    assert error.value.code == "missing_weights"
    assert "make_dinov2_small.py" in error.value.remedy

    model = made(taps=(3, 1))
    kept = {n: v for n, v in model.state_dict().items() if n != "mask_token" and ".3." not in n}
    path = tmp_path / WEIGHTS
    path.parent.mkdir()
    path.write_bytes(safetensors.torch.save(kept))
    with pytest.raises(AvatarError, match="has sha256"):
        DinoV2Small(56)(image)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(dinov2_small, "SHA256", digest)
    found = DinoV2Small(56)(image)
    for ours, theirs in zip(found.maps, model(image).maps, strict=True):
        assert torch.equal(ours, theirs)


def test_notice_names_the_file_with_its_hash() -> None:
    notice = (Path(__file__).resolve().parents[3] / "NOTICE").read_text(encoding="utf-8")
    assert WEIGHTS in notice
    assert f"sha256 {SHA256}" in notice
