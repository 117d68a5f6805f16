from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import NotFoundError, UsageError
from tilth.store import Artifact, Execution, LineageGraph, Store

Make = Callable[..., Artifact]


def act(store: Store, step: str, inputs: dict[str, Artifact], outputs: dict[str, Artifact]) -> Execution:
    """One execution in a run of its own."""
    execution = store.begin_execution(store.begin_run("run"), step, step, inputs=inputs)
    return store.end_execution(execution, "complete", outputs)


def names(graph: LineageGraph) -> list[str]:
    return [artifact.name for artifact in graph.artifacts]


def test_directions(store: Store, make_artifact: Make, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-11")
    execution = act(store, "E", {"in": make_artifact("in")}, {"out": make_artifact("out")})
    for direction, expected in case["expected"].items():
        graph = store.lineage(execution, direction, case["input"]["hops"])
        assert names(graph) == expected["artifacts"]
        assert len(graph.events) == expected["events"]
        assert graph.executions == (execution,)


def test_the_provenance_question(store: Store, make_artifact: Make, shared_case: Callable) -> None:
    case = shared_case("lineage", "lin-15")
    examples = make_artifact("Examples", "Examples")
    statistics = make_artifact("Statistics", "ExampleStatistics")
    schemas = {number: make_artifact(f"Schema {number}", "Schema") for number in (4, 5, 11, 13)}
    anomalies = make_artifact("Anomalies", "ExampleAnomalies")
    graph = make_artifact("TransformGraph", "TransformGraph")
    cache = make_artifact("TransformCache", "TransformCache")
    act(store, "import data", {}, {"examples": examples})
    act(store, "statistics", {"examples": examples}, {"statistics": statistics})
    act(store, "infer schema", {"statistics": statistics}, {"schema": schemas[4]})
    act(store, "import curated schema", {}, {"schema": schemas[5]})
    act(store, "validate", {"statistics": statistics, "schema": schemas[5]}, {"anomalies": anomalies})
    made = {"graph": graph, "cache": cache, "pre": schemas[11], "post": schemas[13]}
    act(store, "transform", {"examples": examples, "schema": schemas[4]}, made)

    parents = [name for name in names(store.lineage(graph, "upstream", 2)) if name != "TransformGraph"]
    assert sorted(parents) == sorted(case["expected"]["parents_of_TransformGraph"])
    assert len(store.artifacts("Schema")) == case["expected"]["number_of_Schema_artifacts"]
    assert sorted(store.overview().artifacts) == sorted(case["expected"]["types"])
    # the curated schema went nowhere but into the validation: what lineage is there to show
    assert sorted(names(store.lineage(schemas[5], "downstream"))) == ["Anomalies", "Schema 5"]
    assert "Schema 5" not in names(store.lineage(graph, "upstream"))


def test_a_wrong_block_list_is_followed_to_the_models(store: Store, make_artifact: Make) -> None:
    block, mails = make_artifact("block.txt", "file"), make_artifact("mails.csv", "file")
    clean, other = make_artifact("clean"), make_artifact("other")
    spam, spam_too, ham = (make_artifact(name, "model") for name in ("spam", "spam too", "ham"))
    act(store, "filter", {"mails": mails, "block": block}, {"clean": clean})
    act(store, "train", {"data": clean}, {"model": spam, "second": spam_too})
    act(store, "ingest", {"mails": mails}, {"other": other})
    act(store, "train", {"data": other}, {"model": ham})
    versions = [store.register_model(name, model) for name, model in (("spam", spam), ("spam", spam_too))]
    store.register_model("ham", ham)
    reached = store.lineage(block, "downstream")
    assert names(reached) == ["block.txt", "clean", "spam", "spam too"]
    assert reached.models == tuple(versions)
    assert reached.outputs(reached.executions[-1]) == {"model": spam, "second": spam_too}
    back = store.lineage(versions[0], "upstream")
    assert names(back) == ["block.txt", "mails.csv", "clean", "spam"]
    assert back.inputs(back.executions[0]) == {"block": block, "mails": mails}


def test_a_run_starts_from_its_executions_and_those_that_it_reused(store: Store, make_artifact: Make) -> None:
    data, model = make_artifact("data"), make_artifact("model", "model")
    first = act(store, "train", {"data": data}, {"model": model})
    run = store.begin_run("run")
    skipped = store.skip_execution(run, first)
    for start in (run, skipped, first):
        graph = store.lineage(start, "upstream")
        assert names(graph) == ["data"]
        assert graph.executions == (first,)
        assert graph.start == (start,)
    assert store.lineage(store.begin_run("empty"), "upstream").artifacts == ()


def test_equal_by_products_are_no_common_origin(store: Store, make_artifact: Make) -> None:
    """Two runs over different data both find nothing wrong; neither model was made from the other's data."""
    nothing_wrong = make_artifact("anomalies")
    data = [make_artifact(f"data {number}", "file") for number in range(2)]
    models = [make_artifact(f"model {number}", "model") for number in range(2)]
    validated: list[Execution] = []
    for number in range(2):
        run = store.begin_run("run")
        validate = store.begin_execution(run, "validate", f"{number}", inputs={"data": data[number]})
        validated.append(store.end_execution(validate, "complete", {"anomalies": nothing_wrong}))
        inputs = {"data": data[number], "anomalies": nothing_wrong}
        train = store.begin_execution(run, "train", f"{number}", inputs=inputs)
        store.end_execution(train, "complete", {"model": models[number]})
    for number in range(2):
        mine = ["anomalies", f"data {number}", f"model {number}"]
        assert sorted(names(store.lineage(models[number], "upstream"))) == mine
        assert sorted(names(store.lineage(data[number], "downstream"))) == mine
        assert sorted(names(store.lineage(data[number], "downstream", 4))) == mine
        assert len(store.lineage(data[number], "downstream").events) == 5
    # What only reuses the step has its makers too.
    third = make_artifact("model 2", "model")
    run = store.begin_run("run")
    store.skip_execution(run, validated[1])
    train = store.begin_execution(run, "train", "2", inputs={"anomalies": nothing_wrong})
    store.end_execution(train, "complete", {"model": third})
    assert sorted(names(store.lineage(third, "upstream"))) == ["anomalies", "data 1", "model 2"]
    assert len(store.lineage(nothing_wrong, "downstream").executions) == 3, (
        "asked for itself, all that read it"
    )


def test_a_circle_ends(store: Store, make_artifact: Make) -> None:
    # A step that changes nothing gives back its own input, content being the name.
    data, more = make_artifact("data"), make_artifact("more")
    act(store, "clean", {"data": data}, {"data": data})
    act(store, "join", {"data": data}, {"more": more})
    act(store, "back", {"more": more}, {"data": data})
    for direction in ("upstream", "downstream"):
        assert names(store.lineage(more, direction)) == ["data", "more"]  # type: ignore[arg-type]
        assert names(store.lineage(more, direction, 99)) == ["data", "more"]  # type: ignore[arg-type]


def test_several_starts_and_none(store: Store, make_artifact: Make) -> None:
    parts = [make_artifact(f"part {number}") for number in range(3)]
    whole = make_artifact("whole")
    act(store, "join", dict(zip("abc", parts, strict=True)), {"whole": whole})
    graph = store.lineage([parts[0], parts[1].id], "downstream")
    assert names(graph) == ["part 0", "part 1", "whole"]
    assert [event.artifact for event in graph.events] == [parts[0].id, parts[1].id, whole.id]
    assert store.lineage([], "downstream").artifacts == ()
    assert names(store.lineage(whole, "upstream", 0)) == ["whole"]
    assert names(store.lineage(whole, "upstream", 1)) == ["whole"]
    with pytest.raises(NotFoundError, match="there is no artifact 77"):
        store.lineage(77, "upstream")
    with pytest.raises(UsageError, match="'sideways' is not a direction"):
        store.lineage(whole, "sideways")  # type: ignore[arg-type]


def test_the_graph_as_json(store: Store, make_artifact: Make) -> None:
    model = make_artifact("model", "model", properties={"rows": 3})
    act(store, "train", {"data": make_artifact("data")}, {"model": model})
    version = store.register_model("cats", model)
    document: dict[str, Any] = store.lineage(version, "upstream").to_json()
    assert document["start"] == ["cats@1"]
    assert [artifact["name"] for artifact in document["artifacts"]] == ["model", "data"]
    assert document["events"] == [
        {"execution": 1, "artifact": 2, "role": "input", "name": "data"},
        {"execution": 1, "artifact": 1, "role": "output", "name": "model"},
    ]
    assert document["models"] == [{"name": "cats", "version": 1, "artifact": 1, "run": None}]
    assert document["executions"][0]["step"] == "train"


def reachable(
    graph: list[tuple[set[int], set[int]]], start: int, direction: str, hops: int | None
) -> tuple[set[int], set[int]]:
    """The plain way: breadth first over acts, each a pair of the inputs and the outputs."""
    artifacts, acts = {start}, set()
    edge: set[tuple[str, int]] = {("artifact", start)}
    step = 0
    while edge and (hops is None or step < hops):
        step += 1
        following: set[tuple[str, int]] = set()
        for what, number in edge:
            for index, (inputs, outputs) in enumerate(graph):
                near, far = (outputs, inputs) if direction == "upstream" else (inputs, outputs)
                if what == "artifact" and number in near and index not in acts:
                    following.add(("act", index))
                if what == "act" and number == index:
                    following.update(("artifact", each) for each in far - artifacts)
        acts.update(number for what, number in following if what == "act")
        artifacts.update(number for what, number in following if what == "artifact")
        edge = following
    return artifacts, acts


@settings(max_examples=60, deadline=None)
@given(
    graph=st.lists(
        st.tuples(st.sets(st.integers(0, 7), max_size=3), st.sets(st.integers(0, 7), max_size=3)), max_size=8
    ),
    start=st.integers(0, 7),
    direction=st.sampled_from(["upstream", "downstream"]),
    hops=st.none() | st.integers(0, 6),
)
def test_lineage_is_what_the_plain_way_finds(
    graph: list[tuple[set[int], set[int]]], start: int, direction: Any, hops: int | None
) -> None:
    with Store.open(":memory:") as store, store.transaction():
        made = [
            store.record_artifact("T", str(n), hashlib.sha256(bytes([n])).hexdigest(), 1) for n in range(8)
        ]
        acts = [
            act(store, "step", {str(n): made[n] for n in inputs}, {str(n): made[n] for n in outputs})
            for inputs, outputs in graph
        ]
        found = store.lineage(made[start], direction, hops)
    artifacts, executions = reachable(graph, start, direction, hops)
    assert {int(artifact.name) for artifact in found.artifacts} == artifacts
    assert set(found.executions) == {acts[index] for index in executions}
