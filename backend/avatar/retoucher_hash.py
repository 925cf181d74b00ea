"""Written by scripts/make_retoucher.py."""

RETOUCHER_SHA256 = "1d9fa7b6a2200df2f66d96abd3a3015bdbcb49db62e4456ab0dd28ec914bb5ad"
