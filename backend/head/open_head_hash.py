"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "4b974399b29de923e8d31452624d1c08302005d6533db874d3d3b55ecc01ce2b"
