"""TextSummary: all that is kept of a text column: counts and lengths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.moments import Moments
from tilth.sketches.sketch import Sketch
from tilth.sketches.text_counts import TextCounts

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["TextSummary"]


@dataclass(eq=False)
class TextSummary(Sketch):
    """Counts of texts, and the moments of their lengths in characters.

    Example:
        >>> summary = TextSummary()
        >>> summary.update(pa.array(["a", "abc", "abc"]))
        >>> summary.counts.distinct, summary.lengths.high
        (2, 3)
    """

    __hash__ = None

    counts: TextCounts = field(default_factory=TextCounts)
    lengths: Moments = field(default_factory=Moments)

    def update(self, values: pa.Array) -> None:
        """Take in texts, none of them missing."""
        found = pc.value_counts(values)
        texts, counts = found.field("values"), found.field("counts").to_numpy()
        self.counts.update(texts, counts)
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
        self.lengths.update(np.repeat(lengths, counts))

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.counts.merge(other.counts)
        self.lengths.merge(other.lengths)

    def to_state(self) -> JSONObject:
        """The states of both parts."""
        return {"counts": self.counts.to_state(), "lengths": self.lengths.to_state()}

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The summary that wrote `state`."""
        found = cast("dict[str, Any]", state)
        return cls(TextCounts.from_state(found["counts"]), Moments.from_state(found["lengths"]))
