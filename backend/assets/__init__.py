"""Vendored files and where they lie; NOTICE has their licences."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
OPEN_HEAD = FOLDER / "open_head.npz"
APPEARANCE = FOLDER / "appearance.npz"
RETOUCHER = FOLDER / "retoucher.safetensors"
PART_DECODER = FOLDER / "part_decoder.safetensors"
FACE_LANDMARKER = FOLDER / "face_landmarker.task"
SELFIE_SEGMENTATION = FOLDER / "selfie_segmentation.tflite"
SAMPLE_PORTRAIT = FOLDER / "astronaut.png"
