"""A ranking through the whole house: groups stay whole, and are what is measured, watched and learned."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from task_factory import Silent, offer_project, offers, run_silently, write_offers
from tilth.errors import ColumnNotFoundError, DataError, ProjectError, UsageError
from tilth.pipelines import (
    compare_runs,
    evaluate_model,
    monitor,
    predict_table,
    recorded_evaluation,
    reproduce,
)
from tilth.projects import Project, initialize
from tilth.tables import FeedbackLog, Prediction, PredictionLog, open_table

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = offer_project(tmp_path_factory.mktemp("offers"))
    assert run_silently(project).failure is None
    return project.directory


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    """A copy of the trained project."""
    shutil.copytree(trained, tmp_path / "copy")
    return Project.load(tmp_path / "copy")


def serve(project: Project, queries: int = 8, *, turned: bool = False, named: bool = True) -> int:
    """Log predictions that rank by the grade, or against it, with the grades as outcomes."""
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    rows = offers(queries, seed=9)
    for row in rows:
        grade = row.pop("grade")
        assert isinstance(grade, int)
        inputs = {name: value for name, value in row.items() if named or name != "query"}
        score = float(-grade if turned else grade)
        made = Prediction("", NOON, project.name, 1, "live", inputs, score, None, 0.001)  # type: ignore[arg-type]
        (identity,) = log.append([made])
        feedback.append(identity, float(grade), NOON)
    log.close()
    feedback.close()
    return len(rows)


def test_no_query_is_in_two_parts_and_metrics_are_over_queries(trained: Path, tmp_path: Path) -> None:
    project = Project.load(trained)
    found = recorded_evaluation(project)
    assert (found.test.task, found.test.encoding.group) == ("ranking", "query")
    assert (found.test.metric("ndcg_at_10") or 0) > (found.baselines["majority"].metric("ndcg_at_10") or 0)
    out = tmp_path / "out.parquet"
    predict_table(project, str(trained / "offers.csv"), out)
    rows = open_table(out).to_arrow().to_pylist()
    groups = [[r for r in rows if r["query"] == query] for query in {r["query"] for r in rows}]
    values = [
        ndcg_score([[r["grade"] for r in group]], [[r["tilth.label"] for r in group]], k=10)
        for group in groups
        if any(r["grade"] for r in group)
    ]
    whole = evaluate_model(project, str(trained / "offers.csv"))
    assert whole.metric("ndcg_at_10") == pytest.approx(np.mean(values))


def test_the_query_is_no_feature_and_need_not_come_with_a_request(trained: Path) -> None:
    assert 'x["query"]' not in (trained / "features.py").read_text()
    few = trained / "few.csv"
    few.write_text("price,rating,brand\n50,3,a\n40,4,b\n")
    assert predict_table(Project.load(trained), str(few), trained / "few.parquet") == 2
    graded = trained / "graded.csv"
    graded.write_text("price,rating,brand,grade\n50,3,a,1\n40,4,b,0\n")
    with pytest.raises(ColumnNotFoundError, match="query"):
        evaluate_model(Project.load(trained), str(graded))


def test_production_is_watched_query_by_query(project: Project) -> None:
    rows = serve(project)
    quiet = monitor(project)
    assert (quiet.rows, quiet.outcomes) == (rows, rows)
    assert quiet.performance is not None
    assert quiet.performance["ndcg_at_10"].value == 1
    shutil.rmtree(project.predictions)
    serve(project, 20, turned=True)
    loud = monitor(project)
    assert "ndcg_at_10" in [v.check.metric for v in loud.alarms]


def test_outcomes_whose_query_is_not_known_are_left_out_with_a_note(project: Project) -> None:
    rows = serve(project, named=False)
    found = monitor(project)
    assert (found.performance, found.outcomes) == (None, 0)
    assert f"{rows} outcomes left out whose 'query' did not come with the request" in found.notes
    with pytest.raises(DataError, match="no outcome is of a prediction whose 'query' is known"):
        run_silently(project, with_feedback=True)


def test_outcomes_are_learned_from_in_whole_queries(project: Project) -> None:
    rows = serve(project)
    report = run_silently(project, with_feedback=True)
    assert report.failure is None
    dataset = report.artifact("dataset")
    before = open_table(str(project.directory / "offers.csv")).rows
    assert dataset is not None
    assert dataset.properties["rows"] == before + rows
    assert "ndcg_at_10" in compare_runs(project, "1", "2").report()


def test_a_run_is_reproduced(project: Project) -> None:
    assert reproduce(project, "1", Silent()).failure() is None


@pytest.mark.parametrize("estimator", ["xgboost", "sklearn.linear_model.Ridge"])
def test_other_estimators_rank_too(project: Project, estimator: str) -> None:
    toml = project.directory / "tilth.toml"
    text = toml.read_text().replace('estimator = "lightgbm"', f'estimator = "{estimator}"')
    if estimator.startswith("sklearn"):
        text = text.replace("parameters = { n_estimators = 20 }", "parameters = {}")
    toml.write_text(text)
    assert run_silently(Project.load(project.directory)).failure is None


def test_a_split_that_tears_queries_apart_is_refused(project: Project) -> None:
    toml = project.directory / "tilth.toml"
    toml.write_text(
        toml.read_text().replace('method = "group"', 'method = "random"').replace('["query"]', "[]")
    )
    with pytest.raises(DataError, match="groups would have rows in several parts, such as query = q"):
        raise run_silently(Project.load(project.directory)).failure or AssertionError


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('group = "query"', "", "a ranking has no group"),
        ("threshold = 0.5", 'threshold = "f1"', "ranking has no threshold to choose"),
        ("threshold = 0.5", 'calibration = "sigmoid"', "ranking has no probabilities to calibrate"),
        ("threshold = 0.5", "class_weights = {a = 2.0}", "class_weights are for rows of one class"),
        ('task = "ranking"', 'task = "regression"', "group does nothing for regression"),
    ],
)
def test_what_a_ranking_cannot_have_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    toml = offer_project(tmp_path, 20).directory / "tilth.toml"
    toml.write_text(toml.read_text().replace(old, new))
    with pytest.raises(ProjectError, match=what):
        Project.load(tmp_path)


def test_rows_without_a_query_and_negative_labels_are_told(tmp_path: Path) -> None:
    project = offer_project(tmp_path, 20)
    path = tmp_path / "offers.csv"
    text = path.read_text()
    path.write_text(text + ",50,3,a,1\n")
    failure = run_silently(project).failure
    assert failure is not None
    assert "query" in str(failure)
    path.write_text(text + "q0,50,3,a,-1\n")
    with pytest.raises(DataError, match="the label -1 is negative"):
        raise run_silently(project).failure or AssertionError


def test_init_writes_a_ranking(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    data = write_offers(tmp_path / "offers.csv", 20)
    status, out, _ = ask("init", data, "--label", "grade", "--group", "query", "--dir", tmp_path, "--json")
    assert status == 0
    assert json.loads(out)["task"] == "ranking"
    configuration = Project.load(tmp_path).configuration
    assert configuration.project.group == "query"
    assert (configuration.split.method, configuration.split.columns) == ("group", ["query"])
    assert "ndcg_at_10" in {check.metric for check in configuration.checks}


def test_a_label_that_is_no_grade_is_ranked_by_its_predicted_value(tmp_path: Path) -> None:
    data = write_offers(tmp_path / "offers.csv", 20)
    made = initialize(data, "rating", tmp_path, group="query")
    assert any("the label is no grade from 0 to 30" in sentence for sentence in made.assumptions)
    project = Project.load(tmp_path)
    assert project.configuration.train.parameters == {"objective": "regression"}
    toml = tmp_path / "tilth.toml"
    off = "sanity_checks = false\nlearning_curve = []"
    toml.write_text(toml.read_text().replace("threshold = 0.5", f"threshold = 0.5\n{off}", 1))
    report = run_silently(Project.load(tmp_path))
    assert [step.state for step in report.steps][-2] in ("complete", "failed")
    assert report.artifact("model") is not None


def test_init_refuses_what_cannot_be(tmp_path: Path) -> None:
    data = write_offers(tmp_path / "offers.csv", 20)
    with pytest.raises(UsageError, match="which rows are ranked together"):
        initialize(data, "grade", tmp_path, task="ranking")
    with pytest.raises(ColumnNotFoundError, match="qery"):
        initialize(data, "grade", tmp_path, group="qery")
    with pytest.raises(UsageError, match="a group is for ranking"):
        initialize(data, "grade", tmp_path, task="multiclass", group="query")
    with pytest.raises(UsageError, match="cannot say which rows"):
        initialize(data, "grade", tmp_path, group="grade")
    with pytest.raises(DataError, match="not a number"):
        initialize(data, "brand", tmp_path, group="query")
    assert not (tmp_path / "tilth.toml").exists()


def test_predictions_of_anyone_are_evaluated(
    tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    data = write_offers(tmp_path / "offers.csv", 20)
    options = ("--label", "grade", "--prediction", "rating", "--group", "query", "--slice", "brand", "--json")
    status, out, _ = ask("evaluate", data, *options)
    assert status == 0
    document = json.loads(out)
    assert (document["task"], document["group"]) == ("ranking", "query")
    assert 0 < document["slices"][0]["metrics"]["ndcg_at_10"]["value"] < 1
    assert len(document["slices"]) == 4
