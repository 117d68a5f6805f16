"""Leaks: columns that tell the label because they were made of it, or written after it was known.

`find_leaks` looks at raw columns one by one, at what is there and what is missing, at exact functions of
several columns, at times, and at the features themselves.
"""

from __future__ import annotations

from tilth.training.leaks.columns import RawColumn, raw_columns
from tilth.training.leaks.finding import FeatureSample, find_leaks
from tilth.training.leaks.sources import feature_sources
from tilth.training.leaks.target import Target

__all__ = ["FeatureSample", "RawColumn", "Target", "feature_sources", "find_leaks", "raw_columns"]
