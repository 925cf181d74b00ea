"""Metrics: each describes pictures and compares two descriptions."""

from .registry import LOWER_IS_BETTER, METRICS, Unavailable, choose, open_metric
from .shot import Metric, Shot

__all__ = [
    "LOWER_IS_BETTER",
    "METRICS",
    "Metric",
    "Shot",
    "Unavailable",
    "choose",
    "open_metric",
]
