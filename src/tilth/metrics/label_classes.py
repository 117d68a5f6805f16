"""What a label column means: its task, its classes in order, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from tilth.errors import DataError, UsageError, closest
from tilth.metrics.label_lists import is_list, label_lists, list_counts
from tilth.metrics.label_values import LabelValue, find_class, guess_positive, label_counts, label_text
from tilth.types import Task

__all__ = ["Meaning", "meaning_of", "unknown_class"]

MOST_INTEGER_CLASSES = 20
MOST_TEXT_CLASSES = 1000

Values: TypeAlias = "pa.Array | pa.ChunkedArray"

Meaning: TypeAlias = "tuple[Task, tuple[LabelValue, ...], tuple[str, ...]]"
"""Task, classes in the order of their codes, and what was assumed."""


def meaning_of(
    values: Values,
    task: Task | None = None,
    positive: LabelValue | None = None,
    also: Values | None = None,
    *,
    group: str | None = None,
    separator: str | None = None,
) -> Meaning:
    """What labels mean; see `LabelEncoding.from_column`.

    Example:
        >>> meaning_of(pa.array(["no", "yes"]))[:2]
        ('binary', ('no', 'yes'))
    """
    if task == "multilabel" or (task is None and is_list(values)):
        return _multilabel(values, also, separator)
    if is_list(values):
        raise UsageError(f"the label is a list, which is not {task}", mend='set task = "multilabel"')
    if task == "ranking":
        return _ranking(values, group)
    counts = label_counts(values)
    if not counts:
        raise _empty()
    others = {} if also is None else label_counts(also)
    chosen = task or _infer_task(counts, values.type)
    if chosen == "regression" or (task is None and not all(map(_is_whole, others))):
        return _regression(counts, given=task is not None)
    counts |= {value: 0 for value in others if find_class(value, counts) is None}
    if task is None and len(counts) > 2:
        chosen = "multiclass"
    return _binary(counts, positive) if chosen == "binary" else _multiclass(counts, task)


def _multilabel(values: Values, also: Values | None, separator: str | None) -> Meaning:
    lists = label_lists(values, separator)
    if lists.null_count == len(lists):
        raise _empty()
    counts = list_counts(lists) | ({} if also is None else list_counts(label_lists(also, separator)))
    if not counts:
        raise DataError("no row has any label", expected="lists with at least one text in some row")
    if len(counts) > MOST_TEXT_CLASSES:
        raise _too_many(len(counts))
    return "multilabel", tuple(sorted(counts)), ()


def _ranking(values: Values, group: str | None) -> Meaning:
    if group is None:
        raise UsageError(
            "nothing says which rows are ranked together",
            expected="the column whose rows are",
            mend='name it: group = "query" under [project], or --group',
        )
    if values.null_count == len(values):
        raise _empty()
    return "ranking", (), ()


def _regression(counts: Mapping[LabelValue | float, int], given: bool) -> Meaning:
    if any(isinstance(value, str) for value in counts):
        raise UsageError(
            "the label is text, which regression cannot predict",
            expected="a column of numbers",
            mend='set task = "multiclass" or "binary"',
        )
    note = f"the label has {len(counts)} distinct numbers: taken as a quantity (regression)"
    return "regression", (), () if given else (note,)


def _binary(counts: dict[LabelValue | float, int], positive: LabelValue | None) -> Meaning:
    known = _with_usual_partner(_whole(counts), positive)
    if len(known) == 1:
        raise _only_one(known)
    if len(known) != 2:
        shown = ", ".join(sorted(label_text(value) for value in known)[:10])
        raise UsageError(
            f"the label has {len(known)} distinct values where two are needed: {shown}",
            expected="two classes",
            mend='set task = "multiclass"',
        )
    chosen, reason = guess_positive(known)
    if positive is not None:
        found = find_class(positive, known)
        if found is None:
            raise unknown_class(positive, tuple(known))
        chosen, reason = found, ""
    (negative,) = (value for value in known if value != chosen)
    note = f"'{label_text(chosen)}' is taken as the positive class: {reason}"
    return ("binary", (negative, chosen), (note,) if reason else ())


def _multiclass(counts: dict[LabelValue | float, int], task: Task | None) -> Meaning:
    known = _whole(counts)
    if len(known) > MOST_TEXT_CLASSES:
        raise _too_many(len(known))
    if len(known) < 2:
        raise _only_one(known)
    classes = tuple(sorted(known, key=lambda value: (isinstance(value, str), value)))
    integers = not isinstance(classes[0], str)
    note = f"the label has {len(classes)} distinct whole numbers: taken as classes (multiclass)"
    return ("multiclass", classes, (note,) if integers and task is None else ())


def _empty() -> DataError:
    return DataError("the label column is empty", expected="at least two rows that have a label")


def _infer_task(counts: Mapping[LabelValue | float, int], type_: pa.DataType) -> Task:
    if len(counts) <= 2 and all(map(_is_whole, counts)):
        return "binary"
    if pa.types.is_floating(type_) or (pa.types.is_integer(type_) and len(counts) > MOST_INTEGER_CLASSES):
        return "regression"
    return "multiclass"


def _is_whole(value: LabelValue | float) -> bool:
    return not isinstance(value, float) or value.is_integer()


def _whole(counts: Mapping[LabelValue | float, int]) -> dict[LabelValue, int]:
    """The counts with whole floats as integers, since classes are never floats."""
    known: dict[LabelValue, int] = {}
    for value, count in counts.items():
        if isinstance(value, float):
            if not _is_whole(value):
                raise UsageError(
                    f"the label {value!r} is not a class", expected="texts, whole numbers or booleans"
                )
            value = int(value)  # noqa: PLW2901 - the same class under its plain name
        known[value] = known.get(value, 0) + count
    return known


def _with_usual_partner(known: dict[LabelValue, int], positive: LabelValue | None) -> dict[LabelValue, int]:
    """A lone class of a usual pair gets its partner: rows of one class only are still binary."""
    if len(known) != 1:
        return known
    (value,) = known
    pair: tuple[LabelValue, LabelValue] = (False, True) if isinstance(value, bool) else (0, 1)
    if value in pair:
        return {partner: known.get(partner, 0) for partner in pair}
    if positive is not None and find_class(positive, known) is None:
        return {**known, positive: 0}
    return known


def _too_many(classes: int) -> DataError:
    return DataError(
        f"the label has {classes} distinct values, too many to be classes",
        expected=f"at most {MOST_TEXT_CLASSES} classes",
        mend="is the label an identifier or free text? choose another column",
    )


def _only_one(known: Mapping[LabelValue, int]) -> DataError:
    return DataError(
        f"the label has only one value, '{label_text(next(iter(known)))}'",
        expected="at least two classes",
        mend="choose another label, or data in which every class occurs",
    )


def unknown_class(value: object, classes: Sequence[LabelValue]) -> DataError:
    """The error of a value that is none of the classes."""
    text = label_text(value)
    names = [label_text(known) for known in classes]
    near = closest(text, names)
    return DataError(
        f"'{text}' is not a class of the label",
        expected="one of " + ", ".join(names[:20]),
        mend=f"did you mean '{near}'?" if near else None,
    )
