"""Versions of a model: registered, promoted, rolled back; where they come from and what came of a file."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from tilth.errors import NotFoundError, TilthError, UsageError
from tilth.pipelines import (
    RunReport,
    StepReport,
    Trace,
    project_status,
    promote,
    rollback,
    run_pipeline,
    trace,
)
from tilth.projects import Project
from tilth.store import LineageGraph, digest_of_file


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run(project: Project) -> RunReport:
    return run_pipeline(project, Silent())


def with_trees(project: Project, trees: int) -> Project:
    """The same project with another number of trees, so that the next run makes another version."""
    path = project.directory / "tilth.toml"
    before, _, after = path.read_text().partition("n_estimators = ")
    path.write_text(f"{before}n_estimators = {trees}{after[after.index(' }') :]}")
    return Project.load(project.directory)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions 1 (the champion), 2 and 3 (the challenger)."""
    project = hurried_project(tmp_path_factory.mktemp("trained"), rows=300)
    for trees in (20, 8, 14):
        assert run(with_trees(project, trees)).failure is None
    return project.directory


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    shutil.copytree(trained, tmp_path / "project")
    return Project.load(tmp_path / "project")


def aliases(project: Project) -> dict[str, int]:
    with project.store() as store:
        return store.aliases(project.name)


def versions(project: Project) -> list[int]:
    with project.store() as store:
        return [version.version for version in store.model_versions(project.name)]


def test_the_first_is_the_champion_and_a_later_one_the_challenger(project: Project) -> None:
    assert versions(project) == [3, 2, 1]
    assert aliases(project) == {"challenger": 3, "champion": 1}


def test_the_same_model_again_is_no_new_version(project: Project) -> None:
    report = run(project)
    assert report.steps[-1].state == "skipped"
    assert report.steps[-1].summary == "customers@3 is the challenger already"
    assert versions(project) == [3, 2, 1]


def test_an_earlier_model_again_is_found_again(project: Project) -> None:
    report = run(with_trees(project, 8))
    assert report.steps[-1].summary.startswith("customers@2 is the challenger")
    assert versions(project) == [3, 2, 1]
    assert aliases(project) == {"challenger": 2, "champion": 1}


def test_a_version_knows_what_it_came_with(project: Project) -> None:
    with project.store() as store:
        version = store.model_version(project.name, 3)
    artifacts = project.artifacts()
    evaluation = json.loads(artifacts.read_bytes(str(version.properties["evaluation"]), ".json"))
    assert evaluation["test"]["rows"] in (59, 60, 61)
    assert version.properties["label"] == {"task": "binary", "classes": ["no", "yes"], "positive": "yes"}
    for name, suffix in {
        "reference": ".json",
        "reference_predictions": ".json",
        "schema": ".toml",
        "dataset": ".parquet",
        "split": ".parquet",
    }.items():
        assert artifacts.path(str(version.properties[name]), suffix).exists()


def test_promote_takes_the_challenger(project: Project) -> None:
    release = promote(project)
    assert (release.model.reference, release.notes) == ("customers@3", ())
    assert aliases(project) == {"champion": 3}


@pytest.mark.parametrize("reference", ["2", "customers@2"])
def test_promote_takes_any_version_and_leaves_the_challenger(project: Project, reference: str) -> None:
    assert promote(project, reference).model.version == 2
    assert aliases(project) == {"challenger": 3, "champion": 2}


def test_promote_by_alias(project: Project) -> None:
    assert promote(project, "customers@challenger").model.version == 3
    assert aliases(project) == {"champion": 3}


def test_the_reason_is_kept(project: Project) -> None:
    promote(project, "2", why="better on the newest rows")
    rollback(project, why="it was slow")
    with project.store() as store:
        history = store.alias_history(project.name, "champion")
    assert [(change.version, change.previous) for change in history] == [(1, None), (2, 1), (1, 2)]
    assert [change.why for change in history] == [
        "run 1",
        "better on the newest rows",
        "rollback: it was slow",
    ]
    assert all(change.who for change in history)


