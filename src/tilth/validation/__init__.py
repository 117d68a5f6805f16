"""Schema times profile gives anomalies; profile against profile gives drift and skew."""

from __future__ import annotations

from tilth.validation.anomaly import Anomaly, AnomalyKind
from tilth.validation.compare import compare
from tilth.validation.comparison import ColumnComparison, Comparison
from tilth.validation.infer_schema import infer_schema, looks_like_identifier
from tilth.validation.validate import OWN_PREFIX, validate

__all__ = [
    "OWN_PREFIX",
    "Anomaly",
    "AnomalyKind",
    "ColumnComparison",
    "Comparison",
    "compare",
    "infer_schema",
    "looks_like_identifier",
    "validate",
]
