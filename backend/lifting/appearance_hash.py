"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "c1adae174ca2cd701c5e2b380a22fea12b8b22b0ec99a52341d7894bda5233c8"
