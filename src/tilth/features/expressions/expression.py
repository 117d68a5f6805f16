"""Expression: what a person writes in features.py, checked as it is written."""

from __future__ import annotations

from tilth.features.expressions.categories import CategoryMethods
from tilth.features.expressions.dates import DateMethods
from tilth.features.expressions.elementary import ElementaryMethods
from tilth.features.expressions.groups import VectorMethods
from tilth.features.expressions.images import ImageMethods
from tilth.features.expressions.keys import KeyMethods
from tilth.features.expressions.lists import ListMethods
from tilth.features.expressions.numbers import NumberMethods
from tilth.features.expressions.operators import Operators
from tilth.features.expressions.sounds import FrameMethods, SoundMethods
from tilth.features.expressions.texts import TextMethods
from tilth.features.expressions.vocabularies import VocabularyMethods

__all__ = ["Expression"]


class Expression(
    Operators,
    NumberMethods,
    ElementaryMethods,
    CategoryMethods,
    KeyMethods,
    VectorMethods,
    DateMethods,
    SoundMethods,
    FrameMethods,
    ImageMethods,
    TextMethods,
    ListMethods,
    VocabularyMethods,
):
    """A column, or something computed from columns; made by `x["name"]` and the methods below.

    Numbers take + - * / % ** and comparisons with numbers and each other, datetimes comparisons; texts take
    == and !=; flags (comparisons, `is_missing()`, bool columns) take & | ~. What is missing makes the result
    missing, unless a method says otherwise.

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
          expected: a number or an integer or a flag or a list of numbers
          to mend it: make it numbers first, with .one_hot() or .vocabulary()
    """
