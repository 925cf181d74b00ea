"""Damaged and hostile files for every reader; `python3 build_addon.py fuzz --help`."""
