"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "ef5d6a2e3d36cfe1ac3ae2a38d95cac9017d67d384b9685362976502f106c182"
