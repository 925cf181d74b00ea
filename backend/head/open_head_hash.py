"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "f0f1a11632fb1497cb1d46fefcf5b92ba6fb9665fc17afc2bcb9206c88a69b07"
