"""Schema times profile gives anomalies; profile against profile gives drift and skew."""

from __future__ import annotations

from tilth.schemas import updated_toml
from tilth.validation.anomaly import Anomaly, AnomalyKind
from tilth.validation.compare import compare
from tilth.validation.comparison import ColumnComparison, Comparison
from tilth.validation.coverage import Coverage
from tilth.validation.feature_skew import feature_skew
from tilth.validation.infer_schema import infer_schema, looks_like_identifier
from tilth.validation.leakage import Leakage, Overlap, leakage
from tilth.validation.observing import Observation, declared_types, observe
from tilth.validation.rows import broken_rows
from tilth.validation.skewed import Difference, FeatureSkew, SkewedColumn
from tilth.validation.updating import update_schema
from tilth.validation.validate import OWN_PREFIX, judge, unjudged_rules, validate

__all__ = [
    "OWN_PREFIX",
    "Anomaly",
    "AnomalyKind",
    "ColumnComparison",
    "Comparison",
    "Coverage",
    "Difference",
    "FeatureSkew",
    "Leakage",
    "Observation",
    "Overlap",
    "SkewedColumn",
    "broken_rows",
    "compare",
    "declared_types",
    "feature_skew",
    "infer_schema",
    "judge",
    "leakage",
    "looks_like_identifier",
    "observe",
    "unjudged_rules",
    "update_schema",
    "updated_toml",
    "validate",
]
