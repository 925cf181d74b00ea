"""The parts of backend/install.py; standard library only."""
