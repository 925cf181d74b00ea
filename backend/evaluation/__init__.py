"""Evaluation: metrics, results folders of any system, and tables beside the paper's."""
