"""Codes such as 007, found in the bytes of a file."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tables.csv_typed import _SLICE, _may_have_codes

_START = rb'(?:\A|[\n\r%s]) *"?[+-]?0[0-9xX]'
_CELLS = st.text('01-+ .x"a\n\r', max_size=6)


@given(cells=st.lists(_CELLS, max_size=12), mark=st.sampled_from([",", "\t", ";", "|"]))
def test_no_code_is_overlooked(cells: list[str], mark: str) -> None:
    data = mark.join(cells).encode()
    if re.search(_START % re.escape(mark).encode(), data):
        assert _may_have_codes(memoryview(data), mark)


@pytest.mark.parametrize("code", ["007", "-07", "+0x1F", '"01"', " 01", '"-01"'])
@pytest.mark.parametrize("mark", [",", ";", "|", "\t"])
def test_a_code_is_found_wherever_it_is(code: str, mark: str) -> None:
    for shift in range(-8, 9):
        before = (f"1.5{mark}2021-05-06\n".encode() * _SLICE)[: _SLICE + shift - 1] + b"\n"
        data = before + f"{code}{mark}2\n".encode()
        assert _may_have_codes(memoryview(data), mark)


@pytest.mark.parametrize("cell", ["0.5", "-0.25", "1e-05", "2021-05-06", "2021-05-06 07:08:09", "a, 05", "0"])
def test_what_is_no_code(cell: str) -> None:
    data = f"{cell};x\n".encode() * 10
    assert not _may_have_codes(memoryview(data), ";")
    assert "," in cell or not _may_have_codes(memoryview(data.replace(b";", b",")), ",")
