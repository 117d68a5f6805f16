"""The contract on a table's columns: types, presence, domains, ranges, environments.

A schema is inferred once, curated by a person, and kept beside the code as `schema.toml`. This room knows its
shape, its text and how two of them differ; judging data by it is the work of `tilth.validation`.
"""

from __future__ import annotations

from tilth.schemas.column import DRIFT_MEASURES, KINDS, Column, DriftBound, DriftMeasure, Kind, Severity
from tilth.schemas.schema import Schema

__all__ = ["DRIFT_MEASURES", "KINDS", "Column", "DriftBound", "DriftMeasure", "Kind", "Schema", "Severity"]
