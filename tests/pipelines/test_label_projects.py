"""A project of several labels through the whole house: run, predict, evaluate, monitor, learn again."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from task_factory import LABELS, photo_project, photos, run_silently, write_photos
from tilth.errors import DataError, ProjectError, UsageError
from tilth.pipelines import (
    compare_runs,
    evaluate_model,
    monitor,
    predict_table,
    project_status,
    recorded_evaluation,
)
from tilth.projects import Project, initialize
from tilth.tables import FeedbackLog, Label, Prediction, PredictionLog, open_table

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = photo_project(tmp_path_factory.mktemp("photos"))
    assert run_silently(project).failure is None
    return project.directory


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    """A copy of the trained project."""
    shutil.copytree(trained, tmp_path / "copy")
    return Project.load(tmp_path / "copy")


def serve(project: Project, rows: int = 60, *, seed: int = 5, wrong: int = 0) -> None:
    """Log predictions as the server does, with outcomes of which so many are other than what was said."""
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    for number, row in enumerate(photos(rows, seed=seed)):
        tags = row.pop("tags")
        assert isinstance(tags, list)
        said = tuple(tags)
        scores = {name: 0.9 if name in said else 0.1 for name in LABELS}
        made = Prediction("", NOON, project.name, 1, "live", row, said, scores, 0.001)  # type: ignore[arg-type]
        (identity,) = log.append([made])
        truth: Label = ("sea",) if number < wrong and said != ("sea",) else said
        feedback.append(identity, truth, NOON)
    log.close()
    feedback.close()


def test_the_model_is_measured_label_by_label(trained: Path) -> None:
    found = recorded_evaluation(Project.load(trained)).test
    assert (found.task, found.classes, found.encoding.separator) == ("multilabel", LABELS, "|")
    assert (found.metric("micro_f1") or 0) > 0.7
    assert (found.metric("recall.sea") or 0) > 0.7
    assert found.metric("log_loss") is not None
    baselines = recorded_evaluation(Project.load(trained)).baselines
    assert {"majority", "linear"} <= set(baselines)
    assert "micro_f1 0." in project_status(Project.load(trained)).report()


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_whole_tables_are_predicted_and_can_be_evaluated(trained: Path, tmp_path: Path, suffix: str) -> None:
    project, out = Project.load(trained), tmp_path / f"out{suffix}"
    assert predict_table(project, str(trained / "photos.csv"), out) == 400
    rows = open_table(str(out)).to_arrow().to_pylist()
    assert set(rows[0]) >= {"tags", "tilth.label", *(f"tilth.score.{name}" for name in LABELS)}
    for row in rows:
        said = [name for name in LABELS if row[f"tilth.score.{name}"] > 0.5]
        assert row["tilth.label"] == ("|".join(said) or "|")
    import tilth

    again = tilth.evaluate(out, label="tags", prediction="tilth.label", separator="|")
    asked = evaluate_model(project, str(trained / "photos.csv"), slices=[["place"]])
    assert again.metric("micro_f1") == asked.metric("micro_f1")
    assert asked.metric("micro_f1", {"place": "hill"}) is not None


def test_a_small_file_of_labels_like_numbers_is_still_texts(project: Project, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("red,blue,size,place,tags\n0.1,0.9,9,hill,7\n")
    with pytest.raises(DataError, match="'7' is not a class of the label"):
        evaluate_model(project, str(tmp_path / "few.csv"))


def test_production_is_watched_by_what_is_wrong_of_the_labels(project: Project) -> None:
    serve(project)
    quiet = monitor(project)
    assert (quiet.rows, quiet.outcomes) == (60, 60)
    assert quiet.performance is not None
    assert quiet.performance["hamming_loss"].value == 0
    assert quiet.confidence == pytest.approx(0.9)
    assert [v.check.name for v in quiet.verdicts if v.check.metric == "hamming_loss"] == [
        "hamming_loss minus test"
    ]
    serve(project, 60, wrong=60)
    loud = monitor(project)
    assert "hamming_loss" in [v.check.metric for v in loud.alarms]


def test_what_does_not_fit_the_labels_is_left_out_with_a_note(project: Project) -> None:
    serve(project, 40)
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    row = {"red": 0.1, "blue": 0.2, "size": 9.0, "place": "hill"}
    scores = dict.fromkeys(LABELS, 0.1)
    strange: list[Label] = ["sea", ("sea", "moon"), 3]
    made = [Prediction("", NOON, project.name, 1, "live", row, (), scores, 0.1) for _ in strange]
    for identity, outcome in zip(log.append(made), strange, strict=True):
        feedback.append(identity, outcome, NOON)
    log.append([Prediction("", NOON, project.name, 1, "live", row, "sea", scores, 0.1)])
    log.close()
    found = monitor(project)
    assert found.outcomes == 40
    assert any(
        "3 outcomes left out that do not fit this model, such as 'sea'" in note for note in found.notes
    )
    assert any("1 answer left out" in note for note in found.notes)


def test_outcomes_are_learned_from(project: Project) -> None:
    serve(project, 50)
    report = run_silently(project, with_feedback=True)
    assert report.failure is None
    dataset = report.artifact("dataset")
    assert dataset is not None
    assert dataset.properties["rows"] == 450
    table = open_table(str(project.artifacts().path(dataset.digest, ".parquet")))
    rows = table.select(["tags", "tilth.source"]).to_arrow().to_pylist()
    learned = [row["tags"] for row in rows if row["tilth.source"] == "feedback"]
    assert len(learned) == 50
    assert "|" in learned  # none of the labels, as the data say it
    assert {part for text in learned for part in text.split("|")} <= {"", *LABELS}
    told = compare_runs(project, "1", "2")
    assert "micro_f1" in told.report()


def test_lists_are_learned_as_they_come(tmp_path: Path) -> None:
    project = photo_project(tmp_path, 300, suffix=".jsonl")
    assert project.configuration.project.separator is None
    features = project.features_path.read_text().replace(
        '"place": x["place"].one_hot(top=50)', '"place": x["place"].target_mean()'
    )
    project.features_path.write_text(features)
    assert run_silently(project).failure is None
    out = tmp_path / "out.jsonl"
    predict_table(project, str(tmp_path / "photos.jsonl"), out)
    first = json.loads(out.read_text().splitlines()[0])
    assert isinstance(first["tilth.label"], list)
    serve(project, 40)
    assert run_silently(project, with_feedback=True).failure is None


def test_a_label_that_only_the_new_model_knows_is_no_hindrance(project: Project) -> None:
    path = project.directory / "photos.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *(line + "|tree" for line in lines[1:60])]) + "\n")
    report = run_silently(Project.load(project.directory))
    assert report.failure is None
    evaluation = report.artifact("evaluation")
    assert evaluation is not None
    document = json.loads(project.artifacts().read_bytes(evaluation.digest, ".json"))
    assert document["test"]["classes"] == [*LABELS, "tree"]
    assert document["baselines"]["champion"]["classes"] == [*LABELS, "tree"]


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("class_weights", '"balanced"', "class_weights are for rows of one class"),
        ("threshold", '"value"', "is for one class a row"),
    ],
)
def test_what_several_labels_cannot_have_is_refused(tmp_path: Path, key: str, value: str, what: str) -> None:
    toml = photo_project(tmp_path, 100).directory / "tilth.toml"
    text = "".join(line for line in toml.read_text().splitlines(keepends=True) if not line.startswith(key))
    toml.write_text(text.replace("[train]\n", f"[train]\n{key} = {value}\n"))
    with pytest.raises(ProjectError, match=what):
        Project.load(tmp_path)


def test_a_goal_gives_each_label_a_threshold_of_its_own(project: Project) -> None:
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text().replace("threshold = 0.5", 'threshold = "recall >= 0.8"'))
    report = run_silently(Project.load(project.directory))
    assert report.failure is None
    training = report.artifact("training")
    assert training is not None
    document = json.loads(project.artifacts().read_bytes(training.digest, ".json"))
    assert len(set(document["decision"]["thresholds"])) > 1


def test_an_older_system_may_have_said_several_labels(tmp_path: Path) -> None:
    project = photo_project(tmp_path, 300)
    path = tmp_path / "photos.csv"
    head, *lines = path.read_text().splitlines()
    said = [line.rpartition(",")[2] if at % 3 else "" for at, line in enumerate(lines)]
    rows = [f"{line},{older}" for line, older in zip(lines, said, strict=True)]
    path.write_text("\n".join([f"{head},older", *rows]) + "\n")
    toml = tmp_path / "tilth.toml"
    toml.write_text(toml.read_text() + '\n[baselines]\nolder = "older"\n')
    (tmp_path / "schema.toml").unlink()
    report = run_silently(Project.load(tmp_path))
    assert report.failure is None
    evaluation = report.artifact("evaluation")
    assert evaluation is not None
    document = json.loads(project.artifacts().read_bytes(evaluation.digest, ".json"))
    older = document["baselines"]["older"]["slices"][0]
    assert older["metrics"]["micro_f1"]["value"] == 1
    assert 20 < older["rows"] < 60  # those that have an answer
    inferred = project.schema()
    assert (inferred["tags"].domain, inferred["older"].domain is None) == (None, False)
    path.write_text(path.read_text().replace("|sky,", "|sky,moon|"))
    (tmp_path / "schema.toml").unlink()
    with pytest.raises(DataError, match="'moon' is not a class of the label") as caught:
        raise run_silently(Project.load(tmp_path)).failure or AssertionError
    assert "column 'older'" in str(caught.value.where)


def test_init_says_what_it_assumes(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    data = write_photos(tmp_path / "photos.csv", 50)
    data.write_text(data.read_text() + "0.5,0.5,9,hill,\n")
    status, out, _ = ask("init", data, "--label", "tags", "--task", "multilabel", "--dir", tmp_path, "--json")
    assert status == 0
    told = json.loads(out)
    assert told["task"] == "multilabel"
    assert "labels are taken to be separated by '|'" in told["assumptions"]
    assert any("1 rows without 'tags' are left out" in sentence for sentence in told["assumptions"])
    section = Project.load(tmp_path).configuration
    assert (section.project.separator, section.split.method) == ("|", "random")


def test_init_refuses_what_cannot_be(tmp_path: Path) -> None:
    data = write_photos(tmp_path / "photos.csv", 50)
    with pytest.raises(UsageError, match="no text of 'place' has a sign"):
        initialize(data, "place", tmp_path, task="multilabel")
    with pytest.raises(DataError, match="are no lists"):
        initialize(data, "size", tmp_path, task="multilabel")
    with pytest.raises(UsageError, match="a separator is for several labels"):
        initialize(data, "size", tmp_path, task="regression", separator="|")
    assert not (tmp_path / "tilth.toml").exists()


def test_labels_that_no_training_row_has_are_still_answered(tmp_path: Path) -> None:
    project = photo_project(tmp_path, 120)
    path = tmp_path / "photos.csv"
    path.write_text(path.read_text() + "0.5,0.5,9,hill,rare\n")
    report = run_silently(project)
    assert report.failure is None
    predict_table(project, str(path), tmp_path / "out.parquet")
    shares = open_table(tmp_path / "out.parquet").select(["tilth.score.rare"]).to_arrow().column(0).to_numpy()
    assert np.isfinite(shares).all()
