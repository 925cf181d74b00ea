"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "617573e0d17ef004f1604d8bbc24176fd96c82edb41eedb3a53ee84ec86f3c5a"
