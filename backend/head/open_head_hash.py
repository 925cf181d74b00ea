"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "9bf0d751157a2560bc66cdb8bad1f18a781db32dae0597c38ba57e5f05a3984f"
