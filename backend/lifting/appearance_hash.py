"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "07f38c4ef8a1cb1806f4335d7bdca58767c75fa4cdf2f42dccfc7abdd9a7ed94"
