"""Associations as tables whose cells are shaded by their strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.profiles.page_figures import Label, figure, label, share

__all__ = ["AssociationTables", "HeatCell", "HeatTable", "StrongPair", "association_tables"]

_SIDE = 24  # columns in a heat table
_PAIRS = 30
_MEASURES = (
    ("Pearson correlation", "correlations", "pearson"),
    ("Spearman rank correlation", "correlations", "spearman"),
    ("Cramér's V of categories", "categories", "cramers_v"),
)


@dataclass(frozen=True)
class HeatCell:
    """One pair: its figure in words, its strength in whole percent and whether it is below 0."""

    text: str
    strength: int
    is_negative: bool
    title: str


@dataclass(frozen=True)
class HeatTable:
    """A measure of each column against each."""

    title: str
    names: tuple[Label, ...]
    rows: tuple[tuple[HeatCell, ...], ...]
    left_out: int


@dataclass(frozen=True)
class StrongPair:
    """A line of a list: names, figure and the width of its bar in percent."""

    names: tuple[Label, ...]
    text: str
    width: float


@dataclass(frozen=True)
class AssociationTables:
    """All that the page says of associations.

    Args:
        heats: tables of each column against each.
        label: the column that `information` is about.
        information: what each column tells of the label.
        patterns: which columns are missing together, in how many rows.
        left_out: names of columns that nobody looked at.
    """

    heats: tuple[HeatTable, ...]
    label: Label | None
    information: tuple[StrongPair, ...]
    patterns: tuple[StrongPair, ...]
    left_out: tuple[str, ...]


def association_tables(found: Mapping[str, Any] | None) -> AssociationTables | None:
    """The tables from the JSON form of associations; None without any.

    Example:
        >>> pair = {"first": "a", "second": "b", "pearson": -0.5}
        >>> table = association_tables({"correlations": [pair]}).heats[0]
        >>> table.rows[1][0].text, table.rows[1][0].strength
        ('-0.50', 50)
    """
    if not found:
        return None
    heats = [_heat(title, found.get(key) or (), measure) for title, key, measure in _MEASURES]
    about = found.get("label")
    tables = AssociationTables(
        tuple(heat for heat in heats if heat is not None),
        None if about is None else label(str(about)),
        _information(found.get("information") or ()),
        _patterns(found.get("missing_patterns") or (), int(found.get("rows") or 0)),
        tuple(str(name) for name in found.get("left_out") or ()),
    )
    return tables if tables.heats or tables.information or tables.patterns else None


def _heat(title: str, pairs: Sequence[Mapping[str, Any]], measure: str) -> HeatTable | None:
    known = {(str(p["first"]), str(p["second"])): p[measure] for p in pairs if p.get(measure) is not None}
    if not known:
        return None
    strongest: dict[str, None] = {}
    for names in sorted(known, key=lambda names: -abs(known[names])):
        strongest.update(dict.fromkeys(names))
    order = _order(pairs)
    shown = sorted(list(strongest)[:_SIDE], key=lambda name: order[name])
    rows = tuple(tuple(_cell(row, column, known) for column in shown) for row in shown)
    return HeatTable(title, tuple(label(name, 24) for name in shown), rows, len(strongest) - len(shown))


def _order(pairs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, str]]:
    # In a table's own order a column is first in more pairs the earlier it stands.
    first: dict[str, int] = {}
    for pair in pairs:
        first[str(pair["first"])] = first.get(str(pair["first"]), 0) + 1
        first.setdefault(str(pair["second"]), 0)
    return {name: (-many, name) for name, many in first.items()}


def _cell(row: str, column: str, known: Mapping[tuple[str, str], float]) -> HeatCell:
    if row == column:
        return HeatCell("", 0, is_negative=False, title="")
    value = known.get((row, column), known.get((column, row)))
    if value is None:
        return HeatCell(figure(None), 0, is_negative=False, title=_pair(row, column, figure(None)))
    return HeatCell(
        f"{value:.2f}".replace("-0.00", "0.00"),
        min(round(abs(value) * 100), 100),
        is_negative=value < 0,
        title=_pair(row, column, figure(float(value))),
    )


def _pair(row: str, column: str, text: str) -> str:
    return f"{label(row).text}, {label(column).text}: {text}"


def _information(found: Sequence[Mapping[str, Any]]) -> tuple[StrongPair, ...]:
    lines = []
    for each in found[:_PAIRS]:
        bits, part, chance = each.get("bits"), each.get("share"), each.get("chance")
        if bits is None:
            continue
        text = f"{figure(float(bits))} bits"
        text += f", {share(part, 1)} of the label's uncertainty" if part is not None else ""
        text += f"; by chance {figure(float(chance))}" if chance is not None else ""
        lines.append(StrongPair((label(str(each["column"])),), text, round(100 * (part or 0.0), 1)))
    return tuple(lines)


def _patterns(found: Sequence[Mapping[str, Any]], rows: int) -> tuple[StrongPair, ...]:
    lines = []
    for each in found[:_PAIRS]:
        names = tuple(label(str(name)) for name in each["columns"])
        count = int(each["rows"])
        text = f"{figure(count)} rows ({share(count, rows)})" if rows else f"{figure(count)} rows"
        lines.append(StrongPair(names, text, round(100 * count / rows, 1) if rows else 0.0))
    return tuple(lines) if any(line.names for line in lines) else ()
