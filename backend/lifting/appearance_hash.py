"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "f55e33fe2c21ac3b36182884f9848c34a8e07b5569e7dff8a6b80b077ea8e752"
