"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "2682114c3361dcc5f55b0d6236104867f63d67c03f61b20b5ccdbf45099df636"
