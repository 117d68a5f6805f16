"""Which columns the parts of a fitted scikit-learn transformer take, by position."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tilth.errors import FeatureError, closest
from tilth.types import ColumnType

__all__ = ["by_position", "named_columns", "single_columns", "used_columns", "with_columns"]


def used_columns(transformer: Any, names: Sequence[str]) -> list[str]:
    """The columns that reach a step of a transformer, in the order of `names`.

    Args:
        transformer: fitted.
        names: the columns of the frame that it was fitted on.

    Example:
        >>> from sklearn.compose import make_column_transformer
        >>> from sklearn.preprocessing import StandardScaler
        >>> import polars as pl
        >>> scaler = make_column_transformer((StandardScaler(), ["b"]))
        >>> used_columns(scaler.fit(pl.DataFrame({"a": [1.0], "b": [2.0]})), ["a", "b"])
        ['b']
    """
    places = _used(transformer, names)
    return [name for place, name in enumerate(names) if place in places]


def _used(transformer: Any, names: Sequence[str]) -> set[int]:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        first = next((step for _, step in transformer.steps if step not in (None, "passthrough")), None)
        return set(range(len(names))) if first is None else _used(first, names)
    if isinstance(transformer, FeatureUnion):
        parts = [step for _, step in transformer.transformer_list if step != "drop"]
        return {place for part in parts for place in _used(part, names)}
    if isinstance(transformer, ColumnTransformer):
        return {
            place
            for _, step, columns in transformer.transformers_
            if step != "drop"
            for place in _places(columns, names)[0]
        }
    return set(range(len(names)))


def by_position(transformer: Any, names: Sequence[str], kept: Sequence[str]) -> Any:
    """A copy of a fitted transformer that takes only some columns, and by their positions.

    Args:
        transformer: fitted.
        names: the columns of the frame that it was fitted on.
        kept: those that it uses.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.preprocessing import KBinsDiscretizer

    made = copy.copy(transformer)
    if isinstance(made, KBinsDiscretizer) and made.encode == "onehot":
        made.encode = "onehot-dense"  # the same numbers; graphs have no sparse tables
    if isinstance(made, Pipeline):
        made.steps = list(made.steps)
        for place, (name, step) in enumerate(made.steps):
            if step not in (None, "passthrough"):
                made.steps[place] = (name, by_position(step, names, kept))
                break
    elif isinstance(made, FeatureUnion):
        made.transformer_list = [
            (name, step if isinstance(step, str) else by_position(step, names, kept))
            for name, step in made.transformer_list
        ]
    elif isinstance(made, ColumnTransformer):
        specifications = []
        for name, step, columns in made.transformers_:
            places, is_single = _places(columns, names)
            if step == "drop" or not places:
                continue
            own = [names[place] for place in places]
            new = [kept.index(each) for each in own]
            inner = step if isinstance(step, str) else by_position(step, own, own)
            specifications.append((name, inner, new[0] if is_single else new))
        made.transformers_ = specifications
    return made


