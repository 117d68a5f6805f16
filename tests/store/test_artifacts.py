from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from tilth.errors import ConflictError, NotFoundError, UsageError
from tilth.store import Artifact, Store

A, B = "a" * 64, "b" * 64


def test_the_same_artifact_is_recorded_once(store: Store) -> None:
    first = store.record_artifact("dataset", "census", A, 10, fingerprint="f", properties={"rows": 3})
    assert store.record_artifact("dataset", "census", A, 10) == first
    assert store.artifact(first.id) == first
    others = [
        store.record_artifact("dataset", "census", B, 10),
        store.record_artifact("dataset", "other", A, 10),
        store.record_artifact("file", "census", A, 10),
    ]
    assert len({first.id, *(other.id for other in others)}) == 4
    assert first.created.tzinfo == datetime.UTC


def test_put_again_keeps_the_identity(store: Store, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-7")
    before, after = case["input"]["put"]
    first = store.record_artifact("T", "same", A, 1, properties=before)
    second = store.record_artifact(
        "T", "same", A, 1, properties={name: value for name, value in after.items() if name != "id"}
    )
    assert (second.id == first.id) is case["expected"]["same_id"]
    assert second.properties == {"bar": case["expected"]["bar"], "foo": "id"}
    assert second.kind == "T"
    assert store.artifact(first.id) == second


def test_properties_may_be_added_at_any_time(store: Store, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-5")
    first = store.record_artifact("T", "x", A, 1, properties=dict.fromkeys(case["input"]["stored"]))
    second = store.record_artifact("T", "x", A, 1, properties=dict.fromkeys(case["input"]["put"]))
    assert (second.id, second.kind) == (first.id, first.kind)
    assert sorted(second.properties) == sorted(case["expected"]["properties"])


def test_a_batch_with_a_contradiction_leaves_nothing(store: Store, shared_case: Callable) -> None:
    # Equal names are the versions of one thing here; what cannot be is one digest with two contents.
    case = shared_case("lineage", "lin-3")

    def batch() -> None:
        with store.transaction():
            for size, (kind, name) in enumerate(case["input"]["artifacts"]):
                store.record_artifact(kind, name, A, size)

    with pytest.raises(ConflictError, match=case["expected"]["error"]):
        batch()
    assert len(store.artifacts()) == case["expected"]["stored"]


def test_a_fingerprint_may_come_later_but_not_change(store: Store) -> None:
    store.record_artifact("dataset", "x", A, 1)
    assert store.record_artifact("dataset", "x", A, 1, fingerprint="f").fingerprint == "f"
    with pytest.raises(ConflictError, match=r"'x' .* already exists with another fingerprint"):
        store.record_artifact("dataset", "x", A, 1, fingerprint="g")
    assert store.artifacts()[0].fingerprint == "f"


def test_the_newest_come_first(store: Store, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-8")
    made = [
        store.record_artifact("T", f"artifact {index}", f"{index}" * 64, 1)
        for index in range(case["input"]["artifacts"])
    ]
    found = store.artifacts(limit=case["input"]["limit"])
    assert [made.index(artifact) for artifact in found] == case["expected"]["indices"]


def test_artifacts_are_found_by_kind_name_and_digest(store: Store) -> None:
    def ids(found: tuple[Artifact, ...]) -> list[int]:
        return [artifact.id for artifact in found]

    store.record_artifact("model", "cats", A, 1)
    store.record_artifact("file", "cats", A, 1)
    store.record_artifact("file", "cats", B, 1)
    assert ids(store.artifacts("file")) == [3, 2]
    assert ids(store.artifacts(name="cats", digest=A)) == [2, 1]
    assert ids(store.artifacts("model", "dogs")) == []
    with pytest.raises(NotFoundError, match="there is no artifact 9"):
        store.artifact(9)


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n"])
def test_what_is_no_digest_is_refused(store: Store, digest: str) -> None:
    with pytest.raises(UsageError, match="is not a digest"):
        store.record_artifact("file", "x", digest, 1)


def test_large_numbers_and_all_letters_are_kept(store: Store) -> None:
    properties = {
        "big": 2**62,
        "exact": 0.1,
        "text": "naïve 😀 \"quoted\" 'x' \\ %s :name",
        "empty": {},
        "": [],
    }
    made = store.record_artifact("file", "données/été.csv", A, 2**40, properties=properties)
    assert store.artifact(made.id) == made
    assert store.artifact(made.id).properties == properties
    assert store.artifact(made.id).size == 2**40
