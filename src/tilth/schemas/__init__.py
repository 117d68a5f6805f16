"""The contract on a table: its columns' types, presence, domains and ranges, its rows, rules, environments.

A schema is inferred once, curated by a person, and kept beside the code as `schema.toml`. This room knows its
shape, its text and how two of them differ; judging data by it is the work of `tilth.validation`.
"""

from __future__ import annotations

from tilth.schemas.column import KINDS, PERSONAL, Column, Kind, Personal
from tilth.schemas.drift_bound import DRIFT_MEASURES, DriftBound, DriftMeasure
from tilth.schemas.editing import updated_toml
from tilth.schemas.rule import Rule
from tilth.schemas.schema import Schema
from tilth.schemas.severities import ANOMALY_KINDS, AnomalyKind, Severity

__all__ = [
    "ANOMALY_KINDS",
    "DRIFT_MEASURES",
    "KINDS",
    "PERSONAL",
    "AnomalyKind",
    "Column",
    "DriftBound",
    "DriftMeasure",
    "Kind",
    "Personal",
    "Rule",
    "Schema",
    "Severity",
    "updated_toml",
]
