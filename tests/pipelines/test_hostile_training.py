"""Data from which nothing can be learned, or hardly: one message, a right number, a consistent store."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tilth.projects import Project
from tilth.tables import write_table

Ask = Callable[..., tuple[int, str, str]]
Columns = dict[str, list[object]]

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=300)
NOISY = [bool(value) for value in X + RANDOM.normal(size=300) > 0]


def project_of(folder: Path, ask: Ask, columns: Columns, *, task: str | None = None) -> Path:
    """A quick project on some columns; the label is y."""
    write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), folder / "d.parquet")
    status, _, err = ask("init", folder / "d.parquet", "--label", "y", "--dir", folder)
    assert status == 0, err
    toml = folder / "tilth.toml"
    text = toml.read_text().replace("parameters = {}", "parameters = { n_estimators = 10 }")
    if task:
        text = re.sub("task = .*", f'task = "{task}"', re.sub("positive = .*\n", "", text))
        text = re.sub(r"(?s)\n\[\[checks\]\].*", "\n", text)
    toml.write_text(text)
    return folder


def set_estimator(folder: Path, name: str, parameters: str = "{}") -> None:
    toml = folder / "tilth.toml"
    text = re.sub("estimator = .*", f'estimator = "{name}"', toml.read_text())
    toml.write_text(re.sub("parameters = .*", f"parameters = {parameters}", text))


def assert_consistent(folder: Path, versions: int) -> None:
    """Every recorded output is there, whole, nothing is under way, and so many models are registered."""
    project = Project.load(folder)
    artifacts = project.artifacts()
    with project.store() as store:
        for execution in store.executions():
            assert execution.state != "running"
            for artifact in store.outputs(execution).values():
                artifacts.verify(artifact.digest, str(artifact.properties["suffix"]))
        assert len(store.model_versions(project.name)) == versions


REFUSED_AT_ONCE: dict[str, tuple[Columns, str]] = {
    "one class": ({"x": [*X], "y": ["yes"] * 300}, "the label has only one value, 'yes'"),
    "one row": ({"x": [1.0], "y": ["yes"]}, "the label has only one value, 'yes'"),
    "a hundred thousand classes": (
        {"x": [0.0] * 100_000, "y": [f"c{i}" for i in range(100_000)]},
        "100000 distinct values, too many to be classes",
    ),
    "no label at all": ({"x": [*X], "y": pa.nulls(300, pa.string())}, "label"),
}


@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_what_cannot_be_learned_is_refused_when_the_project_is_made(
    tmp_path: Path, ask: Ask, case: str
) -> None:
    columns, what = REFUSED_AT_ONCE[case]
    write_table(pa.table(columns), tmp_path / "d.parquet")
    status, _, err = ask("init", tmp_path / "d.parquet", "--label", "y", "--dir", tmp_path)
    assert status == 2
    assert what in err
    assert not (tmp_path / "tilth.toml").exists()


REFUSED: dict[str, tuple[Columns, str | None, str]] = {
    "only zeros": ({"x": [*X], "y": [0] * 300}, None, "all training rows have the same class"),
    "two rows": ({"x": [1.0, 2.0], "y": ["no", "yes"]}, None, "part would be empty"),
    "whole numbers as classes": (
        {"x": [0.0] * 4000, "y": list(range(4000))},
        "multiclass",
        "the label has 4000 distinct values, too many to be classes",
    ),
    "an infinite label": (
        {"x": [*X], "y": [float("inf") if at == 7 else value * 2 for at, value in enumerate(X)]},
        "regression",
        "a label is NaN or infinite",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_learned_ends_the_run_with_one_message(tmp_path: Path, ask: Ask, case: str) -> None:
    columns, task, what = REFUSED[case]
    folder = project_of(tmp_path, ask, columns, task=task)
    status, out, err = ask("run", "--dir", folder)
    assert status == 2
    assert what in err
    assert "Traceback" not in out + err
    assert_consistent(folder, 0)


def test_a_class_that_only_later_rows_have_is_refused(tmp_path: Path, ask: Ask) -> None:
    columns: Columns = {
        "x": [*X],
        "t": list(range(300)),
        "y": ["yes" if at > 250 else "no" for at in range(300)],
    }
    folder = project_of(tmp_path, ask, columns)
    toml = folder / "tilth.toml"
    text = re.sub(
        "method = .*", 'method = "time"', re.sub("columns = .*", 'columns = ["t"]', toml.read_text())
    )
    toml.write_text(text)
    status, _, err = ask("run", "--dir", folder)
    assert status == 2
    assert "all training rows have the same class" in err
    assert_consistent(folder, 0)


def test_a_constant_number_has_no_defined_quality_and_is_not_registered(tmp_path: Path, ask: Ask) -> None:
    folder = project_of(tmp_path, ask, {"x": [*X], "y": [3.5] * 300}, task="regression")
    checks = '\n[[checks]]\nmoment = "model"\nmetric = "r2"\nmin = 0.0\n'
    (folder / "tilth.toml").write_text((folder / "tilth.toml").read_text() + checks)
    status, out, err = ask("run", "--dir", folder)
    assert status == 1
    assert "r2 undefined" in out + err
    assert "NaN" not in out + err
    assert_consistent(folder, 0)


def test_an_all_missing_column_is_no_hindrance(tmp_path: Path, ask: Ask) -> None:
    columns: Columns = {"x": [*X], "m": [None] * 300, "y": NOISY}
    folder = project_of(tmp_path, ask, columns)
    status, _, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert_consistent(folder, 1)


@pytest.mark.parametrize("estimator", ["lightgbm", "sklearn.linear_model.Ridge"])
def test_nan_labels_are_left_out(tmp_path: Path, ask: Ask, estimator: str) -> None:
    noise = np.random.default_rng(1).normal(size=300)
    labels = [float("nan") if at % 3 == 0 else v + n for at, (v, n) in enumerate(zip(X, noise, strict=True))]
    folder = project_of(tmp_path, ask, {"x": [*X], "y": labels}, task="regression")
    if estimator != "lightgbm":
        set_estimator(folder, estimator)
    status, out, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert "200 rows x 2 columns, 100 without a label left out" in out + err
    assert_consistent(folder, 1)


HOSTILE: Columns = {
    "x": [float("inf") if at % 10 == 0 else None if at % 10 == 1 else value for at, value in enumerate(X)],
    "z": [value * 1e300 for value in RANDOM.normal(size=300)],
    "y": NOISY,
}


def test_infinite_and_enormous_features_are_learned_from(tmp_path: Path, ask: Ask) -> None:
    folder = project_of(tmp_path, ask, HOSTILE)
    status, out, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert "Warning" not in out + err
    assert_consistent(folder, 1)


@pytest.mark.parametrize(
    ("features", "what"),
    [
        ("'x': x['x'].fill_missing(0.0), 'z': x['z']", "feature 'x'"),
        ("'x': x['x'].clip(-1, 1)", "Input X contains NaN"),
    ],
)
def test_estimators_that_cannot_take_them_say_so(tmp_path: Path, ask: Ask, features: str, what: str) -> None:
    folder = project_of(tmp_path, ask, HOSTILE)
    set_estimator(folder, "sklearn.linear_model.LogisticRegression")
    (folder / "features.py").write_text(f"def features(x):\n    return {{{features}}}\n")
    status, out, err = ask("run", "--dir", folder)
    assert status == 2, out
    assert what in err
    assert "features.py" in err
    assert_consistent(folder, 0)


def test_a_full_disk_while_features_are_stored_is_said(tmp_path: Path, ask: Ask) -> None:
    folder = project_of(tmp_path, ask, {"x": [*X], "y": NOISY})
    assert ask("run", "transform", "--dir", folder)[0] == 0
    code = (
        "import resource, signal, sys\n"
        "from tilth.cli import main\n"
        "from tilth.pipelines import feature_rows\n"
        "feature_rows.MOST_BYTES = 100\n"
        "def full(*given): raise OSError(28, 'No space left on device')\n"
        "feature_rows.stored = full\n"
        f"sys.exit(main(['run', '--dir', {str(folder)!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert ask("run", "--dir", folder)[0] == 0
    assert_consistent(folder, 1)
