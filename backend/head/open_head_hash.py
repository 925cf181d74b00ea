"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "286943b5df94d2cd42cd92114bd8742533dfcb42fead63ca7edfb791824c7c94"
