"""Watching a model in production: what it was served and what came of it, against what it was accepted on."""

from tilth.monitoring.window import Monitoring, Reference, watch

__all__ = ["Monitoring", "Reference", "watch"]