@pytest.mark.parametrize(
    ("reference", "kind", "words"),
    [
        ("1", UsageError, "customers@1 is the champion already"),
        ("customers@champion", UsageError, "customers@1 is the champion already"),
        ("other@2", UsageError, "not a version of this project's model 'customers'"),
        ("9", NotFoundError, "there is no version 9"),
        ("0", NotFoundError, "there is no version 0"),
        ("99999999999999999999", NotFoundError, "there is no version"),
        ("chalenger", NotFoundError, "did you mean 'challenger'?"),
        ("customers@", NotFoundError, "no alias"),
        ("²", NotFoundError, "²"),
        ("-1", NotFoundError, "-1"),
    ],
)
def test_what_cannot_be_promoted_changes_nothing(
    project: Project, reference: str, kind: type[TilthError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        promote(project, reference)
    assert words in str(caught.value)
    assert aliases(project) == {"challenger": 3, "champion": 1}


def test_without_a_challenger_there_is_nothing_to_promote(project: Project) -> None:
    promote(project)
    with pytest.raises(NotFoundError, match="no alias 'challenger'"):
        promote(project)


def test_before_the_first_run_there_is_nothing_to_promote_or_roll_back(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=60)
    with pytest.raises(NotFoundError):
        promote(project)
    with pytest.raises(UsageError, match="nothing to roll back to"):
        rollback(project)


def test_several_rollbacks_go_back_one_champion_each(project: Project) -> None:
    promote(project, "2")
    promote(project, "3")
    assert rollback(project).model.version == 2
    assert rollback(project).model.version == 1
    with pytest.raises(UsageError, match="nothing to roll back to"):
        rollback(project)
    assert aliases(project)["champion"] == 1


def test_a_promotion_after_a_rollback_is_gone_back_from_too(project: Project) -> None:
    promote(project, "2")
    rollback(project)
    promote(project, "3")
    assert rollback(project).model.version == 1
    with pytest.raises(UsageError, match="nothing to roll back to"):
        rollback(project)


def test_a_champion_may_come_back_and_is_gone_back_from_in_order(project: Project) -> None:
    for reference in ("2", "3", "2"):
        promote(project, reference)
    assert [rollback(project).model.version for _ in range(3)] == [3, 2, 1]


def test_a_reason_that_speaks_of_a_rollback_makes_it_none(project: Project) -> None:
    promote(project, "2", why="rollback of yesterday's change is not needed")
    promote(project, "3", why="rollback: no")
    assert [rollback(project).model.version for _ in range(2)] == [2, 1]


def test_the_first_rollback_without_a_predecessor_changes_nothing(project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        rollback(project)
    assert caught.value.where == "model 'customers'"
    assert aliases(project) == {"challenger": 3, "champion": 1}


def test_what_was_rolled_back_is_judged_against_the_champion_again(project: Project) -> None:
    promote(project)
    rollback(project)
    report = run(project)
    assert report.failure is None
    assert report.steps[-1].summary == "customers@3 is the challenger; tilth promote makes it the champion"
    assert aliases(project) == {"challenger": 3, "champion": 1}


def curate(project: Project) -> Project:
    """The same project after a person has allowed one more plan."""
    path = project.schema_path
    text = path.read_text()
    assert '"basic", "plus", "pro"' in text
    path.write_text(text.replace('"basic", "plus", "pro"', '"basic", "gold", "plus", "pro"'))
    return Project.load(project.directory)


def served_schema(project: Project) -> str:
    """The schema that the server and the monitor find with the champion."""
    with project.store() as store:
        champion = store.model_version(project.name, "champion")
    return project.artifacts().read_bytes(str(champion.properties["schema"]), ".toml").decode()


def test_a_curated_schema_reaches_the_champion_with_the_next_run(project: Project) -> None:
    first = with_trees(project, 20)
    report = run(curate(first))
    assert report.steps[-1].state == "complete"
    assert report.steps[-1].summary == (
        "customers@4, the graph of customers@1 with new schema or reference, is the champion"
    )
    assert aliases(project) == {"challenger": 3, "champion": 4}
    assert "gold" in served_schema(project)
    with project.store() as store:
        old, new = (store.model_version(project.name, number) for number in (1, 4))
        change = store.alias_history(project.name, "champion")[-1]
    assert old.artifact == new.artifact
    assert (change.kind, change.why) == ("register", "same graph, new schema or reference")

    again = run(as_it_is(project))
    assert (again.steps[-1].state, again.steps[-1].summary) == (
        "skipped",
        "customers@4 is the champion already",
    )
    assert versions(project) == [4, 3, 2, 1]


def as_it_is(project: Project) -> Project:
    """The project as its files say by now."""
    return Project.load(project.directory)


def test_the_monitor_knows_the_curated_schema(project: Project) -> None:
    from tilth.pipelines import monitor
    from tilth.tables import Prediction, PredictionLog
    from tilth.types import utc_now

    def serve(version: int) -> set[str]:
        row = {"income": 50.0, "age": 40, "plan": "gold"}
        scores = {"no": 0.3, "yes": 0.7}
        made = Prediction("", utc_now(), project.name, version, "live", row, "yes", scores, 0.001)
        log = PredictionLog(project.predictions)
        log.append([made] * 40)
        log.close()
        return {anomaly.kind for anomaly in monitor(Project.load(project.directory)).anomalies}

    assert "unexpected_values" in serve(1)
    run(curate(with_trees(project, 20)))
    assert "unexpected_values" not in serve(4)


def test_missing_texts_belong_to_a_version(project: Project) -> None:
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text().replace('missing = ["?"]', 'missing = ["?", "nothing"]'))
    run(with_trees(project, 20))
    assert aliases(project)["champion"] == 4
    with project.store() as store:
        assert store.model_version(project.name, 1).properties["missing"] == ["?"]
        assert store.model_version(project.name, 4).properties["missing"] == ["?", "nothing"]


def test_whom_a_model_was_compared_with_makes_no_other_version(project: Project) -> None:
    """Promoted, the model is evaluated without a champion to meet; it is the same version all the same."""
    promote(project)
    report = run(project)
    assert (report.steps[-1].state, report.steps[-1].summary) == (
        "skipped",
        "customers@3 is the champion already",
    )
    promote(project, "2")
    assert run(project).steps[-1].summary.startswith("customers@3 is the challenger")
    assert versions(project) == [3, 2, 1]


def test_a_rollback_leads_to_the_schema_of_before_too(project: Project) -> None:
    run(curate(with_trees(project, 20)))
    promote(project)
    assert [rollback(project).model.version for _ in range(2)] == [4, 1]
    assert "gold" not in served_schema(project)
    assert run(as_it_is(project)).steps[-1].summary.startswith("customers@4, the graph of customers@1 with")
    assert rollback(project).model.version == 1
    with pytest.raises(UsageError, match="nothing to roll back to"):
        rollback(project)


def test_moves_are_recorded_by_kind(project: Project) -> None:
    promote(project, "2", why="rollback of the rollback")
    assert rollback(project).model.version == 1
    promote(project, "3", why="rollback: no")
    with project.store() as store:
        kinds = [change.kind for change in store.alias_history(project.name, "champion")]
        assert [c.kind for c in store.alias_history(project.name, "challenger")][-1] == "remove"
    assert kinds == ["register", "promote", "rollback", "promote"]
    assert rollback(project).model.version == 1


def test_of_two_first_models_at_once_one_is_the_champion(tmp_path: Path) -> None:
    from tilth.pipelines.release import register

    project = hurried_project(tmp_path, rows=60)
    with project.store() as store:
        made = [store.record_artifact("model", "model", letter * 64, 1) for letter in "ab"]
        runs = [store.begin_run("run") for _ in made]
        both_look = threading.Barrier(2)
        see = store.aliases

        def slowly(name: str) -> dict[str, int]:
            seen = see(name)
            with contextlib.suppress(threading.BrokenBarrierError):
                both_look.wait(0.3)
            return seen

        store.aliases = slowly  # type: ignore[method-assign]

        def register_one(number: int) -> None:
            register(project, store, runs[number], {"model": made[number]}, {})

        workers = [threading.Thread(target=register_one, args=(number,)) for number in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert set(see(project.name)) == {"champion", "challenger"}
        assert len(store.alias_history(project.name, "champion")) == 1


def models(graph: LineageGraph | None) -> set[int]:
    assert graph is not None
    return {model.version for model in graph.models}


def steps(graph: LineageGraph | None) -> set[str]:
    assert graph is not None
    return {execution.step for execution in graph.executions}


def names(graph: LineageGraph | None) -> set[str]:
    assert graph is not None
    return {Path(artifact.name).name for artifact in graph.artifacts}


def test_which_models_used_this_file(project: Project) -> None:
    """The block list had wrong entries: which data sets and models used it?"""
    found = trace(project, str(project.directory / "customers.csv"), upstream=False)
    assert found.upstream is None
    assert models(found.downstream) == {1, 2, 3}
    assert {"dataset", "profile", "split", "transform", "model", "evaluation"} <= names(found.downstream)


def test_a_model_of_other_data_did_not_use_the_file(project: Project) -> None:
    """Not even though both data sets hold to the same schema: equal by-products are no common origin."""
    data = project.directory / "customers.csv"
    old = shutil.copy(data, project.directory / "as_it_was.csv")
    write_customers(data, 300, seed=4)
    assert run(project).steps[-1].summary.startswith("customers@4 is the challenger")
    assert models(trace(project, str(data)).downstream) == {4}
    assert models(trace(project, str(old)).downstream) == {1, 2, 3}


def test_a_model_of_other_data_was_not_made_from_the_file(project: Project) -> None:
    data = project.directory / "customers.csv"
    old = digest_of_file(data)
    write_customers(data, 300, seed=4)
    assert run(project).failure is None
    upstream = trace(project, "customers@4", downstream=False).upstream
    assert upstream is not None
    used = {artifact.digest for artifact in upstream.artifacts if artifact.kind == "file"}
    assert digest_of_file(data) in used
    assert old not in used


def test_a_corrected_file_still_leads_to_what_used_the_wrong_one(
    project: Project, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known by its path after its contents changed, from any folder."""
    data = project.directory / "customers.csv"
    with project.store() as store, store.transaction():
        (recorded,) = store.artifacts("file", str(trained / "customers.csv"))
    data.write_text(data.read_text() + "50.0,40,basic,no\n")
    monkeypatch.chdir(project.directory)
    assert recorded.name.endswith("customers.csv")
    assert models(trace(project, recorded.name).downstream) == {1, 2, 3}


def test_what_made_this_model(project: Project) -> None:
    found = trace(project, "customers@3", downstream=False)
    assert found.downstream is None
    assert {"ingest", "profile", "schema", "validate", "split", "transform", "train"} <= steps(found.upstream)
    assert {"customers.csv", "features.py", "schema.toml"} <= names(found.upstream)


@pytest.mark.parametrize("reference", ["customers@champion", "champion", "customers@1"])
def test_a_model_is_found_by_version_or_alias(project: Project, reference: str) -> None:
    found = trace(project, reference, downstream=False)
    assert models(found.upstream) == {1}


def test_a_run_leads_to_what_it_made(project: Project) -> None:
    downstream = trace(project, "run:2").downstream
    assert 2 in models(downstream)
    assert "train" in steps(downstream)


def test_a_file_that_no_run_has_read(project: Project) -> None:
    stranger = write_customers(project.directory / "stranger.csv", 20, seed=9)
    with pytest.raises(NotFoundError, match=r"no run has read the file .*stranger\.csv"):
        trace(project, str(stranger))


@pytest.mark.parametrize("reference", ["nothing", "customers@9", "run:99", "", "@", "a@b@c"])
def test_what_is_not_recorded_is_said_not_to_be(project: Project, reference: str) -> None:
    with pytest.raises(TilthError) as caught:
        trace(project, reference)
    assert caught.value.exit_status == 2


def test_the_lineage_in_words_and_as_json(project: Project) -> None:
    found: Trace = trace(project, "customers@3")
    lines = found.report().splitlines()
    assert lines[0] == "customers@3 was made from:"
    assert any(line.split()[0] == "train" and "customers@3" in line for line in lines[1:])
    assert "customers@3 was made into:" in lines
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["reference"] == "customers@3"
    for direction in ("upstream", "downstream"):
        assert document[direction]["direction"] == direction
        ids = {artifact["id"] for artifact in document[direction]["artifacts"]}
        assert {event["artifact"] for event in document[direction]["events"]} <= ids


def test_the_status_of_a_new_project(tmp_path: Path) -> None:
    found = project_status(hurried_project(tmp_path, rows=60))
    lines = found.report().splitlines()
    assert lines[0].split() == ["project", "customers"]
    assert "models      none yet: tilth run" in lines
    assert "monitoring  not yet: tilth monitor" in lines
    assert found.to_json() == {
        "project": "customers",
        "dataset": None,
        "last_run": None,
        "models": [],
        "outcomes": 0,
        "monitoring": None,
    }


def test_the_status_shows_versions_with_their_metric_and_aliases(project: Project) -> None:
    document = json.loads(json.dumps(project_status(project).to_json(), allow_nan=False))
    assert [(m["model"], m["aliases"]) for m in document["models"]] == [
        ("customers@3", ["challenger"]),
        ("customers@2", []),
        ("customers@1", ["champion"]),
    ]
    for model in document["models"]:
        name, value = model["metric"].split()
        assert name == "auroc"
        assert 0.5 < float(value) <= 1
    assert document["dataset"]["rows"] == 300
    assert document["last_run"]["state"] == "complete"
    assert document["last_run"]["run"] == 3
    text = project_status(project).report()
    assert "300 rows" in text
    assert "champion" in text


def test_the_status_tells_of_a_failed_run(project: Project) -> None:
    data = project.directory / "customers.csv"
    data.write_text(data.read_text().replace(",pro,", ",gold,"))
    assert run(project).failure is not None
    found = project_status(project)
    assert found.last_run is not None
    assert found.last_run.state == "failed"
    assert "failed" in found.report()
    assert "does not hold to the schema" in found.report()
    assert len(found.report().splitlines()) < 24
