"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "4f3e4eabf40be7478894638ae2492376f27f7e8dc475c3d904e4e0ee6bc07a1f"
