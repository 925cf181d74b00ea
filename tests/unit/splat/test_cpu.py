from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from backend.splat import cpu, reference
from backend.splat.gaussians import Gaussians

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"mask_gradient": True, "alpha_max": 0.999, "near_m": 0.01}


def _weights(outputs) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(9)
    return [torch.randn(o.shape, generator=generator, dtype=o.dtype) for o in outputs]


def _loss(outputs) -> torch.Tensor:
    return torch.stack([(o * w).sum() for o, w in zip(outputs, _weights(outputs))]).sum()


@pytest.mark.parametrize("channels", [1, 3, 4, 7, 32, 35])
def test_forward_equals_the_reference(scene, channels):
    cloud, camera = scene(4000, channels, (150, 97), dropped=0.1)
    with torch.no_grad():
        found = cpu.rasterise(cloud, camera, **SETTINGS)
        expected = reference.rasterise(cloud, camera, **SETTINGS)
    for name, one, other in zip(("features", "transmittance", "z"), found, expected):
        difference = (one - other).abs()
        assert difference.mean() <= 1e-6, name
        # a contribution at the edge of 1/255 may fall on either side in float32
        assert difference.max() <= 2 / 255, name


def test_another_low_pass_equals_the_references(scene):
    cloud, camera = scene(2000, 3, (90, 60))
    with torch.no_grad():
        found = cpu.rasterise(cloud, camera, **SETTINGS, eps2d=1.7)
        expected = reference.rasterise(cloud, camera, **SETTINGS, eps2d=1.7)
        usual = cpu.rasterise(cloud, camera, **SETTINGS)
    assert (found[0] - expected[0]).abs().max() <= 2 / 255
    assert (found[0] - expected[0]).abs().mean() <= 1e-6
    assert (found[0] - usual[0]).abs().mean() > 1e-3


@pytest.mark.parametrize("instruction_set", cpu.status().instruction_sets)
@pytest.mark.parametrize("channels", [3, 32, 5])
def test_every_instruction_set_gives_the_same_picture_and_gradients(
    scene, gradients, instruction_set, channels
):
    cloud, camera = scene(300, channels, 50, dropped=0.1)
    found = cpu.rasterise(cloud, camera, **SETTINGS, instruction_set=instruction_set)
    expected = reference.rasterise(cloud, camera, **SETTINGS)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    expected_gradients = gradients(_loss(expected), cloud)
    for name, gradient in gradients(_loss(found), cloud).items():
        error = (gradient - expected_gradients[name]).norm() / expected_gradients[name].norm()
        assert error < 1e-4, name


@pytest.mark.parametrize("channels", [3, 32, 6])
def test_float64_equals_the_reference_to_rounding(scene, gradients, channels):
    cloud, camera = scene(400, channels, (50, 35), dtype=torch.float64, dropped=0.2)
    found = cpu.rasterise(cloud, camera, **SETTINGS)
    expected = reference.rasterise(cloud, camera, **SETTINGS)
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-12)
    expected_gradients = gradients(_loss(expected), cloud)
    for name, gradient in gradients(_loss(found), cloud).items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=1e-8, atol=1e-8)


def test_gradients_equal_finite_differences(scene):
    cloud, camera = scene(6, 3, 17, dtype=torch.float64)
    # wide and fairly opaque, so that the steps of gradcheck cross no 1/255 edge inside the picture
    scales = (cloud.scales.detach() * 6 + 0.05).requires_grad_()

    def render(means, quats, scales, opacities, features):
        drawn = Gaussians(means, quats, scales, opacities * 0.5 + 0.3, features)
        return cpu.rasterise(drawn, camera, **SETTINGS)

    inputs = (cloud.means, cloud.quats, scales, cloud.opacities, cloud.features)
    assert torch.autograd.gradcheck(render, inputs, eps=1e-7, atol=1e-4, rtol=1e-4)


