"""Sketch: what every mergeable accumulator can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Sketch"]


class Sketch(ABC):
    """A summary of values that depends on the multiset of values only, never on their order or batches.

    Two sketches of two parts merge into the sketch of the whole; an empty sketch changes nothing. `==`
    compares what the sketches know; `+` makes a new sketch and leaves both as they were.
    """

    __hash__ = None  # type: ignore[assignment]

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""

    @abstractmethod
    def to_state(self) -> JSONObject:
        """All that the sketch knows, as JSON values; equal sketches give equal states."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The sketch that wrote `state`."""

    def empty(self) -> Self:
        """A sketch with the same limits that has seen nothing."""
        return type(self)()

    def merged_with(self, others: Iterable[Self]) -> Self:
        """A new sketch of everything that this one and the others have seen; quick for many of them."""
        total = self.empty()
        total.merge(self)
        for other in others:
            total.merge(other)
        return total

    def __add__(self, other: Self) -> Self:
        return self.merged_with([other])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and type(self) is type(other) and self.to_state() == other.to_state()
