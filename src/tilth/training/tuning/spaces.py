"""Space: which values the parameters of an estimator may take in a search."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from tilth.types import JSONObject

__all__ = ["Choice", "Proposal", "Range", "Space", "Spaces", "Value", "contains", "grid", "grid_size"]

Value: TypeAlias = "str | int | float | bool"
"""What a parameter can be set to."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Args:
        low: the least.
        high: the greatest.
        log: whether each factor counts alike, and not each step.
        whole: whether only whole numbers are meant.

    Example:
        >>> Range(1e-3, 10.0, log=True).tidied(0.123456789)
        0.1235
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def contains(self, value: object) -> bool:
        """Whether a value is among these numbers."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())

    def tidied(self, value: float) -> int | float:
        """The number in four digits, as people would write it; never outside the range."""
        if self.whole:
            return int(value)
        return min(max(float(f"{value:.4g}"), self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One of several values; a single one is a constant."""

    values: tuple[Value, ...]

    def contains(self, value: object) -> bool:
        """Whether a value is one of these."""
        return any(type(value) is type(each) and value == each for each in self.values)


Space: TypeAlias = "Mapping[str, Range | Choice]"
"""Parameter -> its values."""

Spaces: TypeAlias = "Mapping[str, Space]"
"""Estimator -> its space."""


@dataclass(frozen=True)
class Proposal:
    """An estimator, and a value for each parameter of its space.

    Example:
        >>> Proposal("lightgbm", {"num_leaves": 15}).to_json()
        {'estimator': 'lightgbm', 'parameters': {'num_leaves': 15}}
    """

    estimator: str
    parameters: Mapping[str, Value] = field(hash=False)

    def to_json(self) -> JSONObject:
        """Estimator and parameters as JSON values."""
        return {"estimator": self.estimator, "parameters": dict(self.parameters)}

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Proposal:
        """What `to_json` gave."""
        given = document["parameters"]
        assert isinstance(given, dict)
        return cls(str(document["estimator"]), given)


def contains(space: Space, parameters: Mapping[str, object]) -> bool:
    """Whether parameters are a point of a space: each one is there, and has one of its values.

    Example:
        >>> contains({"depth": Range(1, 5, whole=True)}, {"depth": 6})
        False
    """
    return set(parameters) == set(space) and all(space[name].contains(v) for name, v in parameters.items())


def grid_size(spaces: Spaces) -> float:
    """How many proposals there are; infinity where a parameter is any number.

    Example:
        >>> grid_size({"a": {"depth": Range(1, 5, whole=True), "kind": Choice(("x", "y"))}, "b": {}})
        11
    """
    return sum(math.prod(_count(values) for values in space.values()) for space in spaces.values())


def grid(spaces: Spaces, seed: int) -> list[Proposal]:
    """All proposals of finite spaces, in an order drawn at random.

    Args:
        spaces: of whole numbers and choices.
        seed: another one gives another order.
    """
    found = [
        Proposal(estimator, dict(zip(space, point, strict=True)))
        for estimator, space in spaces.items()
        for point in product(*(_members(values) for values in space.values()))
    ]
    random.Random(seed).shuffle(found)  # noqa: S311 - nothing secret
    return found


def _count(values: Range | Choice) -> float:
    if isinstance(values, Choice):
        return len(values.values)
    return int(values.high) - math.ceil(values.low) + 1 if values.whole else math.inf


def _members(values: Range | Choice) -> Sequence[Value]:
    return values.values if isinstance(values, Choice) else list(_whole_numbers(values))


def _whole_numbers(values: Range) -> Iterator[int]:
    yield from range(math.ceil(values.low), int(values.high) + 1)
