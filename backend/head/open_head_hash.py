"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "40944e4a7de48c178a5babe58c1b6646623ac8d7b289e919dc48460acb65bfce"
