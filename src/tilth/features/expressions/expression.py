"""Expression: what a person writes in features.py, checked as it is written."""

from __future__ import annotations

from tilth.features.expressions.categories import CategoryMethods
from tilth.features.expressions.dates import DateMethods
from tilth.features.expressions.numbers import NumberMethods
from tilth.features.expressions.operators import Operators

__all__ = ["Expression"]


class Expression(Operators, NumberMethods, CategoryMethods, DateMethods):
    """A column, or something computed from columns; made by `x["name"]` and the methods below.

    Numbers take + - * / and comparisons with numbers and each other; texts take == and !=; flags
    (comparisons, `is_missing()`, bool columns) take & | ~. What is missing makes the result missing, unless
    a method says otherwise.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"height": "float", "city": "string"})
        >>> (x["height"] / 100).clip(0, 2.5)
        (x["height"] / 100).clip(0, 2.5)
        >>> x["city"].zscore()
        Traceback (most recent call last):
        ...
        tilth.errors.FeatureError: x["city"].zscore() needs a number, and x["city"] is text
          where: ..., line 1
          expected: a number or an integer or a flag
          to mend it: make it numbers first, with .one_hot() or .vocabulary()
    """
