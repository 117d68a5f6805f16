"""The champion is met fairly: on rows new to it, in its own classes, or not at all, and then it says why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project_factory import hurried_project
from tilth.pipelines import RunReport, StepReport, run_pipeline
from tilth.projects import Project


class Silent:
    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a champion."""
    made = hurried_project(tmp_path)
    assert run(made).failure is None
    return made


def run(project: Project) -> RunReport:
    return run_pipeline(Project.load(project.directory), Silent())


def document(project: Project, report: RunReport) -> dict[str, Any]:
    evaluation = report.artifact("evaluation")
    assert evaluation is not None
    found: dict[str, Any] = json.loads(project.artifacts().read_bytes(evaluation.digest, ".json"))
    return found


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.directory / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def auroc(evaluation: dict[str, Any]) -> float:
    value: float = evaluation["slices"][0]["metrics"]["auroc"]["value"]
    return value


def test_the_positive_class_may_change(project: Project) -> None:
    edit(project, "tilth.toml", 'positive = "yes"', 'positive = "no"')
    found = document(project, run(project))
    assert auroc(found["baselines"]["champion"]) == pytest.approx(auroc(found["test"]), abs=0.05)


def test_renamed_labels_are_not_comparable_and_never_pass(project: Project) -> None:
    data = project.directory / "customers.csv"
    data.write_text(re.sub(r",yes$", ",Y", re.sub(r",no$", ",N", data.read_text(), flags=re.M), flags=re.M))
    edit(project, "tilth.toml", 'positive = "yes"', 'positive = "Y"')
    edit(project, "schema.toml", '["no", "yes"]', '["N", "Y"]')
    report = run(project)
    assert "which the label no longer has" in str(report.failure)
    with project.store() as store:
        assert [v.version for v in store.model_versions(project.name)] == [1]


def test_a_column_that_the_champion_needs_is_gone(project: Project) -> None:
    lines = (project.directory / "customers.csv").read_text().splitlines()
    kept = [",".join(cell for i, cell in enumerate(line.split(",")) if i != 1) for line in lines]
    (project.directory / "customers.csv").write_text("\n".join(kept) + "\n")
    edit(project, "features.py", '"age": x["age"].fill_missing("median").zscore(),', "")
    edit(project, "schema.toml", '[columns.age]\ntype = "int"\n', "")
    assert "the champion needs 'age', which the data no longer have" in str(run(project).failure)


def test_rows_that_the_champion_knows_stay_known_when_a_column_is_added(project: Project) -> None:
    edit(project, "tilth.toml", "seed = 0\n\n[train]", "seed = 5\n\n[train]")
    plain = document(project, run(project))["baselines"]["champion"]["rows"]
    lines = (project.directory / "customers.csv").read_text().splitlines()
    extra = np.random.default_rng(1).normal(size=len(lines))
    added = [f"{'extra' if i == 0 else f'{extra[i]:.3f}'},{line}" for i, line in enumerate(lines)]
    (project.directory / "customers.csv").write_text("\n".join(added) + "\n")
    widened = document(project, run(project))
    assert 0 < plain < widened["test"]["rows"]
    assert 0 < widened["baselines"]["champion"]["rows"] < widened["test"]["rows"]


def test_without_a_row_that_is_new_to_the_champion_its_check_does_not_pass(project: Project) -> None:
    with project.store() as store:
        properties = store.model_version(project.name, 1).properties
    from tilth.pipelines.parts import Parts

    artifacts = project.artifacts()
    parts = Parts(
        artifacts.path(str(properties["dataset"]), ".parquet"),
        artifacts.path(str(properties["split"]), ".parquet"),
    )
    rows = parts.part("train").to_arrow().to_pylist()
    header = "income,age,plan,bought"
    lines = [",".join("?" if row[n] is None else str(row[n]) for n in header.split(",")) for row in rows]
    (project.directory / "customers.csv").write_text("\n".join([header, *lines]) + "\n")
    edit(project, "tilth.toml", "seed = 0\n\n[train]", "seed = 9\n\n[train]")
    failure = str(run(project).failure)
    assert "auroc minus champion: undefined: the champion has learned from every test row" in failure


def test_a_column_that_serving_does_not_have_may_not_be_a_feature(project: Project) -> None:
    from tilth.errors import FeatureError

    edit(
        project,
        "schema.toml",
        '[columns.age]\ntype = "int"\n',
        '[columns.age]\ntype = "int"\nnot_in = ["serving"]\n',
    )
    with pytest.raises(FeatureError, match="not known when the model is asked"):
        run(project)


def test_the_linear_baseline_decides_at_the_same_threshold(project: Project) -> None:
    edit(project, "tilth.toml", "threshold = 0.5", "threshold = 0.9")
    found = document(project, run(project))
    positive = [sum(row[1] for row in found[k]["slices"][0]["confusion"]) for k in ["test"]]
    linear = sum(row[1] for row in found["baselines"]["linear"]["slices"][0]["confusion"])
    with project.store() as store:
        assert store.runs(limit=1)[0].parameters["project"] == project.name
    assert linear < found["test"]["rows"] * 0.4
    assert positive[0] < found["test"]["rows"] * 0.4


def test_an_inferred_schema_is_written_again_when_it_is_gone(project: Project) -> None:
    (project.directory / "schema.toml").unlink()
    run(project)
    assert (project.directory / "schema.toml").is_file()
    (project.directory / "schema.toml").unlink()
    run(project)
    assert project.schema().names


def test_a_column_that_the_schema_does_not_list_may_not_be_a_feature(project: Project) -> None:
    from tilth.errors import FeatureError

    edit(project, "schema.toml", '[columns.age]\ntype = "int"\n', "")
    with pytest.raises(FeatureError, match="does not list it"):
        run(project)


def test_a_reserved_column_name_is_refused(project: Project) -> None:
    from tilth.errors import DataError

    edit(project, "customers.csv", "income,age", "tilth.source,age")
    with pytest.raises(DataError, match="keeps for itself"):
        run(project)


def test_a_missing_features_file_says_so(project: Project) -> None:
    from tilth.errors import ProjectError

    project.features_path.unlink()
    with pytest.raises(ProjectError, match=r"no features\.py"):
        run(project)


@pytest.mark.parametrize("name", ["features.py", "schema.toml"])
def test_a_file_that_is_not_utf8_says_so(project: Project, name: str) -> None:
    from tilth.errors import ProjectError

    path = project.directory / name
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    with pytest.raises(ProjectError, match="UTF-8"):
        run(project)


def test_a_slice_by_an_unknown_column_is_told_before_anything_is_done(project: Project) -> None:
    from tilth.errors import ColumnNotFoundError

    edit(project, "tilth.toml", "slices = []", 'slices = [["pln"]]')
    with pytest.raises(ColumnNotFoundError, match="pln") as told:
        run(project)
    assert told.value.where == "tilth.toml, [evaluate] slices"
    assert "plan" in str(told.value)
