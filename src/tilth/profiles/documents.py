"""A profile as a JSON document, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from tilth.errors import DataError
from tilth.profiles.column import ColumnProfile
from tilth.profiles.column_state import column_from_state, column_state
from tilth.sketches import DistinctCounts

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["TableParts", "profile_from_json", "profile_json", "profile_summary"]

_FORMAT = 2


class _Slice(Protocol):
    @property
    def values(self) -> Mapping[str, str]: ...
    @property
    def profile(self) -> _Table: ...


class _Table(Protocol):
    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> Mapping[str, ColumnProfile]: ...
    @property
    def slices(self) -> Sequence[_Slice]: ...
    @property
    def row_counts(self) -> DistinctCounts | None: ...


@dataclass(frozen=True)
class TableParts:
    """What a profile is made of.

    Args:
        rows: how many rows.
        columns: the profiles of the columns.
        slices: the values of each slice, and what its profile is made of.
        row_counts: how often equal rows came; None if that is not known.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    slices: Sequence[tuple[Mapping[str, str], TableParts]] = ()
    row_counts: DistinctCounts | None = None


def profile_summary(profile: _Table) -> JSONObject:
    """All figures: {"rows": n, "columns": {name: {...}}, "duplicate_rows": {...}, "slices": [...]}."""
    counts = profile.row_counts
    return {
        "rows": profile.rows,
        "columns": {name: column.to_dict() for name, column in profile.columns.items()},
        "duplicate_rows": {"count": counts.repeats, "exact": counts.is_exact} if counts is not None else None,
        "slices": [
            {
                "slice": dict(each.values),
                "rows": each.profile.rows,
                "columns": {name: found.to_dict() for name, found in each.profile.columns.items()},
            }
            for each in profile.slices
        ],
    }


def profile_json(profile: _Table) -> str:
    """The summary, and under "state" all that merging and comparing need; same rows, same bytes."""
    document: dict[str, Any] = {
        **profile_summary(profile),
        "state": {"format": _FORMAT, **_state(profile)},
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _state(profile: _Table) -> JSONObject:
    return {
        "columns": {name: column_state(column) for name, column in profile.columns.items()},
        "rows": profile.row_counts.to_state() if profile.row_counts is not None else None,
        "slices": [_state(each.profile) for each in profile.slices],
    }


def profile_from_json(text: str) -> TableParts:
    """What the profile is made of that `profile_json` wrote.

    Raises:
        DataError: the text is no profile, or only a summary without its state.
    """
    try:
        document = json.loads(text)
        state = document["state"]
        if state["format"] != _FORMAT:
            raise DataError(
                f"the profile has format {state['format']}",
                expected=f"format {_FORMAT}",
                mend="profile the data again with this version of tilth",
            )
        return _parts(document["rows"], state, document["slices"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            "this is no profile with its state",
            where=f"{type(error).__name__}: {error}",
            expected='JSON with "rows", "columns" and "state", as Profile.to_json writes it',
            mend="profile the data again",
        ) from error


def _parts(rows: int, state: JSONObject, slices: Sequence[JSONObject]) -> TableParts:
    found = cast("dict[str, Any]", state)
    return TableParts(
        rows,
        {name: column_from_state(name, column) for name, column in found["columns"].items()},
        [
            (cast("dict[str, str]", each["slice"]), _parts(cast("int", each["rows"]), part, []))
            for each, part in zip(slices, found["slices"], strict=True)
        ],
        DistinctCounts.from_state(found["rows"]) if found["rows"] is not None else None,
    )
