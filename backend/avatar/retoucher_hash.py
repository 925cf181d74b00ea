"""Written by scripts/make_retoucher.py."""

RETOUCHER_SHA256 = "02a2011d1d5afe2a8bfb4b3f7e9a556a63ce899bda6990580a75f42229e7d5fb"