def named_columns(transformer: Any) -> list[str] | None:
    """The columns that an unfitted transformer takes, in the order in which it names them.

    None where only a look at the table tells: it takes all, what remains, or columns by position.

    Example:
        >>> from sklearn.compose import make_column_transformer
        >>> named_columns(make_column_transformer(("passthrough", ["b", "a"])))
        ['b', 'a']
        >>> named_columns(make_column_transformer(("passthrough", ["b"]), remainder="passthrough")) is None
        True
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        return named_columns(transformer.steps[0][1])
    if isinstance(transformer, FeatureUnion):
        parts = [named_columns(step) for _, step in transformer.transformer_list]
        if any(part is None for part in parts):
            return None
        return list(dict.fromkeys(name for part in parts for name in part or ()))
    if not isinstance(transformer, ColumnTransformer) or transformer.remainder != "drop":
        return None
    found: dict[str, None] = {}
    for _, step, columns in transformer.transformers:
        listed = [columns] if isinstance(columns, str) else columns
        if not isinstance(listed, list | tuple) or not all(isinstance(each, str) for each in listed):
            return None
        found |= {} if step == "drop" else dict.fromkeys(listed)
    return list(found)


def with_columns(transformer: Any, types: Mapping[str, ColumnType]) -> Any:
    """An unfitted transformer in which `make_column_selector` has chosen, which for itself needs pandas.

    Texts are what it calls object, category or string; numbers, flags and datetimes are those.

    Example:
        >>> from sklearn.compose import make_column_selector, make_column_transformer
        >>> chosen = make_column_transformer(("passthrough", make_column_selector(dtype_include="number")))
        >>> with_columns(chosen, {"x": "int", "s": "string"}).transformers
        [('passthrough', 'passthrough', ['x'])]
    """
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        name, first = transformer.steps[0]
        transformer.steps = [(name, with_columns(first, types)), *transformer.steps[1:]]
    elif isinstance(transformer, FeatureUnion):
        transformer.transformer_list = [
            (name, with_columns(step, types)) for name, step in transformer.transformer_list
        ]
    elif isinstance(transformer, ColumnTransformer):
        transformer.transformers = [
            (name, step, _selected(columns, types) if isinstance(columns, make_column_selector) else columns)
            for name, step, columns in transformer.transformers
        ]
    return transformer


def _selected(selector: Any, types: Mapping[str, ColumnType]) -> list[str]:
    wanted, unwanted = _families(selector.dtype_include), _families(selector.dtype_exclude)
    return [
        name
        for name, kind in types.items()
        if (wanted is None or _FAMILIES.get(kind) in wanted)
        and (unwanted is None or _FAMILIES.get(kind) not in unwanted)
        and (selector.pattern is None or re.search(selector.pattern, name))
    ]


_FAMILIES: Mapping[ColumnType, str] = {
    "int": "number",
    "float": "number",
    "string": "text",
    "bool": "flag",
    "datetime": "time",
}


def _families(asked: Any) -> set[str] | None:
    """What types of pandas' are called here."""
    if asked is None:
        return None
    found = set()
    for each in asked if isinstance(asked, list | tuple) else [asked]:
        text = getattr(each, "__name__", str(each)).lower()
        is_number = text.startswith(("number", "int", "uint", "float"))
        is_text = text.startswith(("object", "category", "str"))
        is_flag = text.startswith("bool")
        found.add("number" if is_number else "text" if is_text else "flag" if is_flag else "time")
    return found


def single_columns(transformer: Any) -> set[str]:
    """The columns that a transformer hands to a step one by one, as texts to be counted are."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        return single_columns(transformer.steps[0][1])
    if isinstance(transformer, FeatureUnion):
        return {name for _, step in transformer.transformer_list for name in single_columns(step)}
    if isinstance(transformer, ColumnTransformer):
        return {columns for _, _, columns in transformer.transformers if isinstance(columns, str)}
    return set()


def _places(columns: Any, names: Sequence[str]) -> tuple[list[int], bool]:
    """The positions of the columns that a part of a ColumnTransformer takes, and whether it is one alone."""
    if isinstance(columns, str):
        return [_place(columns, names)], True
    if isinstance(columns, int) and not isinstance(columns, bool):
        return [range(len(names))[columns]], True
    if isinstance(columns, slice):
        return _slice(columns, names), False
    listed = list(columns)
    if listed and all(isinstance(each, bool) or type(each).__name__ == "bool" for each in listed):
        return [place for place, wanted in enumerate(listed) if wanted], False
    return [
        _place(each, names) if isinstance(each, str) else range(len(names))[int(each)] for each in listed
    ], False


def _slice(columns: slice, names: Sequence[str]) -> list[int]:
    """The positions of a slice; by names its end is part of it."""
    start, stop = columns.start, columns.stop
    if isinstance(start, str) or isinstance(stop, str):
        first = 0 if start is None else _place(start, names)
        last = len(names) if stop is None else _place(stop, names) + 1
        return list(range(first, last, columns.step or 1))
    return list(range(len(names))[columns])


def _place(name: str, names: Sequence[str]) -> int:
    if name in names:
        return list(names).index(name)
    near = closest(name, names)
    raise FeatureError(
        f"the transformer takes a column '{name}', which is not there",
        expected="one of " + ", ".join(names),
        mend=f"did you mean '{near}'?" if near else None,
    )
