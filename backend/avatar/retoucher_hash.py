"""Written by scripts/make_retoucher.py."""

RETOUCHER_SHA256 = "2608aba3b52112fde1d873c7ae35640bcc59fc12feab98363df94f9e3ddee2b6"
