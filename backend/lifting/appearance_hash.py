"""Written by scripts/make_appearance.py."""

APPEARANCE_SHA256 = "42380161845516dffdef0bc4b055c895004903aee8928bce043fd5a150708f87"
