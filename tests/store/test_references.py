from __future__ import annotations

import pytest

from tilth.errors import ConflictError, NotFoundError
from tilth.store import Artifact, ModelVersion, Run, Store

NEAR = "abcdef1" + "0" * 57
FAR = "abcdef2" + "0" * 57


@pytest.fixture
def full(store: Store) -> Store:
    run = store.begin_run("run")
    store.begin_execution(run, "train", "k")
    store.record_artifact("file", "data/census.csv", "1" * 64, 1)
    store.record_artifact("file", "data/census.csv", "2" * 64, 1)
    store.record_artifact(
        "dataset", "rows", "3" * 64, 1, fingerprint="feed" * 8, properties={"path": "/x/y.csv"}
    )
    one = store.record_artifact("model", "one", NEAR, 1)
    two = store.record_artifact("model", "two", FAR, 1)
    store.record_artifact("file", "one.onnx", NEAR, 1)
    store.register_model("cats", one, run)
    store.register_model("cats", two, run)
    store.set_alias("cats", "champion", 1, "me")
    return store


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("cats@champion", ["cats@1"]),
        ("cats@2", ["cats@2"]),
        (" cats ", ["cats@2"]),
        ("1", ["run:1"]),
        ("run:1", ["run:1"]),
        ("execution:1", ["execution:1"]),
        ("artifact:3", ["333333333333"]),
        ("rows", ["333333333333"]),
        ("data/census.csv", ["222222222222", "111111111111"]),
        ("census.csv", ["222222222222", "111111111111"]),
        ("./data/census.csv", ["222222222222", "111111111111"]),
        ("/x/y.csv", ["333333333333"]),
        ("222222", ["222222222222"]),
        ("FEEDfeed", ["333333333333"]),
        ("abcdef1", ["abcdef100000", "abcdef100000"]),
    ],
)
def test_what_people_type_is_found(full: Store, reference: str, expected: list[str]) -> None:
    assert [record.reference for record in full.find(reference)] == expected


def test_the_records_are_of_their_kinds(full: Store) -> None:
    kinds = {reference: type(full.find(reference)[0]) for reference in ("cats", "1", "rows")}
    assert kinds == {"cats": ModelVersion, "1": Run, "rows": Artifact}


def test_every_record_is_found_by_its_own_reference(full: Store) -> None:
    records = [*full.runs(), *full.executions(), *full.artifacts(), *full.model_versions("cats")]
    assert all(record in full.find(record.reference) for record in records)


def test_a_digest_that_is_too_short_is_ambiguous(full: Store) -> None:
    with pytest.raises(ConflictError, match="'abcdef' is the start of 3 digests") as caught:
        full.find("abcdef")
    assert "abcdef100000 (model 'one')" in str(caught.value)
    assert "give more digits" in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("cats@challenger", "'cats' has no alias 'challenger'"),
        ("cats@7", "no version 7 of 'cats'"),
        ("cats@77777777777777777777", "no version 77777777777777777777 of 'cats'"),
        ("run:9", "there is no run 9"),
        ("cat@champion", "did you mean cats@champion"),
        ("data/sensus.csv", "did you mean data/census.csv"),
        ("111", "nothing is named '111'"),
        ("", "nothing is named ''"),
        ("999999999999999999999999", "nothing is named"),
        ("run:999999999999999999", "nothing is named"),
        ("census_csv", "nothing is named"),
        ("%", "nothing is named '%'"),
    ],
)
def test_what_is_not_there_is_said_with_what_is_near(full: Store, reference: str, words: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        full.find(reference)
    assert words in str(caught.value)
