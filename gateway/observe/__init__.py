"""
What the gateway tells of itself: log lines and metrics.

Used from the shell outwards. Both are closed lists, so that nothing about a
person can get in by mistake (P2).
"""

from gateway.observe.logs import EVENTS, KEYS, configure_logging, get_logger
from gateway.observe.metrics import METRICS, Metrics

__all__ = ["EVENTS", "KEYS", "METRICS", "Metrics", "configure_logging", "get_logger"]
