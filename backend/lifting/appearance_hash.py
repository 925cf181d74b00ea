"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "716eea83683a69827bdcf5bd08014c69064693ccc1fbefe27e10bc651de8b442"
