"""From a person's `features(x)` to expressions by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TypeAlias

from tilth.errors import FeatureError, closest
from tilth.features.expressions import Expression
from tilth.features.inputs import Inputs
from tilth.features.nodes import KIND_WORDS, NUMERIC, Kind, Node, in_order
from tilth.features.operations import Operation
from tilth.features.requirements import is_unicode
from tilth.features.source_lines import defined_at, error_line
from tilth.types import ColumnType

__all__ = ["Features", "trace"]

Features: TypeAlias = Callable[[Inputs], Mapping[str, Expression]]
"""What features.py holds: a function from the raw columns to the features by name."""


_MENDS: dict[Kind, str] = {
    "text": ".one_hot() or .vocabulary()",
    "datetime": ".days(), .hour() or .weekday()",
    "texts": ".bag_of_words(), .tfidf() or .length()",
    "numbers": ".mean(), .max(), .length() or .padded(10)",
    "image": ".resize(28, 28).pixels(), .brightness() or .contrast()",
    "sound": ".mel_spectrogram().summary() or .mfcc().summary()",
    "frames": ".summary()",
}


def trace(
    features: Features, types: Mapping[str, ColumnType], forbidden: Mapping[str, str] | None = None
) -> dict[str, Node]:
    """The features that a function defines on columns of these types.

    Args:
        features: the function.
        types: the columns of the table.
        forbidden: name -> why it may not be a feature.

    Raises:
        FeatureError: the function fails, what it gives is not features by name, or it gives something else
            each time.

    Example:
        >>> list(trace(lambda x: {"age": x["age"].zscore()}, {"age": "int"}))
        ['age']
    """
    first, second = (_traced(features, types, forbidden) for _ in range(2))
    _check_equal(first, second)
    return first


def _traced(
    features: Features, types: Mapping[str, ColumnType], forbidden: Mapping[str, str] | None
) -> dict[str, Node]:
    try:
        found = features(Inputs(types, forbidden))
    except FeatureError:
        raise
    except (Exception, SystemExit) as error:  # the code is a person's own and may raise anything
        raise FeatureError(
            f"the features function failed: {type(error).__name__}: {error}",
            where=error_line(error) or defined_at(features),
            mend=_meant(error),
        ) from error
    if not isinstance(found, Mapping):
        if isinstance(found, Coroutine):
            found.close()
        raise FeatureError(
            f"the features function returned {_what(found)}",
            where=defined_at(features),
            expected='a dictionary from names to expressions, such as {"age": x["age"].zscore()}',
        )
    place = defined_at(features)
    if not found:
        raise FeatureError("the features function returned no features", where=place, expected="at least one")
    return {_name(name, place): _checked(name, value, place) for name, value in found.items()}


_PYTHON_MENDS = {
    "has no len()": "write .length(), of a text or a list",
    "is not subscriptable": 'write .get(0) for an item of a list, x["name"] for a column',
    "is not iterable": "write a + b + c, .tokens() for the words of a text, .sum() for a list's numbers",
    "does not support item assignment": 'give the expression a name of its own: total = x["a"] + x["b"]',
    "argument must be a string or a real number": "leave float() and int() out; .floor() makes whole numbers",
    "must be real number": "use the expression's own .log(), .exp(), .sqrt(), ... instead of math's",
}
"""What to write where Python says that an expression is not a value."""


def _meant(error: BaseException) -> str | None:
    """What a person likely meant."""
    if isinstance(error, TypeError):
        text = str(error)
        is_ours = any(name in text for name in ("'Expression'", "'Inputs'", "not Expression"))
        return next((mend for what, mend in _PYTHON_MENDS.items() if is_ours and what in text), None)
    if not isinstance(error, AttributeError) or error.name is None:
        return None
    if isinstance(error.obj, Inputs):
        near = closest(error.name, error.obj)
        return f'columns are in brackets: x["{near or error.name}"]'
    if not isinstance(error.obj, Expression):
        return None
    near = closest(error.name, [name for name in dir(Expression) if not name.startswith("_")])
    return f"did you mean .{near}()?" if near else None


def _check_equal(first: Mapping[str, Node], second: Mapping[str, Node]) -> None:
    """Refuse features that depend on chance or on the clock: nobody could compute them again.

    Raises:
        FeatureError: they do.
    """
    mend = "use constants: no random numbers, no clock, no order of a set"
    if list(first) != list(second):
        raise FeatureError(
            "the features function gives other features each time it is called",
            expected="the same names in the same order",
            mend=mend,
        )
    for name, node in first.items():
        if _structure(node) != _structure(second[name]):
            raise FeatureError(
                f"the feature '{name}' is another one each time the features function is called: "
                f"{node.text}, then {second[name].text}",
                where=node.place,
                mend=mend,
            )


def _structure(node: Node) -> list[tuple[Operation, tuple[int, ...]]]:
    """What a node does, without how it is written."""
    order = in_order([node])
    places = {id(step): position for position, step in enumerate(order)}
    return [(step.operation, tuple(places[id(argument)] for argument in step.arguments)) for step in order]


def _name(name: object, place: str | None) -> str:
    if isinstance(name, str) and name and is_unicode(name):
        return name
    raise FeatureError(
        f"the feature name {name!r} is not a name", where=place, expected="a text that is not empty"
    )


def _checked(name: str, value: object, place: str | None) -> Node:
    if not isinstance(value, Expression):
        raise FeatureError(
            f"the feature '{name}' is {_what(value)}", where=place, expected='an expression such as x["age"]'
        )
    node = value.node
    if node.kind in (*NUMERIC, "vector"):
        return node
    raise FeatureError(
        f"the feature '{name}' is {KIND_WORDS[node.kind]}, and a model takes numbers",
        where=node.place,
        mend=f"make it numbers with {_MENDS[node.kind]}",
    )


def _what(value: object) -> str:
    if value is None:
        return "nothing"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
