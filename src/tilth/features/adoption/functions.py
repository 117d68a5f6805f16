"""Rules for steps that apply a function to every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tilth.features.adoption.step_nodes import StepNodes

__all__ = ["FUNCTIONS", "function_transformer", "power_transformer"]

FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "log1p": ("one +", "Log"),
    "log": ("Log",),
    "sqrt": ("Sqrt",),
    "exp": ("Exp",),
    "absolute": ("Abs",),
    "square": ("squared",),
    "negative": ("Neg",),
    "tanh": ("Tanh",),
    "sin": ("Sin",),
    "cos": ("Cos",),
}
"""Functions of NumPy that a FunctionTransformer may apply, and what computes them."""


def function_transformer(scope: Any, operator: Any, container: Any) -> None:
    """One of `FUNCTIONS`, or nothing."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    value = nodes.given
    for kind in () if step.func is None else FUNCTIONS[step.func.__name__]:
        if kind == "one +":
            value = nodes.node("Add", value, nodes.numbers([1]))
        else:
            value = nodes.node("Mul", value, value) if kind == "squared" else nodes.node(kind, value)
    nodes.end(operator, [value])


def power_transformer(scope: Any, operator: Any, container: Any) -> None:
    """Box-Cox's transformation, or Yeo's and Johnson's (A new family of power transformations, 2000)."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    powers = np.asarray(step.lambdas_, np.float64)
    if step.method == "box-cox":
        value = _power(nodes, nodes.given, powers)
    else:
        one, zero = nodes.numbers([1]), nodes.numbers([0])
        is_negative = nodes.node("Less", nodes.given, zero)
        # Each branch is computed of 0 where the other one counts, which is harmless.
        above = nodes.node("Where", is_negative, zero, nodes.given)
        below = nodes.node("Where", is_negative, nodes.given, zero)
        upper = _power(nodes, nodes.node("Add", above, one), powers)
        lower = nodes.node("Neg", _power(nodes, nodes.node("Sub", one, below), 2 - powers))
        value = nodes.node("Where", is_negative, lower, upper)
    if step.standardize:
        centered = nodes.node("Sub", value, nodes.numbers([step._scaler.mean_]))
        value = nodes.node("Div", centered, nodes.numbers([step._scaler.scale_]))
    nodes.end(operator, [value])


def _power(nodes: StepNodes, base: str, powers: np.ndarray) -> str:
    """(base ** power - 1) / power for each column, which is the logarithm where the power is 0."""
    is_log = np.abs(powers) < np.spacing(1.0)
    safe = np.where(is_log, 1.0, powers)
    raised = nodes.node("Sub", nodes.node("Pow", base, nodes.numbers([safe])), nodes.numbers([1]))
    by_power = nodes.node("Div", raised, nodes.numbers([safe]))
    if not is_log.any():
        return by_power
    return nodes.node("Where", nodes.constant(is_log[None, :]), nodes.node("Log", base), by_power)
