"""Data sets are kept by name and version, read as name@version, and brought back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from tilth.cli import main
from tilth.errors import DataError, NotFoundError, StoreError, UsageError
from tilth.pipelines import (
    dataset_file,
    dataset_reference,
    export_dataset,
    list_datasets,
    save_dataset,
    trace,
)
from tilth.projects import Project, Workspace
from tilth.tables import fingerprint, open_table, write_table

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.find(tmp_path)


def keep(workspace: Workspace, rows: dict[str, list[object]], name: str = "raw", note: str = "") -> int:
    return save_dataset(workspace, open_table(rows), [], name, note).version


def test_what_was_kept_comes_back(workspace: Workspace, tmp_path: Path) -> None:
    rows = {"x": [1.5, None], "s": ["a, b", "ü"], "n": [[1, 2], []]}
    keep(workspace, rows)
    assert export_dataset(workspace, "raw", "1", tmp_path / "back.parquet") == 2
    back = open_table(tmp_path / "back.parquet")
    assert fingerprint(back) == fingerprint(open_table(rows))


def test_another_order_of_rows_is_no_other_version(workspace: Workspace) -> None:
    assert keep(workspace, {"x": [1, 2]}) == 1
    assert keep(workspace, {"x": [2, 1]}) == 1
    assert keep(workspace, {"x": [2, 2]}) == 2
    assert [v.version for v in list_datasets(workspace).versions] == [2, 1]


def test_a_file_that_is_gone_is_said_to_be(workspace: Workspace) -> None:
    keep(workspace, {"x": [1, 2]})
    dataset_file(workspace, "raw", "1").unlink()
    with pytest.raises(StoreError, match=r"the file of raw@1 is gone"):
        dataset_file(workspace, "raw", "latest")


@pytest.mark.parametrize("name", ["a/b", "a@1", ""])
def test_names_are_plain(workspace: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name"):
        keep(workspace, {"x": [1]}, name)


def test_a_file_of_that_name_goes_before_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert dataset_reference("data@3") == ("data", "3")
    Path("data@3").touch()
    assert dataset_reference("data@3") is None
    assert dataset_reference("s3://a@3/b.csv") is None


def test_a_failing_table_leaves_nothing_behind(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    write_table(open_table({"a": [1], "b": [2]}), path)
    table = open_table(path)
    path.unlink()
    with pytest.raises(DataError, match="gone"):
        save_dataset(workspace, table, [str(path)], "raw")
    assert list_datasets(workspace).versions == ()
    with workspace.store() as store:
        assert [run.state for run in store.runs()] == ["failed"]
        assert [each.state for each in store.executions()] == ["failed"]
    assert list((workspace.state / "artifacts").rglob("*.parquet")) == []


def test_each_run_names_the_data_that_it_read(tmp_path: Path, capsys: Capture) -> None:
    project = hurried_project(tmp_path, rows=200)
    folder = project.directory
    assert main(["run", "validate", "--dir", str(folder)]) == 0
    assert main(["run", "validate", "--dir", str(folder)]) == 0
    write_customers(folder / "customers.csv", rows=220)
    assert main(["run", "validate", "--dir", str(folder)]) == 0
    capsys.readouterr()
    assert main(["data", "list", "--dir", str(folder), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]
    assert [(each["reference"], each["rows"]) for each in listed] == [("data@2", 220), ("data@1", 200)]
    graph = trace(Project.load(folder), "data@2").upstream
    assert graph is not None
    assert [e.step for e in graph.executions] == ["ingest"]


def test_versions_are_data_for_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("x,s\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(100)))
    Path("b.csv").write_text("x,s\n" + "".join(f"{i + 500},{'ab'[i % 2]}\n" for i in range(100)))
    assert main(["data", "save", "a.csv", "--name", "raw"]) == 0
    assert main(["data", "save", "b.csv", "--name", "raw", "--note", "the week after"]) == 0
    assert main(["profile", "raw@1", "-o", "p.json"]) == 0
    assert main(["compare", "raw@1", "raw@1"]) == 0
    assert main(["compare", "raw@1", "raw@latest"]) == 1
    assert main(["data", "export", "raw@2", "-o", "back.csv"]) == 0
    assert Path("back.csv").read_text() == Path("b.csv").read_text()
    assert main(["profile", "raw@9"]) == 2


def test_an_unknown_version_names_those_that_there_are(workspace: Workspace) -> None:
    keep(workspace, {"x": [1]})
    with pytest.raises(NotFoundError) as caught:
        dataset_file(workspace, "raw", "4")
    assert "1 to 1" in str(caught.value)


def test_a_run_stops_where_the_data_shrank_more_than_the_schema_allows(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=300)
    folder = project.directory
    schema = folder / "schema.toml"
    schema.write_text(f"min_rows_ratio = 0.9\n{schema.read_text()}")
    assert main(["run", "validate", "--dir", str(folder)]) == 0  # nothing to compare with yet
    assert main(["run", "validate", "--dir", str(folder)]) == 0
    write_customers(folder / "customers.csv", rows=290)
    assert main(["run", "validate", "--dir", str(folder)]) == 0
    write_customers(folder / "customers.csv", rows=200)
    assert main(["run", "validate", "--dir", str(folder)]) == 1
    assert main(["run", "validate", "--dir", str(folder)]) == 1  # again, though the data is a version by now


def test_a_run_judges_rules_across_columns(tmp_path: Path, capsys: Capture) -> None:
    project = hurried_project(tmp_path, rows=200)
    schema = project.schema_path
    schema.write_text(schema.read_text() + '\n[[rules]]\nexpression = "age >= 18"\n')
    assert main(["run", "validate", "--dir", str(tmp_path)]) == 0
    schema.write_text(schema.read_text().replace("age >= 18", "age >= 40"))
    capsys.readouterr()
    assert main(["run", "validate", "--dir", str(tmp_path)]) == 1
    assert "age >= 40" in capsys.readouterr().err
