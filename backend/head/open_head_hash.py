"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "acc1d17bc19befe363cc2fc23c985868ef176c8842b6f60b55ee9a6cc8a12125"
