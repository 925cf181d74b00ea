"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "8cc8c6f7b4a4212cf481adf01c9369f82d7e63ecf0da9e23944a59b88715b2c1"
