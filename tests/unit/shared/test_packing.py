"""Every message survives the wire, and every wrong field is named."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from shared import messages as m
from shared import packing, wire
from shared.camera import Camera, portrait_intrinsics
from shared.cloud import Cloud
from shared.errors import AvatarError
from shared.flame import Track

CAMERA = Camera(np.diag([1.0, -1, -1, 1]), portrait_intrinsics(512), 512, 384)
TRACK = Track.neutral(3, betas=np.arange(300), fps=29.97, head="flame2023")
FRAME = Track.from_arkit({"jawOpen": 0.5})
CLOUD = Cloud(
    means=np.ones((4, 3), np.float32),
    quats=np.ones((4, 4), np.float16),
    scales=np.ones((4, 3), np.float16),
    opacities=np.ones(4, np.float16),
    rgb=np.full((4, 3), 7, np.uint8),
    layers=np.arange(4, dtype=np.uint8),
    mask=np.ones(4, np.uint8),
)
BYTES = np.arange(5, dtype=np.uint8)
COUNTS = {"total": 4, "identity": 1, "layers": [1, 2], "kept": 3}
EXAMPLES: list[m.Message] = [
    m.BackendInfo(),
    m.CreateAvatar(image=BYTES, path="/a.savatar", job="1", face=2, iterations=5),
    m.CreateAvatar(image=BYTES, path="/a.savatar", job="1"),
    m.LoadAvatar(path="/a.savatar", job="1"),
    m.DriveAvatar(avatar="a", frame=FRAME, ablate=["gsn"]),
    m.RenderFrame(avatar="a", frame=FRAME, camera=CAMERA),
    m.RenderFrame(avatar="a", frame=FRAME, camera=CAMERA, layers=True),
    m.ExportJob(avatar="a", track=TRACK, frames=[1, 2, 3], out="/o", name="n", job="1"),
    m.RenderJob(
        avatar="a", track=TRACK, frames=[1, 2, 3], cameras=(CAMERA,) * 3, out="/o", name="n",
        job="1", mp4=True, background=[0, 0.5, 1.0], resume=False,
    ),
    m.TrackJob(job="1", image=BYTES),
    m.TrackJob(job="1", video="/v.mp4"),
    m.TranslateCodes(head="flame2020", expression=np.ones((3, 100), np.float32)),
    m.CancelJob(job="1"),
    m.ShutdownBackend(),
    m.Done(),
    m.ErrorReply("busy", "m", "r"),
    m.InfoReply("0.1.0", 1, 5, "cpu", "open", "ready"),
    m.AvatarReply("a", "/a", COUNTS, CAMERA, TRACK.frame(0), {"faces": BYTES}, CLOUD),
    m.DriveReply(CLOUD),
    m.DriveReply(CLOUD, np.ones((4, 3), np.float32), np.ones((4, 4), np.float16)),
    m.FrameReply(np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3), np.float32)),
    m.FrameReply(
        np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3), np.float32), np.ones((2, 3), np.uint8)
    ),
    m.ExportReply(["/a", "/b"]),
    m.RenderReply(["/a"], "/v.mp4", 3),
    m.TrackReply(TRACK, (CAMERA,)),
    m.TranslateReply(np.zeros((3, 52), np.float32)),
    m.CancelReply(True),
    m.JobProgress("1", "fit", 3, 10, 2.5),
    m.BackendState("busy", eta_s=None),
    m.CreateAvatar(
        image=BYTES, path="/a.savatar", job="1", name="a.jpg",
        others={"b.left.jpg": BYTES[:2], "c": BYTES[:0]},
    ),
]  # fmt: skip


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if hasattr(left, "__dataclass_fields__"):
        return all(equal(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return left == right


def sent(message: m.Message) -> m.Message:
    body, arrays = packing.pack(message)
    received = wire.decode([bytes(f) for f in wire.encode(wire.Envelope("t", body, arrays))])
    return packing.unpack(type(message), received.body, received.arrays)


def refusal(cls: type[m.Message], body: dict, arrays: dict | None = None) -> str:
    with pytest.raises(AvatarError) as found:
        packing.unpack(cls, body, arrays or {})
    assert found.value.code == "bad_request"
    return found.value.message


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_wire(message: m.Message) -> None:
    assert equal(sent(message), message)


def test_the_examples_cover_every_message() -> None:
    requests = set(m.REQUESTS.values()) | set(m.EVENTS.values()) | {m.ErrorReply}
    replies = {cls.REPLY for cls in m.REQUESTS.values()}
    assert requests | replies == {type(example) for example in EXAMPLES}


def test_only_interactive_requests_are_redundant_and_only_for_one_avatar() -> None:
    keys = {type(e): e.redundancy_key for e in EXAMPLES if e.redundancy_key}
    assert keys == {m.DriveAvatar: "avatar.drive/a", m.RenderFrame: "frame.render/a"}


def test_a_missing_field_is_named() -> None:
    text = refusal(m.LoadAvatar, {"path": "/a"})
    assert text == "avatar.load, field 'job': missing."


def test_an_unknown_field_is_named() -> None:
    text = refusal(m.CancelJob, {"job": "1", "jbo": 2})
    assert text == "job.cancel, field 'jbo': unknown; expected some of ['job']."


def test_an_unknown_array_is_named() -> None:
    assert "'extra'" in refusal(m.CancelJob, {"job": "1"}, {"extra": BYTES})


@pytest.mark.parametrize("value", [5, None, ["1"], True])
def test_a_value_of_another_type_is_refused(value: Any) -> None:
    assert "expected str" in refusal(m.CancelJob, {"job": value})


def test_true_is_no_number() -> None:
    body, arrays = packing.pack(EXAMPLES[6])
    assert "list[int]" in refusal(m.ExportJob, {**body, "frames": [1, True, 3]}, arrays)


@pytest.mark.parametrize("image", [BYTES.astype(np.int32), BYTES[None]])
def test_an_array_of_another_type_or_shape_is_refused(image: np.ndarray) -> None:
    text = refusal(m.CreateAvatar, {"path": "/a", "job": "1"}, {"image": image})
    assert "expected uint8 [bytes]" in text


@pytest.mark.parametrize("image", [BYTES.astype(np.int32), BYTES[None]])
def test_one_of_several_arrays_of_another_type_or_shape_is_refused_by_name(
    image: np.ndarray,
) -> None:
    arrays = {"image": BYTES, "others.a.jpg": BYTES, "others.b.jpg": image}
    text = refusal(m.CreateAvatar, {"path": "/a", "job": "1"}, arrays)
    assert text.startswith("avatar.create, field 'others.b.jpg': found ")
    assert text.endswith(", expected uint8 [bytes].")


def test_photos_keep_their_order_and_their_names_on_the_wire() -> None:
    others = {name: np.frombuffer(name.encode(), np.uint8) for name in ("z.b.jpg", "a", "others.")}
    message = m.CreateAvatar(image=BYTES, path="/a", job="1", name="main", others=others)
    received = sent(message)
    assert isinstance(received, m.CreateAvatar)
    named = [(name, name.encode()) for name in others]
    assert [(p.name, p.data) for p in received.photos] == [("main", BYTES.tobytes()), *named]


def test_a_track_with_a_missing_array_is_refused_by_name() -> None:
    body, arrays = packing.pack(EXAMPLES[4])
    del arrays["frame.jaw_pose"]
    assert "'jaw_pose'" in refusal(m.DriveAvatar, body, arrays)


def test_a_track_with_nan_is_refused() -> None:
    body, arrays = packing.pack(EXAMPLES[4])
    arrays["frame.transl"] = np.full((1, 3), np.nan, np.float32)
    assert "NaN" in refusal(m.DriveAvatar, body, arrays)


@pytest.mark.parametrize(
    "change",
    [{"width": 0}, {"width": 10**6}, {"width": 1.5}, {"K": [[1]]}, {"viewmat": "x"}, {"K": None}],
)
def test_an_impossible_camera_is_refused(change: dict) -> None:
    body, arrays = packing.pack(EXAMPLES[5])
    body["camera"] = {**body["camera"], **change}
    assert "camera" in refusal(m.RenderFrame, body, arrays)


def test_cameras_of_several_sizes_are_not_sent() -> None:
    message = m.TrackReply(TRACK, (CAMERA, CAMERA.resized(10, 10)))
    with pytest.raises(AvatarError, match="one size"):
        packing.pack(message)


def test_a_cloud_whose_arrays_disagree_is_refused() -> None:
    body, arrays = packing.pack(m.DriveReply(CLOUD))
    arrays["expression.rgb"] = np.zeros((3, 3), np.uint8)
    assert "rgb" in refusal(m.DriveReply, body, arrays)


def test_an_expression_cloud_costs_at_most_33_bytes_per_gaussian() -> None:
    _, arrays = packing.pack(m.DriveReply(CLOUD))
    assert sum(a.nbytes for a in arrays.values()) / len(CLOUD) <= 33
