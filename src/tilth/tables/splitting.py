"""Dealing rows to train, dev and test."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables.balanced import largest_remainders, rounded_shares
from tilth.tables.row_hashes import number_copies, row_hashes, rows_repeat
from tilth.tables.table import Table

__all__ = ["PARTS", "SplitMethod", "SplitPlan", "split"]

PARTS = ("train", "dev", "test")

SplitMethod = Literal["hash", "random", "group", "time", "balanced"]

SOURCE = "tilth.source"

Codes = npt.NDArray[np.int8]
_CODES = np.arange(len(PARTS), dtype=np.int8)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SplitPlan:
    """How rows are dealt.

    Args:
        method: "hash": by the row's content, so that no row moves when data is added;
            "random": exact sizes; "group": rows of one group together; "time": the oldest are trained on;
            "balanced": exact sizes within each class, or each combination of classes.
        fractions: the shares of train, dev and test; together 1.
        columns: for hash the columns that decide (default: all), for group the group's columns, for balanced
            the columns whose combinations are the classes, for time the one column.
        seed: another seed deals otherwise.

    Raises:
        UsageError: shares that are not shares, or too few or too many columns for the method.

    Example:
        >>> SplitPlan("group", (0.8, 0.1, 0.1), ("patient",)).method
        'group'
    """

    method: SplitMethod = "hash"
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    columns: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "fractions", tuple(self.fractions))
        if self.method not in get_args(SplitMethod):
            raise UsageError(
                f"split method {self.method!r} is not known",
                expected=f"one of {', '.join(get_args(SplitMethod))}",
            )
        shares: Sequence[float] = self.fractions
        if len(shares) != 3 or not all(share >= 0 for share in shares) or abs(math.fsum(shares) - 1) > 1e-9:
            raise UsageError(
                f"the fractions {', '.join(map(str, shares))} cannot be dealt",
                expected="three shares of 0 or more, together 1, such as 0.6, 0.2, 0.2",
            )
        wanted = {"group": "one or more", "time": "one", "balanced": "one or more"}.get(self.method)
        fits = {"one": len(self.columns) == 1, "one or more": bool(self.columns)}
        if wanted is not None and not fits[wanted]:
            raise UsageError(
                f"split by {self.method} with {len(self.columns)} columns",
                expected=f"{wanted} column{'s' if wanted != 'one' else ''} to go by",
                mend='name it: columns = ["label"], or --column label for tilth split',
            )


def split(table: Table, plan: SplitPlan) -> pa.DictionaryArray:
    """The part of each row.

    Rows that came back from production (`tilth.source` is "feedback") are always dealt by hash (of the
    group, if there is one), so that neither they nor the first rows move when more of them arrive.

    Args:
        table: n rows.
        plan: how to deal them.

    Returns:
        (n,) "train", "dev" or "test", in the table's order. Which rows go where does not depend on that
        order; of rows that are equal in all columns, which copy goes where means nothing. By hash, at random
        and balanced, equal rows share a part, unless more than a fifth of the rows are copies of others:
        then each is an example of its own.

    Raises:
        ColumnNotFoundError: a column of the plan that is not there.
        DataError: split by time with times missing, or by a column that has no order.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"y": [True] * 30 + [False] * 70})
        >>> parts = split(table, SplitPlan("balanced", (0.6, 0.2, 0.2), ("y",))).to_pylist()
        >>> [parts[:30].count(part) for part in PARTS]
        [18, 6, 6]
    """
    for name in plan.columns:
        if name not in table.columns:
            raise ColumnNotFoundError(name, table.columns, where=table.name)
    data = [name for name in table.columns if not name.startswith("tilth.")] or list(table.columns)
    by_content = _hashes(table, plan.columns if plan.method in ("hash", "group") else data, plan.seed)
    if plan.method in ("random", "balanced", "hash") and not (plan.method == "hash" and plan.columns):
        by_content = number_copies(by_content) if rows_repeat(by_content) else by_content
    codes = _by_hash(by_content, plan)
    if plan.method in _EXACT:
        first = ~_from_feedback(table)
        codes[first] = _EXACT[plan.method](table, plan, by_content, first)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(PARTS)) if len(codes) else _nothing()


def _nothing() -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([], pa.int8()), pa.array(PARTS))


def _hashes(table: Table, names: Sequence[str], seed: int) -> npt.NDArray[np.uint64]:
    wanted = list(names) or [name for name in table.columns if not name.startswith("tilth.")]
    narrow = table.select(wanted or list(table.columns))
    batches = [row_hashes(batch, seed=seed) for batch in narrow.batches()]
    return np.concatenate(batches) if batches else np.empty(0, np.uint64)


def _from_feedback(table: Table) -> npt.NDArray[np.bool_]:
    if SOURCE not in table.columns:
        return np.zeros(table.rows, np.bool_)
    source = table.select([SOURCE]).to_arrow().column(0)
    return np.asarray(pc.fill_null(pc.equal(source, "feedback"), False))


def _by_hash(hashes: npt.NDArray[np.uint64], plan: SplitPlan) -> Codes:
    """Each hash as a number in [0, 1), compared with the shares added up."""
    uniform = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    bounds = np.cumsum(plan.fractions)[:2]
    return np.searchsorted(bounds, uniform, side="right").astype(np.int8)


def _deal(order: npt.NDArray[np.int64], fractions: Sequence[float]) -> Codes:
    """Codes for rows taken in an order, part by part."""
    codes = np.empty(len(order), np.int8)
    codes[order] = np.repeat(_CODES, largest_remainders(len(order), fractions))
    return codes


def _random(
    table: Table,  # noqa: ARG001 - dealt by hash alone
    plan: SplitPlan,
    hashes: npt.NDArray[np.uint64],
    rows: npt.NDArray[np.bool_],
) -> Codes:
    return _deal(np.argsort(hashes[rows], kind="stable"), plan.fractions)


def _balanced(
    table: Table, plan: SplitPlan, hashes: npt.NDArray[np.uint64], rows: npt.NDArray[np.bool_]
) -> Codes:
    classes, cells, sizes = np.unique(
        _hashes(table, plan.columns, 0)[rows], return_inverse=True, return_counts=True
    )
    _refuse_tiny_classes(sizes, plan, table.name)
    margins = []
    if len(plan.columns) > 1:
        first = np.zeros(len(classes), np.int64)  # one row of each class tells its values
        first[cells] = np.arange(len(cells))
        values = (_hashes(table, [name], 0)[rows][first] for name in plan.columns)
        margins = [np.unique(value, return_inverse=True)[1] for value in values]
    dealt = rounded_shares(sizes, margins, plan.fractions)
    codes = np.empty(len(cells), np.int8)
    # Rows of one class together, within it by hash: each class then takes its parts in turn.
    codes[np.lexsort((hashes[rows], cells))] = np.repeat(np.tile(_CODES, len(classes)), dealt.ravel())
    return codes


def _refuse_tiny_classes(sizes: npt.NDArray[np.int64], plan: SplitPlan, where: str) -> None:
    """A rare class goes to the parts that it can; but a column of nothing else is no class at all."""
    parts = sum(fraction > 0 for fraction in plan.fractions)
    tiny = sizes < parts
    if len(plan.columns) > 1 or sizes[tiny].sum() * 2 <= sizes.sum() or len(sizes) <= parts:
        return
    raise DataError(
        f"{int(tiny.sum()):,} of the {len(sizes):,} values of '{plan.columns[0]}' have fewer rows than there "
        "are parts",
        where=where,
        expected=f"classes of {parts} rows or more",
        mend="balance a column of few values, or split by another method",
    )


def _by_time(
    table: Table,
    plan: SplitPlan,
    hashes: npt.NDArray[np.uint64],  # noqa: ARG001 - dealt by time alone
    rows: npt.NDArray[np.bool_],
) -> Codes:
    times = _times(table, plan.columns[0])[rows]
    if not np.isfinite(times).all() and np.isnan(times).any():
        raise DataError(
            f"{int(np.isnan(times).sum())} rows have no '{plan.columns[0]}'",
            where=table.name,
            expected="a time in each row",
            mend="leave these rows out, or split by another method",
        )
    distinct, position, counts = np.unique(times, return_inverse=True, return_counts=True)
    ends = np.concatenate([[0], np.cumsum(counts)])
    wanted = np.cumsum(plan.fractions)[:2] * len(times)
    # Rows of one time stay together: each bound moves to the nearest end of a time.
    bounds = [int(np.argmin(np.abs(ends - bound))) for bound in wanted]
    part = np.searchsorted(bounds, np.arange(len(distinct)), side="right").astype(np.int8)
    return part[position]


def _times(table: Table, name: str) -> Floats:
    """Times as numbers that sort alike; NaN where missing."""
    kind = table.columns[name]
    if kind not in ("datetime", "int", "float"):
        raise DataError(
            f"column '{name}' is {kind}: it cannot be split by time",
            where=table.name,
            expected="dates, times or numbers",
        )
    column = table.select([name]).to_arrow().column(0)
    if kind == "datetime":
        column = column.cast(pa.int64())
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)


_EXACT: dict[
    SplitMethod,
    Callable[[Table, SplitPlan, npt.NDArray[np.uint64], npt.NDArray[np.bool_]], Codes],
] = {"random": _random, "balanced": _balanced, "time": _by_time}
