"""Rules for steps that fill or tell missing values: "" in texts, NaN in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tilth.features.adoption.step_nodes import StepNodes, is_missing_mark

__all__ = ["missing_indicator", "simple_imputer"]


def _is_missing(nodes: StepNodes, step: Any, name: str) -> str:
    """Where cells are what a step takes for missing."""
    mark = step.missing_values
    if nodes.texts:
        text = "" if is_missing_mark(mark) else str(mark)
        return nodes.node("Equal", name, nodes.constant(np.array([text], object)))
    if is_missing_mark(mark):
        return nodes.node("IsNaN", name)
    return nodes.node("Equal", name, nodes.numbers([mark]))


def simple_imputer(scope: Any, operator: Any, container: Any) -> None:
    """Statistics in the place of missing values; a column without any value in training is left out."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    kept = [
        place for place, value in enumerate(step.statistics_) if nodes.texts or not np.isnan(float(value))
    ]
    values = step.statistics_[kept]
    filling = (
        nodes.constant(np.array([[str(value) for value in values]], object))
        if nodes.texts
        else nodes.numbers([values])
    )
    cells = nodes.columns(kept)
    parts = [nodes.node("Where", _is_missing(nodes, step, cells), filling, cells)]
    if step.indicator_ is not None and len(step.indicator_.features_):
        told = nodes.columns([int(place) for place in step.indicator_.features_])
        parts.append(nodes.cast(_is_missing(nodes, step, told), nodes.dtype))
    nodes.end(operator, parts)


def missing_indicator(scope: Any, operator: Any, container: Any) -> None:
    """1 where a column that had missing values in training has one."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    told = nodes.columns([int(place) for place in step.features_])
    nodes.end(operator, [nodes.cast(_is_missing(nodes, step, told), nodes.dtype)])
