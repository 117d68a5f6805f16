"""The visual report: one HTML page that needs nothing else, of one profile or of two over each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tilth.profiles.page_associations import association_tables
from tilth.profiles.page_base import render
from tilth.profiles.page_cards import Card, card
from tilth.profiles.page_figures import Label, figure, label, share
from tilth.profiles.page_slices import SliceLike, TableLike, shown_slices, slice_name, slice_table
from tilth.profiles.page_verdicts import Remark, anomalies_of, verdict

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile
    from tilth.types import JSONObject

__all__ = ["page"]

_DETAILED = 120  # drawings; on longer pages each column is told more briefly
_OPEN = 16  # columns; on longer pages all begin closed


@dataclass(frozen=True)
class _Fact:
    name: str
    values: tuple[str, ...]
    sort: str = ""


def page(
    profile: TableLike,
    *,
    title: str,
    current: TableLike | None = None,
    names: tuple[str, str] = ("reference", "current"),
    comparison: JSONObject | None = None,
    anomalies: Sequence[JSONObject] = (),
    associations: JSONObject | None = None,
) -> str:
    """The page as HTML text: no network, no other file; the same arguments give the same text.

    Args:
        profile: the data set, or the reference of two.
        title: what the page is about.
        current: a second data set, drawn over the first on common axes.
        names: what the two are called.
        comparison: the JSON form of the comparison of the two, for distances and verdicts.
        anomalies: anomalies in their JSON form, shown at the column that they belong to.
        associations: the JSON form of the associations of columns.

    Example:
        >>> from tilth.profiles import profile
        >>> text = page(profile({"<u>": [1, 2]}), title="Two rows")
        >>> text.startswith("<!doctype html>"), "&lt;u&gt;" in text, "<u>" in text
        (True, True, False)
    """
    tables = [profile] if current is None else [profile, current]
    called = [""] if current is None else [label(name, 24).text for name in names]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns))
    remarks = anomalies_of(anomalies)
    cards = _cards(tables, called, columns, remarks, comparison or {})
    return render(
        "page.html.jinja",
        title=label(title, 120).text,
        styles=["page.css"],
        script="page.js",
        names=called,
        is_pair=current is not None,
        facts=_facts(tables),
        types=_types(cards),
        cards=cards,
        opened=len(cards) <= _OPEN,
        has_verdicts=any(each.verdict is not None for each in cards),
        drifted=sum(bool(each.verdict and each.verdict.drifted) for each in cards),
        anomalies=_listed(remarks, cards),
        slices=_slices(profile),
        associations=association_tables(cast("Mapping[str, Any] | None", associations)),
    )


def _cards(
    tables: Sequence[TableLike],
    called: Sequence[str],
    columns: Sequence[str],
    remarks: Mapping[str | None, Sequence[Remark]],
    comparison: Mapping[str, Any],
) -> list[Card]:
    detailed = len(columns) * len(tables) <= _DETAILED
    slices: Sequence[SliceLike] = getattr(tables[0], "slices", ())
    shown = shown_slices(slices, len(columns))
    judged: Mapping[str, Any] = comparison.get("columns") or {}
    cards = []
    for number, name in enumerate(columns):
        pairs = zip(tables, called, strict=True)
        there = [(table.columns[name], text) for table, text in pairs if name in table.columns]
        cards.append(
            card(
                number,
                [column for column, _ in there],
                [text for _, text in there],
                only_in=there[0][1] if len(there) < len(tables) else "",
                anomalies=remarks.get(name, ()),
                verdict=verdict(judged.get(name)),
                slices=slice_table(there[0][0], shown, left_out=len(slices) - len(shown)),
                parts=_parts(there[0][0], columns),
                detailed=detailed,
            )
        )
    return cards


def _parts(column: ColumnProfile, columns: Sequence[str]) -> list[tuple[Label, int]]:
    if column.type not in ("image", "audio"):
        return []
    start = f"{column.name}."
    return [(label(name), place) for place, name in enumerate(columns) if name.startswith(start)]


def _facts(tables: Sequence[TableLike]) -> list[_Fact]:
    cells = [sum(column.rows for column in table.columns.values()) for table in tables]
    missing = [sum(column.missing for column in table.columns.values()) for table in tables]
    facts = [
        _Fact("rows", tuple(figure(table.rows) for table in tables)),
        _Fact("columns", tuple(figure(len(table.columns)) for table in tables)),
        _Fact("missing cells", tuple(share(m, n) for m, n in zip(missing, cells, strict=True))),
    ]
    duplicates = [getattr(table, "duplicate_rows", None) for table in tables]
    if any(many is not None for many in duplicates):
        said = (
            figure(many) + (f" ({share(many, table.rows)})" if many else "")
            for many, table in zip(duplicates, tables, strict=True)
        )
        facts.append(_Fact("duplicate rows", tuple(said)))
    return facts


def _types(cards: Sequence[Card]) -> list[tuple[str, int]]:
    return Counter(each.type for each in cards).most_common()


def _listed(
    remarks: Mapping[str | None, Sequence[Remark]], cards: Sequence[Card]
) -> list[tuple[Remark, int | None]]:
    places = {remark: each.number for each in cards for remark in each.remarks}
    found = [(remark, places.get(remark)) for each in remarks.values() for remark in each]
    return sorted(found, key=lambda pair: (pair[0].level, -1 if pair[1] is None else pair[1]))


def _slices(profile: TableLike) -> list[tuple[Label, str, str]]:
    slices: Sequence[SliceLike] = getattr(profile, "slices", ())
    return [
        (slice_name(each.values), figure(each.profile.rows), share(each.profile.rows, profile.rows))
        for each in slices
    ]
