"""The product's version and the wire protocol's version."""

VERSION = "0.1.0"
PROTOCOL = 3
"""Raised by one whenever a message changes shape; client and backend must agree exactly."""
