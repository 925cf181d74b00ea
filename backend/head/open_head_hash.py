"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "e54bbc9e26ea4a35fc19033aaf1a74fa6cc70b02893a24e6911ef01b7bf8124e"