def test_gradients_outside_the_clamp_of_the_linearisation_equal_the_references(scene, gradients):
    cloud, camera = scene(200, 3, 24, dtype=torch.float64)
    shift = torch.tensor([0.25, -0.22, 0.0], dtype=torch.float64)
    cloud.means = (cloud.means.detach() + shift).requires_grad_()
    cloud.scales = (cloud.scales.detach() * 6).requires_grad_()
    expected = gradients(_loss(reference.rasterise(cloud, camera, **SETTINGS)), cloud)
    found = gradients(_loss(cpu.rasterise(cloud, camera, **SETTINGS)), cloud)
    assert expected["means"].abs().max() > 0
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-8, atol=1e-8)


def test_results_do_not_depend_on_the_number_of_threads(scene, gradients):
    cloud, camera = scene(9000, 3, 80)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            outputs = cpu.rasterise(cloud, camera, **SETTINGS)
            results.append([*outputs, *gradients(_loss(outputs), cloud).values()])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other))


def test_pictures_drawn_at_the_same_time_are_those_drawn_one_after_another(scene):
    scenes = [scene(9000, 3, 80, seed=seed) for seed in range(4)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with torch.no_grad(), ThreadPoolExecutor(4) as pool:
            expected = [cpu.rasterise(*each, **SETTINGS)[0] for each in scenes]
            for _ in range(5):
                drawn = pool.map(lambda each: cpu.rasterise(*each, **SETTINGS)[0], scenes)
                assert all(torch.equal(a, b) for a, b in zip(drawn, expected))
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_draws_with_threads_of_its_own():
    """The parent's threads are not in the child: waiting for them would take for ever."""
    code = """if True:
        import os, torch
        from backend.splat.rasterise import rasterise
        from backend.splat.speed import head_like_scene
        torch.set_num_threads(3)
        scene = head_like_scene(9000, 3, 80)
        expected = rasterise(*scene).features
        if os.fork() == 0:
            os._exit(0 if torch.equal(rasterise(*scene).features, expected) else 1)
        raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, timeout=60)
    assert done.returncode == 0


def test_working_in_bands_of_the_picture_changes_no_result(scene, gradients, monkeypatch):
    cloud, camera = scene(500, 4, (70, 90), dropped=0.1)
    outputs = cpu.rasterise(cloud, camera, **SETTINGS)
    expected = [*outputs, *gradients(_loss(outputs), cloud).values()]
    monkeypatch.setattr(cpu, "_RECORD_BYTES_MAX", 4096)
    outputs = cpu.rasterise(cloud, camera, **SETTINGS)
    found = [*outputs, *gradients(_loss(outputs), cloud).values()]
    for one, other in zip(found[:3], expected[:3]):
        assert torch.equal(one, other)
    for one, other in zip(found[3:], expected[3:]):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_gaussians_that_are_not_numbers_are_not_drawn_and_get_no_gradient(scene, gradients):
    cloud, camera = scene(50, 3, 32)
    with torch.no_grad():
        cloud.means[7] = float("nan")
        cloud.scales[9] = float("inf")
    outputs = cpu.rasterise(cloud, camera, **SETTINGS)
    assert all(torch.isfinite(o).all() for o in outputs)
    for name, gradient in gradients(_loss(outputs), cloud).items():
        assert torch.isfinite(gradient).all(), name
        assert (gradient[[7, 9]] == 0).all(), name


def test_an_instruction_set_beyond_the_cpus_is_refused(scene):
    cloud, camera = scene(5, 3)
    with pytest.raises(ValueError, match=r"instruction set later; this CPU has (plain|neon)"):
        cpu.rasterise(cloud, camera, **SETTINGS, instruction_set="later")


def test_three_sigma_tiles_equal_the_reference_and_lose_the_edges_of_opaque_gaussians(scene):
    cloud, camera = scene(4000, 3, (150, 97))
    cloud.opacities.data.clamp_(min=0.9)
    pictures = {}
    for extent in ("opacity", "three_sigma"):
        with torch.no_grad():
            found, *_ = cpu.rasterise(cloud, camera, **SETTINGS, extent=extent)
            pictures[extent], *_ = reference.rasterise(cloud, camera, **SETTINGS, extent=extent)
        assert (found - pictures[extent]).abs().mean() <= 1e-6
    lost = (pictures["opacity"] - pictures["three_sigma"]).abs()
    assert 0 < lost.max() < 0.05
