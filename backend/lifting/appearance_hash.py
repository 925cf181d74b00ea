"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "bd2f347025b7ee849d02fb9f1f1e0a5407698a754df78c114afa79ad11078b1b"
