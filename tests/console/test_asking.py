"""What stands in the address of a page, whatever stands there."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from tilth.console.asking import Asked
from tilth.console.forms import parse_form

NAMES = st.sampled_from(["show", "tag", "truth", "said", "search", "page", "other"])


@given(st.dictionaries(NAMES, st.text() | st.sampled_from(["all", "2", "-1", "9" * 30, "²", "-"])))
def test_what_is_written_is_read_again(query: dict[str, str]) -> None:
    asked = Asked.of(query)
    assert asked.page >= 1
    assert Asked.of(dict(parse_qsl(asked.query(), keep_blank_values=True))) == asked
    assert asked.filters.rows in ("wrong", "right", "all")


@given(st.binary(max_size=200))
def test_a_form_is_read_or_refused(body: bytes) -> None:
    fields = {}
    with contextlib.suppress(HTTPException):
        fields = parse_form(body)
    assert all(isinstance(value, str) for value in fields.values())


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(HTTPException):
        parse_form(b"&".join(b"a=1" for _ in range(500)))


def test_another_tag_begins_at_the_first_page() -> None:
    assert Asked(search="x", page=4).query(tag="dark") == "tag=dark&search=x"
