"""What was served and what came of it: watched, version by version, and learned from."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from project_factory import hurried_project, write_customers
from tilth.errors import NotFoundError
from tilth.monitoring import Monitoring
from tilth.pipelines import (
    RunReport,
    StepReport,
    monitor,
    predict_table,
    project_status,
    promote,
    rollback,
    run_pipeline,
    trace,
)
from tilth.profiles import Profile
from tilth.projects import Project, initialize
from tilth.tables import FeedbackLog, Label, Prediction, PredictionLog, open_table
from tilth.types import JSONObject

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run(project: Project, *, with_feedback: bool = False) -> RunReport:
    return run_pipeline(project, Silent(), with_feedback=with_feedback)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions 1 (the champion) and 2 (the challenger)."""
    project = hurried_project(tmp_path_factory.mktemp("trained"), rows=600)
    assert run(project).failure is None
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text().replace("n_estimators = 20", "n_estimators = 6"))
    assert run(Project.load(project.directory)).failure is None
    return project.directory


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    shutil.copytree(trained, tmp_path / "project")
    return Project.load(tmp_path / "project")


def edit(project: Project, old: str, new: str) -> Project:
    path = project.directory / "tilth.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return Project.load(project.directory)


def serve(
    project: Project,
    rows: int,
    *,
    seed: int = 7,
    shift: float = 0.0,
    version: int = 1,
    minutes: int = 0,
    tell: Callable[[int, str], Label | None] = lambda _, truth: truth,
) -> list[str]:
    """Answer new customers as the server does: the model's own graph, both logs. `tell` gives the outcome."""
    data = write_customers(project.directory / "live.csv", rows, seed=seed, shift=shift)
    answered = project.directory / "answers.parquet"
    predict_table(project, str(data), answered, reference=str(version))
    made: list[Prediction] = []
    truth: list[str] = []
    for i, row in enumerate(open_table(str(answered)).to_arrow().to_pylist()):
        yes = row["tilth.positive"]
        time = NOON + datetime.timedelta(minutes=minutes, seconds=i)
        inputs: JSONObject = {name: row[name] for name in ("income", "age", "plan")}
        scores = {"no": 1 - yes, "yes": yes}
        made.append(
            Prediction("", time, project.name, version, "live", inputs, row["tilth.label"], scores, 0.001)
        )
        truth.append(row["bought"])
    log, told = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    ids = log.append(made)
    for i, (identity, real) in enumerate(zip(ids, truth, strict=True)):
        outcome = tell(i, real)
        if outcome is not None:
            told.append(identity, outcome, NOON + datetime.timedelta(hours=1))
    log.close()
    told.close()
    return ids


def never(_: int, truth: str) -> None:
    """No outcome comes back."""


def wrong(_: int, truth: str) -> str:
    """The world turned: what was bought is not any more."""
    return "no" if truth == "yes" else "yes"


def rings(found: Monitoring) -> list[str]:
    return [alarm.check.metric for alarm in found.alarms]


