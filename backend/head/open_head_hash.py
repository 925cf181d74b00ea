"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "8910a1b5b92d2576c5717dc2959489581f3a5ae99227e1009fa07edec0059531"
