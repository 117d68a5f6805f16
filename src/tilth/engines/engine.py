"""Engine: what runs a function over many items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

__all__ = ["Engine"]

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs a function over items, several at a time.

    `name` is how users call it, `workers` how many items it works on at a time.
    """

    @property
    def name(self) -> str:
        """How users call it: local, ray."""

    @property
    def workers(self) -> int:
        """How many items are worked on at a time, 1 or more."""

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """The function's results, in the items' order.

        Items are taken only as fast as results are: a bounded number is under way. An error of the function
        comes out as it is. After it, after Ctrl-C, and when the iterator is dropped no further item is begun,
        beyond those under way.
        """
