"""What people say is kept in order, with who and when, on SQLite and PostgreSQL."""

from __future__ import annotations

import math

import pytest

from tilth.errors import TilthError
from tilth.store import Said, Store


def tag(subject: str, name: str, value: object = True, who: str = "ann") -> Said:
    return Said("cats", "tag", subject, name, value, who)  # type: ignore[arg-type]


def test_remarks_come_back_in_order(store: Store) -> None:
    first = store.record_remarks([tag("row 1", "blurry"), tag("row 2", "dark", {"note": "night"})])
    second = store.record_remarks([tag("row 1", "blurry", None, "bob")])
    assert store.remarks("cats", "tag") == (*first, *second)
    assert store.remarks("cats", "tag", subject="row 1") == (first[0], *second)
    assert store.remarks("cats", "tag", after=first[1].number) == second
    assert store.remarks("dogs", "tag") == store.remarks("cats", "signature") == ()
    assert [each.number for each in (*first, *second)] == sorted(each.number for each in (*first, *second))
    assert first[0].made.tzinfo is not None
    assert first[1].value == {"note": "night"}
    assert second[0].value is None


def test_all_or_none_are_recorded(store: Store) -> None:
    with pytest.raises((TilthError, ValueError)):
        store.record_remarks([tag("row 1", "fine"), tag("row 2", "bad", math.nan)])
    assert store.remarks("cats", "tag") == ()
    assert store.record_remarks([]) == ()
