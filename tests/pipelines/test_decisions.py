"""Weights, history, calibration and goals of tilth.toml, through a whole run."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from project_factory import make_project
from tilth.errors import CheckFailed, DataError, FeatureError
from tilth.inference import Graph
from tilth.pipelines import RunReport, StepReport, run_pipeline
from tilth.pipelines.parts import Parts
from tilth.pipelines.row_history import weights_of_rows
from tilth.projects import Project
from tilth.tables import open_table, write_table

Ask = Callable[..., tuple[int, str, str]]
DAY = datetime.datetime(2026, 1, 1)


class Silent:
    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run(project: Project, **options: Any) -> RunReport:
    return run_pipeline(project, Silent(), **options)


def configured(project: Project, train: str, more: str = "") -> Project:
    path = project.directory / "tilth.toml"
    text = path.read_text(encoding="utf-8")
    given = {"threshold", *re.findall(r"^\w+", train, re.MULTILINE)}
    lines = [line for line in text.splitlines() if line.partition(" ")[0] not in given]
    at = lines.index("[train]") + 1
    path.write_text("\n".join([*lines[:at], train, *lines[at:], more]) + "\n", encoding="utf-8")
    return Project.load(project.directory)


def opened(project: Project, report: RunReport, name: str) -> Path:
    """The file that a step of a run made."""
    artifact = report.artifact(name)
    assert artifact is not None
    return project.artifacts().path(artifact.digest, str(artifact.properties["suffix"]))


def training(project: Project, report: RunReport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(opened(project, report, "training").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path)


def add_column(project: Project, name: str, values: list[str]) -> Project:
    path = project.directory / "customers.csv"
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    added = [f"{value},{line}" for value, line in zip(values, lines, strict=True)]
    path.write_text("\n".join([f"{name},{header}", *added]) + "\n", encoding="utf-8")
    return project


def dated(project: Project, newest: int = 399) -> Project:
    """Rows of one day each, in the order of the file."""
    days = [(DAY + datetime.timedelta(days=min(at, newest))).isoformat() for at in range(400)]
    return add_column(project, "at", days)


def test_calibration_goal_and_class_weights_end_in_the_graph_and_the_record(project: Project) -> None:
    changed = configured(
        project,
        'calibration = "sigmoid"\nthreshold = "recall >= 0.9"\nclass_weights = "balanced"',
    )
    report = run(changed)
    assert report.failure is None
    document = training(changed, report)
    assert document["calibration"]["kind"] == "sigmoid"
    assert document["decision"]["goal"] == "recall >= 0.9"
    assert document["decision"]["figures"]["recall"]["value"] >= 0.9
    assert document["dev"]["slices"][0]["metrics"]["recall"]["value"] >= 0.9
    summary = next(step.summary for step in report.steps if step.step == "train")
    assert "sigmoid calibration on 80 dev rows; threshold 0." in summary
    graph = Graph.from_path(opened(changed, report, "model"))
    threshold = float(graph.metadata["tilth.threshold"])
    assert threshold == document["decision"]["threshold"]
    data = open_table(str(changed.directory / "customers.csv"), missing=["?"])
    (answers,) = graph.run_table(data)
    said = answers["probabilities"][:, 1].astype(float) > threshold
    assert (answers["label"] == json.loads(graph.metadata["tilth.classes"])[1]).tolist() == said.tolist()


VALUES = "[business]\nvalues = { yes = { yes = 1, no = 0 }, no = { yes = -%s, no = 0 } }"


def test_values_choose_the_threshold_and_others_choose_another(project: Project) -> None:
    first = configured(project, 'threshold = "value"', VALUES % 1)
    cheap = training(first, run(first, until="train"))["decision"]
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("yes = -1", "yes = -20"), encoding="utf-8")
    second = Project.load(project.directory)
    report = run(second, until="train")
    dear = training(second, report)["decision"]
    assert dear["threshold"] > cheap["threshold"]
    assert dear["figures"]["value"]["value"] < cheap["figures"]["value"]["value"]
    states = {step.step: step.state for step in report.steps}
    assert states["transform"] == "skipped"
    assert states["train"] == "complete"


def test_a_goal_out_of_reach_stops_the_run_and_nothing_is_registered(project: Project, ask: Ask) -> None:
    random = np.random.default_rng(0)
    noise = add_column(project, "noise", [f"{value:.3f}" for value in random.normal(size=400)])
    text = 'def features(x):\n    return {"noise": x["noise"].zscore()}\n'
    (noise.directory / "features.py").write_text(text, encoding="utf-8")
    (noise.directory / "schema.toml").unlink()
    changed = configured(noise, 'threshold = "precision >= 0.99"')
    status, _, err = ask("run", "--dir", changed.directory)
    assert status == 1
    assert "no threshold reaches precision >= 0.99 on the 80 dev rows" in err
    assert "at most precision" in err
    with changed.store() as store:
        assert store.aliases(changed.name) == {}
        assert store.run(1).state == "failed"


def test_a_column_of_weights_is_no_feature_and_changes_the_model(project: Project) -> None:
    weights = ["1" if at % 2 else "0" for at in range(400)]
    weighty = configured(add_column(project, "importance", weights), 'weight = "importance"')
    (weighty.directory / "schema.toml").unlink()
    report = run(weighty, until="train")
    plain = configured(weighty, "")
    toml = plain.directory / "tilth.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('weight = "importance"', ""), encoding="utf-8")
    other = run(Project.load(plain.directory), until="train")
    assert report.artifact("model") != other.artifact("model")
    text = (plain.directory / "features.py").read_text(encoding="utf-8")
    text = text.replace("return {", 'return {"importance": x["importance"].zscore(),')
    (plain.directory / "features.py").write_text(text, encoding="utf-8")
    with pytest.raises(FeatureError, match="it is the weight of the row"):
        run(weighty, until="train")


def test_a_missing_weight_is_refused_by_name(project: Project) -> None:
    weights = ["" if at == 7 else "1" for at in range(400)]
    weighty = configured(add_column(project, "importance", weights), 'weight = "importance"')
    (weighty.directory / "schema.toml").unlink()
    with pytest.raises(DataError, match="1 of 400 weights cannot be used: in row 8 it is missing"):
        run(weighty, until="train")


def test_the_recent_alone_are_learned_from_and_the_test_rows_stay(project: Project) -> None:
    everything = dated(project)
    (everything.directory / "schema.toml").unlink()
    before = run(everything, until="train")
    recent = configured(everything, 'history = "recent"\ntime = "at"\nrecent = "100d"')
    after = run(recent, until="train")
    parts = [
        np.array(open_table(opened(recent, each, "split")).to_arrow()["part"].to_pylist())
        for each in (before, after)
    ]
    assert (parts[0] == "test").tolist() == (parts[1] == "test").tolist()
    newest = np.flatnonzero(parts[0] == "train").max()
    for part in ("train", "dev"):
        kept = np.flatnonzero(parts[1] == part)
        assert kept.min() >= newest - 100
        assert kept.tolist() == [at for at in np.flatnonzero(parts[0] == part) if at >= newest - 100]
    assert training(recent, after)["rows"]["train"] == (parts[1] == "train").sum()
    assert before.artifact("transform") != after.artifact("transform")
    summary = next(step.summary for step in after.steps if step.step == "split")
    assert f"older {(parts[1] == 'older').sum()}" in summary


def test_a_part_without_a_recent_row_is_refused(project: Project) -> None:
    recent = configured(dated(project), 'history = "recent"\ntime = "at"\nrecent = "1h"')
    (recent.directory / "schema.toml").unlink()
    with pytest.raises(CheckFailed, match="no row of the dev part is recent"):
        run(recent, until="split")


def test_recent_rows_weigh_more_and_nothing_else_changes(project: Project) -> None:
    everything = dated(project)
    (everything.directory / "schema.toml").unlink()
    before = run(everything, until="train")
    weighted = configured(everything, 'history = "weighted"\ntime = "at"\nhalf_life = "30d"')
    after = run(weighted, until="train")
    assert before.artifact("split") == after.artifact("split")
    assert before.artifact("transform") == after.artifact("transform")
    assert before.artifact("model") != after.artifact("model")
    parts = Parts(opened(weighted, after, "dataset"), opened(weighted, after, "split"))
    weights = weights_of_rows(weighted, parts)
    assert weights is not None
    newest = np.flatnonzero(parts.names == "train").max()
    np.testing.assert_allclose(weights, 0.5 ** ((newest - np.arange(400)) / 30))


def test_rows_from_feedback_lack_weight_and_time_without_harm(project: Project, tmp_path: Path) -> None:
    """They weigh 1, and the time of their request is theirs."""
    settings = 'weight = "w"\nhistory = "weighted"\ntime = "at"\nhalf_life = "10d"'
    configured(project, settings)
    days = [DAY, DAY + datetime.timedelta(days=10)]
    table = pa.table(
        {
            "w": [2.0, None],
            "at": pa.array([days[0], None], pa.timestamp("us")),
            "tilth.time": pa.array([None, days[1]], pa.timestamp("us")),
            "tilth.source": ["data", "feedback"],
        }
    )
    write_table(table, tmp_path / "dataset.parquet")
    write_table(pa.table({"part": ["train", "train"]}), tmp_path / "split.parquet")
    parts = Parts(tmp_path / "dataset.parquet", tmp_path / "split.parquet")
    weights = weights_of_rows(Project.load(project.directory), parts)
    assert weights is not None
    assert weights.tolist() == [1.0, 1.0]
    table = table.set_column(3, "tilth.source", pa.array(["data", "data"]))
    write_table(table, tmp_path / "other.parquet")
    with pytest.raises(DataError, match="1 of 2 weights cannot be used"):
        weights_of_rows(
            Project.load(project.directory), Parts(tmp_path / "other.parquet", tmp_path / "split.parquet")
        )
