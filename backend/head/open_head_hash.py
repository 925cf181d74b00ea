"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "0e0cdb3565e738dcc418908f410c8d8bf4d14c858bc78d02ce1ef5b901bf0d06"
