from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.sketches import TextShape
from tilth.sketches import text_shape as room

alphabet = st.characters(codec="utf-8") | st.sampled_from("ab19 \t\n\x1c\x85é ß٣漢")
texts = st.lists(st.text(alphabet, max_size=12), max_size=15)


def shape_of(values: list[str], counts: list[int] | None = None) -> TextShape:
    shape = TextShape()
    shape.update(pa.array(values, pa.string()), None if counts is None else np.array(counts, np.int64))
    return shape


@given(texts)
def test_figures_are_those_of_python(values: list[str]) -> None:
    shape = shape_of(values)
    characters = "".join(values)
    classes = [
        sum(character.isalpha() for character in characters),
        sum(character.isdecimal() for character in characters),
        sum(character.isspace() for character in characters),
    ]
    assert shape.characters.tolist() == [*classes, len(characters) - sum(classes)]
    assert shape.empty_texts == values.count("")
    for moments, numbers in (
        (shape.lengths, [len(value) for value in values]),
        (shape.byte_lengths, [len(value.encode()) for value in values]),
        (shape.words, [len(value.split()) for value in values]),
    ):
        assert (moments.low, moments.high) == (min(numbers, default=None), max(numbers, default=None))
        assert moments.units == sum(numbers) << 1074


@given(texts, texts, st.data())
def test_counting_is_repeating_and_merging_is_joining(a: list[str], b: list[str], data: Any) -> None:
    counts = data.draw(st.lists(st.integers(1, 3), min_size=len(a), max_size=len(a)))
    repeated = [value for value, count in zip(a, counts, strict=True) for _ in range(count)]
    assert shape_of(a, counts) == shape_of(repeated)
    assert shape_of(b) + shape_of(a) == shape_of(a + b)
    assert TextShape.from_state(shape_of(a).to_state()) == shape_of(a)


def test_many_characters_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["one two", "", "drei vier fünf", "x" * 100]
    whole = shape_of(values, [1, 2, 1, 5])
    monkeypatch.setattr(room, "_AT_ONCE", 10)
    assert shape_of(values, [1, 2, 1, 5]) == whole
