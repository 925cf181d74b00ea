"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "5d8ebe76f7c94955566f01f34b2005f3542cdf3e4ee4a80032f9c2f0a45e8ace"
