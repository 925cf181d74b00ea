"""Written by scripts/make_parser.py."""

PART_DECODER_SHA256 = "ac849a4938ad6e44e3a93856096c43ea49b95179f0346e35b758e6c29bc82921"
