"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "1720ace12f636fe49a15f65a9f5a24ea79015108afacdf428a61047bdb43e538"
