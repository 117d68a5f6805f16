"""Methods of categories: texts, whole numbers, flags."""

from __future__ import annotations

from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import Kind, Node
from tilth.features.requirements import need, whole
from tilth.features.source_lines import caller_line

__all__ = ["CategoryMethods", "key_node", "text_node"]


class CategoryMethods(Base):
    """One-hot columns."""

    def one_hot(self, top: int | None = None, min_count: int = 1) -> Self:
        """One column of 0 and 1 for each of the training data's values, named feature=value.

        A value that is not known has 0 in all. Where training data had missing values there is a last column
        feature=missing. The order is that of `vocabulary`.

        Args:
            top: how many values to know; None for all.
            min_count: how often a value must occur to be known.

        Raises:
            FeatureError: not a category, or a bad argument.
        """
        return self._category(op.OneHot(top, min_count), "vector", "one_hot", top, min_count)

    def _category(
        self, operation: op.Analyzed, kind: Kind, method: str, top: int | None, min_count: int
    ) -> Self:
        if top is not None:
            whole(top, 1, method)
        whole(min_count, 1, method)
        arguments = [top, min_count] if min_count != 1 else [top] * (top is not None)
        category = self._of(text_node(self._node, f"{self}.{method}()"))
        return category._method(operation, kind, method, *arguments)


def key_node(key: object, use: str) -> Node:
    """What is given as a key, as text.

    Raises:
        FeatureError: not a category.
    """
    if not isinstance(key, Base):
        raise FeatureError(
            f"{use}: {key!r} is no key",
            where=caller_line(),
            expected="a category, such as x['shop']",
            mend=f"write x[{key!r}]" if isinstance(key, str) else None,
        )
    return text_node(key.node, use)


def text_node(node: Node, use: str) -> Node:
    """A category as text: text itself, or the digits of whole numbers.

    Raises:
        FeatureError: not a category.
    """
    need(node, ("text", "integer", "flag"), use)
    if node.kind == "text":
        return node
    return Node(op.AsText(flag=node.kind == "flag"), (node,), "text", node.text, node.place)
