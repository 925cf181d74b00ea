"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "4594bc3c077adf32d9363ed3c304443079d7f026657e7e2424be2ee6cafe9af4"