def test_a_project_without_a_champion_has_nothing_to_watch(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        monitor(hurried_project(tmp_path, rows=60))
    assert "has no champion" in str(caught.value)
    assert caught.value.mend == "make one with: tilth run"


def test_before_anything_was_served_every_check_waits(project: Project) -> None:
    found = monitor(project)
    assert (found.rows, found.outcomes, found.verdicts) == (0, 0, ())
    assert len(found.waiting) == 4
    assert "quiet" not in project_status(project).report()


def test_customers_like_before_are_quiet(project: Project) -> None:
    serve(project, 300)
    found = monitor(project)
    assert rings(found) == []
    assert (found.model, found.rows, found.outcomes, found.waiting) == ("customers@1", 300, 300, ())
    assert list(found.inputs.columns) == ["income", "age", "plan"]
    assert found.performance is not None
    assert found.performance["accuracy"].value is not None
    assert found.confidence is not None
    assert 0.5 <= found.confidence <= 1


def test_richer_customers_ring_and_the_column_is_named(project: Project) -> None:
    serve(project, 300, shift=15.0, tell=never)
    found = monitor(project)
    assert found.inputs.drifted == ("income",)
    assert "drifted_columns" in rings(found)
    assert "drifted_predictions" in rings(found)
    assert found.performance is None
    assert [check.metric for check, _ in found.waiting] == ["error_rate"]


def test_outcomes_that_turned_ring_though_nothing_drifted(project: Project) -> None:
    serve(project, 300, tell=wrong)
    found = monitor(project)
    assert rings(found) == ["error_rate"]
    assert found.inputs.drifted == ()


def test_the_performance_is_that_of_the_answers_given(project: Project) -> None:
    serve(project, 200, tell=lambda i, truth: truth if i % 2 else None)
    found = monitor(project)
    rows = open_table(str(project.directory / "answers.parquet")).to_arrow().to_pylist()
    known = rows[1::2]
    right = sum(row["tilth.label"] == row["bought"] for row in known) / len(known)
    assert found.outcomes == 100
    assert found.performance is not None
    assert found.performance["accuracy"].value == pytest.approx(right)


def test_few_outcomes_do_not_ring(project: Project) -> None:
    serve(project, 300, tell=lambda i, truth: wrong(i, truth) if i < 29 else None)
    found = monitor(project)
    assert found.outcomes == 29
    assert rings(found) == []
    assert [check.metric for check, _ in found.waiting] == ["error_rate"]


def test_a_value_never_seen_is_an_alarm(project: Project) -> None:
    serve(project, 100)
    made = Prediction(
        "",
        NOON,
        project.name,
        1,
        "live",
        {"income": 50.0, "age": 40, "plan": "gold"},
        "no",
        {"no": 1.0, "yes": 0.0},
        0.001,
    )
    log = PredictionLog(project.predictions)
    log.append([made])
    log.close()
    found = monitor(project)
    assert rings(found) == ["anomalies"]
    assert "gold" in found.report()


def test_only_the_newest_window_is_looked_at(project: Project) -> None:
    serve(project, 300, shift=15.0, tell=never)
    serve(project, 200, seed=8, minutes=60, tell=never)
    narrow = edit(project, "window = 1000", "window = 200")
    found = monitor(narrow)
    assert found.rows == 200
    assert rings(found) == []
    assert rings(monitor(edit(narrow, "window = 200", "window = 400"))) != []


def test_the_window_goes_by_time_not_by_the_order_of_writing(project: Project) -> None:
    serve(project, 200, seed=8, minutes=60, tell=never)
    serve(project, 300, shift=15.0, tell=never)
    assert rings(monitor(edit(project, "window = 1000", "window = 200"))) == []


def write(project: Project, *made: Prediction, outcomes: Sequence[Label] = ()) -> list[str]:
    """Predictions of one request, and what came of the first of them."""
    log, told = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    ids = log.append(made)
    for identity, outcome in zip(ids, outcomes, strict=False):
        told.append(identity, outcome, NOON)
    log.close()
    told.close()
    return ids


def answered(project: Project, plan: str, *, model: str | None = None) -> Prediction:
    inputs: JSONObject = {"income": 50.0, "age": 40, "plan": plan}
    scores = {"no": 0.75, "yes": 0.25}
    return Prediction("", NOON, model or project.name, 1, "live", inputs, "no", scores, 0.001)


def test_the_newest_rows_of_one_request_are_its_last(project: Project) -> None:
    """All have the same time, and their ids end in hexadecimal digits without leading zeros."""
    write(project, *[answered(project, "gold")] * 60, *[answered(project, "pro")] * 40)
    narrow = edit(project, "window = 1000", "window = 40")
    assert monitor(narrow).anomalies == ()
    later = NOON + datetime.timedelta(seconds=1)
    write(project, replace(answered(project, "gold"), time=later))
    assert monitor(narrow).anomalies != ()


def test_outcomes_that_come_late_are_judged_though_their_predictions_left_the_window(
    project: Project,
) -> None:
    serve(project, 200, tell=wrong)
    serve(project, 150, seed=8, minutes=60, tell=never)
    found = monitor(edit(project, "window = 1000", "window = 100"))
    assert (found.rows, found.outcomes) == (100, 100)
    assert rings(found) == ["error_rate"]


def test_performance_is_that_of_the_newest_outcomes(project: Project) -> None:
    serve(project, 200, tell=wrong)
    serve(project, 100, seed=8, minutes=60)
    assert rings(monitor(edit(project, "window = 1000", "window = 100"))) == []


def test_what_another_model_answered_is_not_this_ones(project: Project) -> None:
    serve(project, 50)
    write(project, *[answered(project, "gold", model="rival")] * 50, outcomes=["no"] * 50)
    found = monitor(project)
    assert (found.rows, found.outcomes, found.anomalies) == (50, 50, ())
    status = project_status(project)
    assert (dict(status.predictions), status.outcomes) == ({1: 50}, 50)


def test_answers_of_other_classes_are_left_out_and_told(project: Project) -> None:
    """The logs may be older than the store: version 1 was something else then."""
    serve(project, 50)
    strange = answered(project, "pro")
    write(project, replace(strange, label="N", scores={"N": 1.0, "Y": 0.0}), outcomes=["N"])
    write(project, replace(strange, label=3.5, scores=None), outcomes=[3.5])
    found = monitor(project)
    assert (found.rows, found.outcomes) == (50, 50)
    assert found.notes == ("2 answers left out that do not fit this model",)


def test_texts_that_mean_missing_are_missing_when_served_too(project: Project) -> None:
    write(project, *[answered(project, "?")] * 40)
    found = monitor(project)
    assert [anomaly.values for anomaly in found.anomalies if anomaly.kind == "unexpected_values"] == []


def test_the_status_of_projects_that_share_a_store_is_of_each_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILTH_STORE", str(tmp_path / "shared.db"))
    shops = []
    for name, rows in (("one", 300), ("two", 350)):
        (tmp_path / name).mkdir()
        made = edit(hurried_project(tmp_path / name, rows=rows), 'name = "customers"', f'name = "{name}"')
        shops.append(Project.load(made.directory))
    one, two = shops
    with two.store() as store:
        assert project_status(one).dataset is None
        ended = store.begin_run("run", {"project": "two"})
        store.end_run(ended, "failed", error="no such file")
    assert project_status(one).last_run is None
    status = project_status(two)
    assert status.last_run is not None
    assert status.last_run.error == "no such file"


def test_the_verdict_of_another_project_in_the_store_is_not_shown(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(project, 300, shift=15.0)
    monitor(project)
    (tmp_path / "other").mkdir()
    other = edit(hurried_project(tmp_path / "other", rows=60), 'name = "customers"', 'name = "other"')
    monkeypatch.setenv("TILTH_STORE", str(project.state / "store.db"))
    status = project_status(Project.load(other.directory))
    assert status.monitoring is None
    assert "monitoring  not yet" in status.report()


def test_each_version_is_judged_by_its_own_answers(project: Project) -> None:
    serve(project, 200, version=1, shift=15.0)
    serve(project, 100, version=2, seed=8)
    assert monitor(project).rows == 200
    assert rings(monitor(project)) != []
    promote(project)
    found = monitor(project)
    assert (found.model, found.rows, found.outcomes) == ("customers@2", 100, 100)
    assert rings(found) == []
    models = {model["model"]: model["predictions"] for model in project_status(project).to_json()["models"]}  # type: ignore[union-attr,index,call-overload]
    assert models == {"customers@1": 200, "customers@2": 100}


def test_the_verdict_is_recorded_and_shown(project: Project) -> None:
    serve(project, 300, shift=15.0)
    found = monitor(project)
    with project.store() as store:
        (execution,) = store.executions(store.runs(command="monitor")[0].number)
        (report,) = store.outputs(execution).values()
        assert store.inputs(execution)["model"].digest == store.model_version(project.name, 1).artifact.digest
        assert store.runs(command="monitor")[0].state == "complete"
    document = json.loads(project.artifacts().read_bytes(report.digest, ".json"))
    assert document == json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["drifted"] == ["income"]
    status = project_status(project)
    assert f"{len(found.alarms)} alarms ring (customers@1" in status.report()
    assert status.last_run is not None
    assert status.last_run.command == "run"


def test_the_status_shows_the_newest_verdict_even_if_it_is_an_old_one_again(project: Project) -> None:
    serve(project, 300, shift=15.0)
    monitor(project)
    promote(project)
    monitor(project)
    rollback(project)
    found = monitor(project)
    assert found.alarms
    shown = project_status(project).to_json()["monitoring"]
    assert isinstance(shown, dict)
    assert shown["model"] == "customers@1"
    assert shown["alarms"] == [str(alarm) for alarm in found.alarms]


def test_an_outcome_that_the_champion_does_not_know_is_said_and_does_not_crash(project: Project) -> None:
    """A later version with one class more was live when it came in; then it was rolled back."""
    serve(project, 100, tell=lambda i, truth: "perhaps" if i == 0 else truth)
    found = monitor(project)
    assert (found.rows, found.outcomes) == (100, 99)
    assert found.notes == ("1 outcome left out that does not fit this model, such as 'perhaps'",)
    assert found.notes[0] in found.report()


def test_a_torn_last_line_does_no_harm(project: Project) -> None:
    serve(project, 50)
    (segment,) = project.predictions.glob("predictions-*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"time": "2026-01-')
    assert monitor(project).rows == 50


def learned(project: Project, report: RunReport, name: str) -> Profile:
    artifact = report.artifact(name)
    assert artifact is not None
    return Profile.from_json(project.artifacts().read_bytes(artifact.digest, ".json").decode())


def test_production_is_learned_from(project: Project) -> None:
    serve(project, 200, tell=lambda i, truth: truth if i % 2 else None)
    report = run(project, with_feedback=True)
    assert report.failure is None
    assert report.steps[-1].summary == "customers@3 is the challenger; tilth promote makes it the champion"
    dataset = report.artifact("dataset")
    assert dataset is not None
    rows = open_table(project.artifacts().path(dataset.digest, ".parquet")).to_arrow()
    sources = rows.column("tilth.source").to_pylist()
    assert (sources.count("data"), sources.count("feedback")) == (600, 100)
    served = [row for row in rows.to_pylist() if row["tilth.source"] == "feedback"]
    answers = open_table(str(project.directory / "answers.parquet")).to_arrow().to_pylist()
    assert [row["bought"] for row in served] == [row["bought"] for row in answers[1::2]]


def test_the_same_feedback_again_is_skipped_and_more_is_not(project: Project) -> None:
    serve(project, 100)
    run(project, with_feedback=True)
    again = run(project, with_feedback=True)
    assert {step.state for step in again.steps} == {"skipped"}
    serve(project, 100, seed=8, minutes=60)
    more = run(project, with_feedback=True)
    assert more.steps[0].state == "complete"
    assert more.steps[-1].summary.startswith("customers@4")


def test_the_first_rows_do_not_move_when_feedback_comes(project: Project) -> None:
    plain = run(project)
    serve(project, 100)
    fed = run(project, with_feedback=True)

    def parts(report: RunReport) -> dict[tuple[object, ...], str]:
        dataset, split = report.artifact("dataset"), report.artifact("split")
        assert dataset is not None
        assert split is not None
        rows = open_table(project.artifacts().path(dataset.digest, ".parquet"))
        part = open_table(project.artifacts().path(split.digest, ".parquet")).to_arrow().column("part")
        columns = rows.select(["income", "age", "plan", "bought"]).to_arrow().to_pylist()
        return {tuple(row.values()): p for row, p in zip(columns, part.to_pylist(), strict=True)}

    before, after = parts(plain), parts(fed)
    assert len(before) > 590
    assert {row: after[row] for row in before} == before


def test_lineage_leads_from_answers_to_the_model_that_learned_from_them(project: Project) -> None:
    serve(project, 100)
    run(project, with_feedback=True)
    upstream = trace(project, "customers@3", downstream=False).upstream
    assert upstream is not None
    assert "collect" in {execution.step for execution in upstream.executions}
    assert {model.version for model in upstream.models} >= {1, 3}
    downstream = trace(project, "customers@1", upstream=False).downstream
    assert downstream is not None
    assert 3 in {model.version for model in downstream.models}


def test_lost_feedback_is_collected_again(project: Project) -> None:
    serve(project, 100)
    run(project, with_feedback=True)
    with project.store() as store:
        (feedback,) = store.artifacts("dataset", "feedback")
    path = project.artifacts().path(feedback.digest, ".parquet")
    path.chmod(0o600)
    path.unlink()
    write_customers(project.directory / "customers.csv", 600, seed=3)
    assert run(project, with_feedback=True).failure is None
    assert path.exists()


def test_the_reference_after_feedback_is_the_newest_world(project: Project) -> None:
    """The world moved for good: with what it taught, what was an alarm is the normal case."""
    serve(project, 300, shift=15.0)
    assert "drifted_columns" in rings(monitor(project))
    report = run(project, with_feedback=True)
    assert report.failure is None
    assert learned(project, report, "reference").rows == 300
    assert learned(project, report, "reference_predictions").rows >= 30
    mean = learned(project, report, "reference").columns["income"].mean
    assert mean == pytest.approx(65, abs=3)
    promote(project)
    serve(project, 300, shift=15.0, version=3, seed=9, minutes=60)
    found = monitor(project)
    assert (found.model, found.rows) == ("customers@3", 300)
    assert "drifted_columns" not in rings(found)
    assert "drifted_predictions" not in rings(found)


def test_little_feedback_leaves_the_reference_as_it_was(project: Project) -> None:
    plain = learned(project, run(project), "reference")
    serve(project, 20, shift=15.0)
    fed = learned(project, run(project, with_feedback=True), "reference")
    assert plain.rows == 360
    assert fed.rows >= 360
    mean = fed.columns["income"].mean
    assert mean == pytest.approx(50, abs=3)


def test_the_new_model_is_shown_beside_the_champion_on_recent_rows(project: Project) -> None:
    serve(project, 300, shift=15.0)
    report = run(project, with_feedback=True)
    (evaluated,) = [step.summary for step in report.steps if step.step == "evaluate"]
    assert "from feedback: champion f1" in evaluated


def test_a_regression_goes_the_same_way(tmp_path: Path) -> None:
    random = np.random.default_rng(0)

    def amounts(path: Path, rows: int, shift: float = 0.0) -> Sequence[tuple[float, int]]:
        size = random.normal(10 + shift, 2, rows)
        price = np.round(30 * size + random.normal(0, 3, rows)).astype(int)
        pairs = list(zip(np.round(size, 3).tolist(), price.tolist(), strict=True))
        path.write_text("\n".join(["size,price", *(f"{s},{p}" for s, p in pairs)]) + "\n")
        return pairs

    amounts(tmp_path / "houses.csv", 400)
    initialize(tmp_path / "houses.csv", "price", tmp_path)
    project = edit(Project.load(tmp_path), "parameters = {}", "parameters = { n_estimators = 60 }")
    project = edit(project, "min = -0.05", "min = -0.5")
    assert run(project).failure is None
    pairs = amounts(tmp_path / "live.csv", 200)
    predict_table(project, str(tmp_path / "live.csv"), tmp_path / "answers.jsonl")
    answers = open_table(str(tmp_path / "answers.jsonl")).to_arrow().column("tilth.label").to_pylist()
    log, told = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    ids = log.append(
        [
            Prediction("", NOON, "houses", 1, "live", {"size": size}, answer, None, 0.001)
            for (size, _), answer in zip(pairs, answers, strict=True)
        ]
    )
    for identity, (_, price) in zip(ids, pairs, strict=True):
        told.append(identity, float(price), NOON)
    found = monitor(project)
    assert rings(found) == []
    assert found.confidence is None
    assert found.performance is not None
    assert found.performance["r2"].value is not None
    assert found.performance["r2"].value > 0.8
    fed = run(project, with_feedback=True)
    assert fed.failure is None
    assert fed.steps[-1].summary.startswith("houses@2")
    # The server takes any number as the outcome of a regression, though all that were learned from are whole.
    told.append(ids[0], 301.5, NOON + datetime.timedelta(days=1))
    log.close()
    told.close()
    assert run(project, with_feedback=True).failure is None
