"""Written by scripts/make_open_head.py."""

OPEN_HEAD_SHA256 = "a988c6c11d220db0e9c22fae0db77d2adc453ea39723756f6ca8a938246f7d2c"
