"""What build_addon.py does: environments, zips, tests, the demo. Standard library only."""
