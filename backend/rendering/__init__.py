"""Frames of an avatar to files: jobs, and batches that can be resumed."""
