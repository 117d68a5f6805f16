"""Constants of columns with more different texts than a profile keeps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.analyzers import analyze
from tilth.features.derived_profiles import without_empty_texts
from tilth.profiles import ColumnProfile, profile
from tilth.sketches import TextSummary


def column() -> ColumnProfile:
    texts = [*(["often"] * 400), *(["seldom"] * 100), *([""] * 300), *(f"once {i}" for i in range(4000))]
    kept = TextSummary(limit=100)
    kept.update(pa.array(np.random.default_rng(0).permutation(np.array(texts, dtype=object))))
    assert not kept.is_exact
    return dataclasses.replace(profile({"s": texts})["s"], texts=kept)


def test_empty_texts_are_missing() -> None:
    found = without_empty_texts(column())
    assert (found.count, found.missing) == (4500, 300)


def test_the_most_frequent_texts_are_known() -> None:
    found = without_empty_texts(column())
    assert analyze(op.FillFrom("mode"), found) == op.FillWith("often")


def test_whole_vocabularies_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"too many different texts, about [\d,]+, to tell") as error:
        analyze(op.Vocabulary(None, 1, 0), without_empty_texts(column()))
    assert error.value.mend == "use .hash(1000), or leave the feature out"
