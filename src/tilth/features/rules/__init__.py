"""The one table from row-wise operations to ONNX; an operation without a rule is not supported."""

from __future__ import annotations

from tilth.features.operations import RowWise
from tilth.features.rules import (
    datetimes,
    elementary,
    frames,
    groups,
    images,
    images_filters,
    images_gradients,
    images_measures,
    keys,
    lists,
    numbers,
    patterns,
    sounds,
    texts,
    words,
)
from tilth.features.rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES: dict[type[RowWise], Rule] = {
    **numbers.RULES,
    **elementary.RULES,
    **keys.RULES,
    **groups.RULES,
    **texts.RULES,
    **patterns.RULES,
    **lists.RULES,
    **words.RULES,
    **datetimes.RULES,
    **sounds.RULES,
    **frames.RULES,
    **images.RULES,
    **images_filters.RULES,
    **images_measures.RULES,
    **images_gradients.RULES,
}
