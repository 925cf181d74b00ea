"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "d63553a44433687de692f1186227f990a23536a37d9a59ce3cbda31d18db85b7"
