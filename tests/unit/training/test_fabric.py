"""Lightning's Fabric comes with the research environment."""

from __future__ import annotations

import sys

import pytest

from backend.training.fabric import make_fabric
from backend.training.settings import settings_of
from shared.errors import AvatarError
from tests.fakes.drawn_clips import TINY

SETTINGS = settings_of(TINY)


@pytest.mark.parametrize("package", ["lightning_fabric", "tensorboard"])
def test_without_the_research_packages_it_says_how_to_install_them(monkeypatch, package: str):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(AvatarError, match=f"needs the package {package}") as found:
        make_fabric(SETTINGS.train)
    assert found.value.code == "backend_not_installed"
    assert "backend/install.py research --target" in found.value.remedy
