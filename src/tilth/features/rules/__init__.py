"""The one table from row-wise operations to ONNX; an operation without a rule is not supported."""

from __future__ import annotations

from tilth.features.operations import RowWise
from tilth.features.rules import datetimes, numbers, texts
from tilth.features.rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES: dict[type[RowWise], Rule] = {**numbers.RULES, **texts.RULES, **datetimes.RULES}
