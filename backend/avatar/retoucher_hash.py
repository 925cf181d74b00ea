"""Written by scripts/make_retoucher.py."""

RETOUCHER_SHA256 = "7a92f80a03d8a05734e5f4f3ff0bb3e9e18c90af37257ae01224797339eb8000"
