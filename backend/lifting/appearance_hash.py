"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "539281821b8782096f7cacf825e3775131ff1daf7cd7dbd90594cb53ec6306e0"
