from __future__ import annotations

from collections.abc import Callable

import pytest

from tilth.errors import ConflictError, NotFoundError, UsageError
from tilth.store import Artifact, Event, Store

Make = Callable[..., Artifact]


def test_an_execution_remembers_its_inputs_and_outputs(store: Store, make_artifact: Make) -> None:
    run = store.begin_run("tilth run")
    data, extra, model = make_artifact("data"), make_artifact("extra"), make_artifact("model", "model")
    begun = store.begin_execution(
        run, "train", "key", parameters={"depth": 3}, code_version="abc", inputs={"data": data}
    )
    assert (begun.state, begun.run, begun.parameters, begun.code_version) == (
        "running",
        1,
        {"depth": 3},
        "abc",
    )
    store.add_input(begun, "extra", extra)
    store.add_input(begun, "extra", extra)
    done = store.end_execution(begun, "complete", {"model": model})
    assert store.execution(begun.id) == done
    assert done.duration_s is not None
    assert store.inputs(done) == {"data": data, "extra": extra}
    assert store.outputs(done) == {"model": model}


def test_events_are_seen_from_both_sides(store: Store, make_artifact: Make, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-1")
    execution = store.begin_execution(store.begin_run("run"), case["input"]["execution"], "k")
    artifact = make_artifact(case["input"]["artifact"])
    store.end_execution(execution, "complete", {case["input"]["event"]: artifact})

    def names(events: tuple[Event, ...]) -> list[list[str]]:
        return [[store.execution(e.execution).step, store.artifact(e.artifact).name, e.name] for e in events]

    expected = case["expected"]
    assert [[step, role] for step, _, role in names(store.events(artifact=artifact))] == expected[
        "events_of_A"
    ]
    assert [[name, role] for _, name, role in names(store.events(execution=execution))] == expected[
        "events_of_E"
    ]
    assert {event.role for event in store.events()} == {"output"}


def test_outputs_and_state_are_one_transaction(store: Store, make_artifact: Make) -> None:
    execution = store.begin_execution(store.begin_run("run"), "train", "k")
    lost = Artifact(99, "model", "m", "a" * 64, None, 1, {}, execution.started)
    with pytest.raises(Exception, match=r"record store failed"):
        store.end_execution(execution, "complete", {"first": make_artifact("first"), "lost": lost})
    assert store.execution(execution.id).state == "running"
    assert store.outputs(execution) == {}
    store.end_execution(execution, "complete", {"first": make_artifact("first")})
    assert list(store.outputs(execution)) == ["first"]


def test_names_of_inputs_are_not_taken_twice(store: Store, make_artifact: Make) -> None:
    execution = store.begin_execution(store.begin_run("run"), "train", "k", inputs={"x": make_artifact("a")})
    with pytest.raises(ConflictError, match="execution 1 already has another input named 'x'"):
        store.add_input(execution, "x", make_artifact("b"))
    store.end_execution(execution, "failed", {"x": make_artifact("b")}, error="parity")
    assert store.execution(1).error == "parity"
    assert store.outputs(1) == {"x": make_artifact("b")}


def test_the_same_bytes_may_be_two_outputs(store: Store, make_artifact: Make) -> None:
    execution = store.begin_execution(store.begin_run("run"), "split", "k")
    same = make_artifact("same")
    store.end_execution(execution, "complete", {"dev": same, "test": same})
    assert store.outputs(execution) == {"dev": same, "test": same}


def test_only_complete_executions_are_a_cache(store: Store, make_artifact: Make) -> None:
    run = store.begin_run("run")
    assert store.find_cached("train", "key") is None
    for state in ("failed", "interrupted"):
        store.end_execution(store.begin_execution(run, "train", "key"), state)  # type: ignore[arg-type]
    store.begin_execution(run, "train", "key")
    store.end_execution(store.begin_execution(run, "other", "key"), "complete")
    store.end_execution(store.begin_execution(run, "train", "other"), "complete")
    assert store.find_cached("train", "key") is None
    older = store.end_execution(store.begin_execution(run, "train", "key"), "complete")
    assert store.find_cached("train", "key") == older
    newer = store.end_execution(store.begin_execution(run, "train", "key"), "complete")
    assert store.find_cached("train", "key") == newer


def test_a_skipped_execution_stands_for_the_one_that_it_reuses(store: Store, make_artifact: Make) -> None:
    first = store.begin_execution(
        store.begin_run("run"), "train", "key", inputs={"data": make_artifact("data")}
    )
    with pytest.raises(ConflictError, match="cannot be reused: it is running"):
        store.skip_execution(1, first)
    store.end_execution(first, "complete", {"model": make_artifact("model")})
    second = store.begin_run("run")
    skipped = store.skip_execution(second, first)
    assert (skipped.state, skipped.run, skipped.step, skipped.reused) == ("skipped", 2, "train", first.id)
    assert skipped.finished is not None
    assert store.inputs(skipped) == store.inputs(first)
    assert store.outputs(skipped) == store.outputs(first)
    assert store.find_cached("train", "key") == store.execution(first.id)
    with pytest.raises(ConflictError, match="already ended"):
        store.end_execution(skipped, "complete")


def test_executions_are_listed_in_order(store: Store) -> None:
    one, two = store.begin_run("run"), store.begin_run("run")
    made = [store.begin_execution(run, step, "k") for run in (one, two) for step in ("a", "b")]
    store.end_execution(made[0], "complete")
    assert [each.id for each in store.executions()] == [1, 2, 3, 4]
    assert [each.step for each in store.executions(one)] == ["a", "b"]
    assert [each.id for each in store.executions(limit=2)] == [3, 4]
    assert [each.id for each in store.executions(step="a", state="running")] == [3]


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(NotFoundError, match="there is no run 5"):
        store.begin_execution(5, "train", "k")
    with pytest.raises(NotFoundError, match="there is no execution 5"):
        store.end_execution(5, "complete")
    with pytest.raises(NotFoundError, match="there is no execution 5"):
        store.outputs(5)
    execution = store.begin_execution(store.begin_run("run"), "train", "k")
    with pytest.raises(NotFoundError, match="there is no artifact 5"):
        store.add_input(execution, "x", 5)
    with pytest.raises(UsageError, match="nothing can end as 'skipped'"):
        store.end_execution(execution, "skipped")
