"""Watching a model in production: what it was served and what came of it, against what it was accepted on."""

from tilth.monitoring.report import Monitoring
from tilth.monitoring.watching import watch
from tilth.monitoring.window import Reference, Thresholds, Window

__all__ = ["Monitoring", "Reference", "Thresholds", "Window", "watch"]
