"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "f838523f0f7d0a5c522d7172084a85c15d944a94f588431da954fb9f702154c7"
