"""Data set versions: numbered without gaps, the same rows once, found by name@version."""

from __future__ import annotations

import pytest

from tilth.errors import NotFoundError, UsageError
from tilth.store import Artifact, Store


def dataset(store: Store, rows: str, fingerprint: str | None = None) -> Artifact:
    """A recorded data set whose bytes are told by a letter."""
    return store.record_artifact("dataset", "dataset", rows * 64, 10, fingerprint=fingerprint)


def test_versions_count_up_for_each_name(store: Store) -> None:
    run = store.begin_run("run")
    first = store.register_dataset("sales/data", dataset(store, "a", "f1"), run, "before the clean-up")
    assert (first.version, first.run, first.note) == (1, run.number, "before the clean-up")
    assert first.reference == "sales/data@1"
    assert store.register_dataset("sales/data", dataset(store, "b", "f2")).version == 2
    assert store.register_dataset("raw", dataset(store, "b", "f2")).version == 1
    assert [v.reference for v in store.dataset_versions()] == ["raw@1", "sales/data@2", "sales/data@1"]
    assert [v.version for v in store.dataset_versions("sales/data")] == [2, 1]


def test_the_same_rows_stay_the_version_that_they_are(store: Store) -> None:
    """Whatever the bytes: another order of rows has the same fingerprint."""
    first = store.register_dataset("raw", dataset(store, "a", "f1"))
    store.register_dataset("raw", dataset(store, "b", "f2"))
    assert store.register_dataset("raw", dataset(store, "c", "f1"), note="again") == first
    assert len(store.dataset_versions("raw")) == 2


def test_without_a_fingerprint_the_bytes_decide(store: Store) -> None:
    first = store.register_dataset("raw", dataset(store, "a"))
    assert store.register_dataset("raw", dataset(store, "a")) == first
    assert store.register_dataset("raw", dataset(store, "b")).version == 2


def test_a_version_is_found_by_number_or_as_the_latest(store: Store) -> None:
    for letter in "abc":
        store.register_dataset("raw", dataset(store, letter))
    assert store.dataset_version("raw").version == 3
    assert store.dataset_version("raw", 2).artifact.digest == "b" * 64
    assert store.dataset_version("raw", "2") == store.dataset_version("raw", 2)
    assert store.find("raw@2") == (store.dataset_version("raw", 2),)


@pytest.mark.parametrize("version", [0, 4, -1, "x", 2**40])
def test_a_version_that_is_not_there_says_which_are(store: Store, version: int | str) -> None:
    for letter in "abc":
        store.register_dataset("raw", dataset(store, letter))
    with pytest.raises(NotFoundError, match="there is no version") as caught:
        store.dataset_version("raw", version)
    assert caught.value.expected == "1 to 3, or latest"


def test_a_name_that_is_not_there_says_what_is_near(store: Store) -> None:
    store.register_dataset("raw-sales", dataset(store, "a"))
    with pytest.raises(NotFoundError, match="no data set 'raw-sale'") as caught:
        store.dataset_version("raw-sale")
    assert caught.value.mend == "did you mean 'raw-sales'?"


@pytest.mark.parametrize("name", ["", "a b", "a@1", "../x", "a/b/c", "a\n"])
def test_names_are_plain(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a data set"):
        store.register_dataset(name, dataset(store, "a"))


def test_lineage_starts_from_a_version(store: Store) -> None:
    run = store.begin_run("data save")
    source = store.record_artifact("file", "a.csv", "e" * 64, 5)
    execution = store.begin_execution(run, "save", "key", inputs={"sources": source})
    kept = dataset(store, "a", "f1")
    store.end_execution(execution, "complete", {"dataset": kept})
    version = store.register_dataset("raw", kept, run)
    assert source in store.lineage(version, "upstream").artifacts
