"""Data sets of tracked portraits: stores of frames, their preparation, pairs, synthetic heads."""
