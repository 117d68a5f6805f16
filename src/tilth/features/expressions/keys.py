"""Methods that look at the training rows with the same value of a category."""

from __future__ import annotations

from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.expressions.categories import key_node, text_node
from tilth.features.nodes import NUMERIC, Kind, Node, in_order
from tilth.features.requirements import finite, need
from tilth.features.source_lines import caller_line

__all__ = ["KeyMethods"]


class KeyMethods(Base):
    """Figures of the training rows by category; how frequent a value is; what label it usually has."""

    def mean_by(self, key: Base) -> Self:
        """The mean of this number in the training rows that have the same key as the row.

        A key that is new or missing, or has no values, gets the mean of all rows.

        Args:
            key: a category; several with `cross(a, b)`.

        Raises:
            FeatureError: not a number, or a key that is no category.
        """
        return self._by_key("mean", key)

    def std_by(self, key: Base) -> Self:
        """The population standard deviation, as `mean_by`."""
        return self._by_key("std", key)

    def min_by(self, key: Base) -> Self:
        """The least value, as `mean_by`."""
        return self._by_key("min", key)

    def max_by(self, key: Base) -> Self:
        """The greatest value, as `mean_by`."""
        return self._by_key("max", key)

    def count_by(self, key: Base) -> Self:
        """How many training rows with the row's key have a value; 0 for a key that is new or missing.

        Raises:
            FeatureError: not a number, or a key that is no category.
        """
        return self._by_key("count", key)

    def frequency(self) -> Self:
        """The share of all training rows that have the value; 0 where it is new or missing.

        Raises:
            FeatureError: not a category.
        """
        return self._of(self._category_node("frequency"))._method(op.Frequency(), "number", "frequency")

    def target_mean(self, smoothing: float = 10.0) -> Self:
        """The mean label of the training rows with the value; for several classes one column each.

        (sum of their labels + smoothing * mean of all labels) / (their number + smoothing). The label is 1
        for the positive one of two classes, and for several classes 1 in the column of its own. What is
        missing is a value like any other; a new value gets the mean of all labels.

        The training rows themselves get theirs from the rows of the other folds, so that no row sees its own
        label: see `Transform.fit_transform`.

        Args:
            smoothing: how many rows the mean of all labels counts for, 0 or more.

        Raises:
            FeatureError: not a category, a negative number, or already made of labels.
        """
        weight = finite(smoothing, "target_mean")
        node = self._category_node("target_mean")
        if weight < 0 or any(isinstance(part.operation, op.TargetMean) for part in in_order([node])):
            raise FeatureError(
                f"{self}.target_mean({smoothing!r})",
                where=caller_line(),
                expected="0 or more, of a category that is not made of target_mean() itself",
            )
        arguments = () if smoothing == 10 else (smoothing,)
        return self._of(node)._method(op.TargetMean(weight), "vector", "target_mean", *arguments)

    def _category_node(self, method: str) -> Node:
        return text_node(self._node, f"{self}.{method}()")

    def _by_key(self, statistic: op.GroupStatistic, key: Base) -> Self:
        text = f"{self}.{statistic}_by({key!r})"
        need(self._node, NUMERIC, text)
        kind: Kind = "integer" if statistic == "count" else "number"
        arguments = (self._node, key_node(key, text))
        return self._of(Node(op.StatisticBy(statistic), arguments, kind, text, caller_line()))
