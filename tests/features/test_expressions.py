"""What may be written in features.py, and what is said of what may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, cross, log1p, where
from tilth.features import operations as op
from tilth.features.analyzers import ANALYZERS
from tilth.features.rules import RULES

X = Inputs(
    {
        "age": "int",
        "income": "float",
        "job": "string",
        "tall": "bool",
        "born": "datetime",
        "tilth.source": "string",
    },
    {"income": "it is the label"},
)


def subclasses(kind: type) -> set[type]:
    below: set[type] = set(kind.__subclasses__())
    return below.union(*map(subclasses, below))


def test_every_operation_has_a_rule_or_an_analyzer() -> None:
    leaves = {op.Column, op.Number, op.Text}
    for table, kind in ((RULES, op.RowWise), (ANALYZERS, op.Analyzed)):
        # One without an entry is only what those below it have in common.
        wanted = {each for each in subclasses(kind) if each in table or not each.__subclasses__()}
        assert set(table) == wanted - leaves


def test_operations_know_nothing_of_onnx() -> None:
    assert "onnx" not in vars(op)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (lambda: X["agee"], ['no column x["agee"]', 'did you mean x["age"]?', "expected: one of age, job"]),
        (lambda: X["income"], ["'income' may not be a feature: it is the label"]),
        (lambda: X["tilth.source"], ["'tilth.source' may not be a feature"]),
        (X["job"].zscore, ['x["job"].zscore() needs a number', 'x["job"] is text', ".one_hot()"]),
        (lambda: X["job"] + 1, ['(x["job"] + 1) needs a number']),
        (X["born"].scale, [".days()"]),
        (X["born"].one_hot, [".hour() or .weekday()"]),
        ((X["age"] / 2).one_hot, [".buckets([...])"]),
        (X["age"].hour, ["needs a datetime"]),
        (lambda: X["job"].one_hot() * 2, ["leave .one_hot() and whatever"]),
        (lambda: X["job"] == 3, ["needs text, and 3 is an integer"]),
        (lambda: X["age"] & X["tall"], ["needs a flag", "compare it with something"]),
        (lambda: ~X["age"], ['~x["age"] needs a flag']),
        (lambda: X["age"] / 0, ["never defined"]),
        (lambda: X["age"] + None, ["None cannot be part of a feature"]),
        (lambda: X["age"] + float("nan"), ["a finite number"]),
        (lambda: X["age"].clip(3, 1), ["low is above high"]),
        (lambda: X["age"].scale(1, 1), ["low is not below high"]),
        (lambda: X["age"].buckets([2, 1]), ["do not ascend"]),
        (lambda: X["age"].buckets([]), ["do not ascend"]),
        (lambda: X["age"].quantile_buckets(1), ["at least 2"]),
        (lambda: X["job"].one_hot(top=0), ["at least 1"]),
        (lambda: X["age"].fill_missing("medain"), ["does not fit an integer", '"median"']),
        (lambda: X["job"].fill_missing("median").zscore(), ["needs a number"]),
        (lambda: X["job"].fill_missing(3), ["does not fit text"]),
        (lambda: X["born"].fill_missing("mode"), ["needs a number"]),
        (lambda: where(X["age"], 1, 2), ["needs a flag"]),
        (lambda: where(X["tall"], 1, "a"), ["mixes an integer and text"]),
        (lambda: where(True, 1, 2), ["never changes"]),  # type: ignore[arg-type]
        (lambda: cross(X["job"], X["born"]), ["needs text"]),
        (lambda: log1p(X["job"]), ['log1p(x["job"]) needs a number']),
        (lambda: 1 if X["tall"] else 2, ["cannot be a Python condition", "where(condition, a, b)"]),
    ],
)
def test_mistakes_are_told_with_line_and_remedy(expression: Callable[[], object], words: list[str]) -> None:
    with pytest.raises(FeatureError) as found:
        expression()
    for word in [*words, "test_expressions.py, line "]:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (X["age"] + X["tall"], "integer"),
        (X["age"] / 2, "number"),
        (X["age"].clip(0, 10), "integer"),
        (X["age"].clip(0.5), "number"),
        (X["age"].fill_missing("median"), "number"),
        (X["age"].fill_missing("mode"), "integer"),
        (X["age"].fill_missing(0), "integer"),
        (X["tall"].fill_missing(0), "flag"),
        (X["tall"].fill_missing(2), "integer"),
        (X["age"] != 3, "flag"),
        (~X["tall"] | (X["age"] > 3), "flag"),
        (where(X["tall"], X["job"], "short"), "text"),
        (where(X["tall"], X["age"], 0.5), "number"),
        (X["job"].one_hot(), "vector"),
        (-X["age"], "integer"),
        (1 - X["age"], "integer"),
    ],
)
def test_kinds(expression: Expression, kind: str) -> None:
    assert expression.kind == kind


def test_iterating_gives_what_may_be_used() -> None:
    assert list(X) == ["age", "job", "tall", "born"]
    assert ("age" in X, "income" in X, "tilth.source" in X, len(X)) == (True, False, False, 4)


def test_the_text_of_an_expression_stays_short_however_often_it_is_used() -> None:
    total = X["age"]
    for _ in range(60):
        total = total * total
    assert len(repr(total)) <= 200


def test_no_kind_of_expression_takes_the_name_of_another_ones_method() -> None:
    classes = Expression.__mro__[1:-1]
    names = [name for kind in classes for name in vars(kind) if not name.startswith("__")]
    assert {name for name in names if names.count(name) > 1} == set()
