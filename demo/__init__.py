"""The whole product on a real portrait: run by `python3 build_addon.py demo`."""
