"""`tilth init`: a project from a file that nobody prepared, every assumption said, all or nothing written."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, DataError, ProjectError, TilthError
from tilth.features import Transform, load_features
from tilth.projects import Configuration, Initialization, Project, initialize
from tilth.tables import open_table

FILES = ("tilth.toml", "schema.toml", "features.py")


def write(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], encoding: str = "utf-8"
) -> Path:
    lines = [",".join(header), *(",".join(str(cell) for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def messy(path: Path, rows: int = 300) -> Path:
    """What comes out of an office: a byte order mark, spaces, ?, gaps, dates, keys, a constant, remarks."""
    random = np.random.default_rng(0)
    header = [
        "customer id",
        " age",
        " job",
        " income €",
        " since",
        " region",
        " remark",
        ' "a.b ""c"""',
        " bought it?",
    ]
    made = []
    for i in range(rows):
        age = int(random.integers(18, 80))
        made.append(
            [
                f"C{i:05d}",
                f" {age}",
                f" {random.choice(['cook', 'smith', '?'])}",
                "" if i % 13 == 0 else f" {random.normal(50, 9):.2f}",
                f" 2024-0{i % 9 + 1}-1{i % 9}",
                " EU",
                f' "customer {i} said that it was fine, {"really " * (i % 5)}and left"',
                f" {i % 7}",
                f" {'yes' if age > 50 else 'no'}",
            ]
        )
    return write(path, header, made, encoding="utf-8-sig")


def simple(path: Path, labels: Sequence[object]) -> Path:
    random = np.random.default_rng(1)
    size = random.normal(size=len(labels))
    return write(path, ["size", "y"], [(f"{s:.4f}", label) for s, label in zip(size, labels, strict=True)])


@pytest.fixture
def made(tmp_path: Path) -> Initialization:
    return initialize(messy(tmp_path / "messy data (1).csv"), "bought it?", tmp_path / "project")


def test_it_says_what_it_found(made: Initialization, tmp_path: Path) -> None:
    assert made.directory == tmp_path / "project"
    assert made.files == FILES
    assert (made.rows, made.columns, made.task) == (300, 9, "binary")


@pytest.mark.parametrize(
    "words",
    [
        ("byte order mark",),
        ("spaces around cells",),
        ("'?' means missing", "cells in job", "[data] missing"),
        ("customer id is an identifier", "left out of the features"),
        ("since is a date", "parts become features"),
        ("region is constant", "left out of the features"),
        ("remark is free text", "left out of the features"),
        ("'yes' is taken as the positive class", "name says so"),
    ],
)
def test_every_assumption_is_said_once(made: Initialization, words: tuple[str, ...]) -> None:
    assert sum(all(word in sentence for word in words) for sentence in made.assumptions) == 1


def test_nothing_else_is_said(made: Initialization) -> None:
    assert len(made.assumptions) == 8


def test_the_number_of_missing_cells_is_told(tmp_path: Path) -> None:
    rows = [("?" if i < 12 else "cook", i % 2) for i in range(40)]
    made = initialize(write(tmp_path / "a.csv", ["job", "y"], rows), "y", tmp_path / "p")
    assert any("12 cells in job" in sentence for sentence in made.assumptions)


def test_a_clean_file_makes_few_words(tmp_path: Path) -> None:
    made = initialize(simple(tmp_path / "a.csv", ["cat", "dog", "cow"] * 20), "y", tmp_path / "p")
    assert made.assumptions == ()


def test_the_configuration_that_is_written(made: Initialization) -> None:
    configuration = Project.load(made.directory).configuration
    assert configuration.project.name == "messy-data-1"
    assert configuration.project.label == "bought it?"
    assert configuration.project.positive == "yes"
    assert configuration.data.sources == ["../messy data (1).csv"]
    assert configuration.data.missing == ["?"]
    assert configuration.split.method == "balanced"
    assert configuration.split.columns == ["bought it?"]
    assert [(c.metric, c.baseline) for c in configuration.checks_at("model")] == [
        ("f1", "prior"),
        ("auroc", "majority"),
        ("auroc", "linear"),
        ("auroc", "champion"),
    ]
    assert {c.metric for c in configuration.checks_at("live")} == {
        "anomalies",
        "drifted_columns",
        "drifted_predictions",
        "error_rate",
    }


def test_every_key_of_the_configuration_is_written_for_people_to_change(made: Initialization) -> None:
    text = (made.directory / "tilth.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    assert set(written) == {"project", "data", "split", "train", "evaluate", "serve", "monitor", "checks"}
    assert set(written["split"]) == {"method", "columns", "fractions", "seed"}
    assert set(written["train"]) == {"estimator", "seed", "threshold", "parameters"}
    assert set(written["monitor"]) == {"window", "minimum_rows", "drift_threshold", "significance"}
    assert "<" not in text.replace("<-", "")


def test_the_schema_that_is_written(made: Initialization) -> None:
    schema = Project.load(made.directory).schema()
    assert schema["customer id"].kind == "identifier"
    assert schema["customer id"].unique
    assert schema["age"].type == "int"
    assert schema["job"].domain == ("cook", "smith")
    assert not schema["job"].required
    assert schema["income €"].type == "float"
    assert not schema["income €"].required
    assert schema["since"].type == "datetime"
    assert schema["region"].kind == "constant"
    assert schema["remark"].kind == "text"
    assert schema['a.b "c"'].type == "int"
    assert schema["bought it?"].not_in == ("serving",)


def test_the_features_that_are_written_can_be_fitted(made: Initialization) -> None:
    project = Project.load(made.directory)
    source = project.features_path.read_text(encoding="utf-8")
    transform = Transform(load_features(source), forbidden={"bought it?": "it is the label"})
    answered = transform.fit(project.data()).apply(project.data())
    assert answered.num_rows == 300
    assert {"age", "job=cook", "since weekday", 'a.b "c"'} <= set(answered.column_names)
    for left_out in ("customer id", "region", "remark", "bought it?"):
        assert f'x["{left_out}"]' not in source
        assert left_out == "bought it?" or f'"{left_out}" is left out' in source


def test_the_project_finds_its_data_from_anywhere(
    made: Initialization, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir("/")
    assert Project.load(made.directory).data().rows == 300
    assert Project.load(made.directory).data().columns["income €"] == "float"


def test_a_relative_path_is_kept_relative(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    simple(tmp_path / "data/a.csv", ["no", "yes"] * 20)
    monkeypatch.chdir(tmp_path)
    initialize("data/a.csv", "y", "deep/project")
    found = Project.load("deep/project")
    assert found.configuration.data.sources == ["../../data/a.csv"]
    assert found.data().rows == 40


@pytest.mark.parametrize(
    ("labels", "task", "method", "metric"),
    [
        (["no", "yes"] * 30, "binary", "balanced", "auroc"),
        ([0, 1] * 30, "binary", "balanced", "auroc"),
        (["true", "false"] * 30, "binary", "balanced", "auroc"),
        (["cat", "dog", "cow"] * 20, "multiclass", "balanced", "accuracy"),
        ([1, 2, 3] * 20, "multiclass", "balanced", "accuracy"),
        ([f"{i / 7:.3f}" for i in range(60)], "regression", "random", "r2"),
        ([i * i for i in range(60)], "regression", "random", "r2"),
    ],
)
def test_the_task_follows_from_the_label(
    labels: Sequence[object], task: str, method: str, metric: str, tmp_path: Path
) -> None:
    made = initialize(simple(tmp_path / "a.csv", labels), "y", tmp_path / "p")
    configuration = Project.load(made.directory).configuration
    assert made.task == configuration.project.task == task
    assert configuration.split.method == method
    assert configuration.split.fractions == (0.6, 0.2, 0.2)
    of_positives = {"f1"} if task == "binary" else set()
    assert {check.metric for check in configuration.checks_at("model")} == {metric, *of_positives}
    assert (configuration.project.positive is not None) == (task == "binary")
    live = {check.metric for check in configuration.checks_at("live")}
    assert ("error_rate" in live) == (task != "regression")


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        ([0, 1], 1),
        (["true", "false"], True),
        (["ham", "ham", "ham", "spam"], "spam"),
        (["<=50K", ">50K"], ">50K"),
    ],
)
def test_the_positive_class_is_written_as_it_is(
    labels: Sequence[object], positive: str | int | bool, tmp_path: Path
) -> None:
    initialize(simple(tmp_path / "a.csv", [*labels] * 20), "y", tmp_path / "p")
    written = Project.load(tmp_path / "p").configuration.project.positive
    assert written == positive
    assert type(written) is type(positive)


def test_a_large_file_is_dealt_by_hash(tmp_path: Path) -> None:
    initialize(simple(tmp_path / "a.csv", ["no", "yes"] * 5000), "y", tmp_path / "large")
    initialize(simple(tmp_path / "b.csv", ["no", "yes"] * 4999), "y", tmp_path / "small")
    large, small = (Project.load(tmp_path / name).configuration for name in ("large", "small"))
    assert (large.split.method, large.split.columns, large.split.fractions) == ("hash", [], (0.8, 0.1, 0.1))
    assert small.split.method == "balanced"
    tolerance = {c.baseline: c.low for c in large.checks_at("model")}
    assert tolerance["linear"] == tolerance["champion"] == -0.02
    assert {c.baseline: c.low for c in small.checks_at("model")}["linear"] == -0.05


def test_rows_without_a_label_do_not_hinder(tmp_path: Path) -> None:
    made = initialize(simple(tmp_path / "a.csv", ["no", "yes", ""] * 20), "y", tmp_path / "p")
    assert made.task == "binary"
    assert not Project.load(made.directory).schema()["y"].required


STRANGE = [
    "a.b",
    "a b",
    "a=b",
    "[x]",
    '"',
    "'",
    "\\",
    "#",
    "名前",
    "é",
    "columns",
    "features",
    "lambda",
    "🌱",
    "a\tb",
]


@pytest.mark.parametrize("name", STRANGE)
def test_a_column_may_have_any_name(name: str, tmp_path: Path) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    rows = [(i * 7 % 13, "yes" if i % 3 else "no") for i in range(60)]
    as_feature = write(tmp_path / "a.csv", [quoted, "y"], rows)
    as_label = write(tmp_path / "b.csv", ["size", quoted], rows)
    initialize(as_feature, "y", tmp_path / "a")
    project = Project.load(tmp_path / "a")
    assert project.schema()[name].type == "int"
    transform = Transform(load_features(project.features_path.read_text(encoding="utf-8")))
    assert transform.fit(project.data()).apply(project.data()).column_names == [name]
    initialize(as_label, name, tmp_path / "b")
    assert Project.load(tmp_path / "b").label == name


@pytest.mark.parametrize("name", ["<missing>", "<columns>", "<metric>", "<source>", "<positive>", "<task>"])
def test_a_label_may_be_named_like_a_place_in_the_template(name: str, tmp_path: Path) -> None:
    rows = [(i * 7 % 13, "yes" if i % 3 else "no") for i in range(60)]
    initialize(write(tmp_path / "a.csv", ["size", name], rows), name, tmp_path / "p")
    assert Project.load(tmp_path / "p").label == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Adult Census (final) v2.csv", "Adult-Census-final-v2"),
        ("données.csv", "données"),
        ("???.csv", "model"),
        ("-x-.csv", "x"),
        ("2024.csv", "2024"),
        ("a" * 200 + ".csv", None),
    ],
)
def test_the_project_is_named_after_the_file(file: str, name: str | None, tmp_path: Path) -> None:
    initialize(simple(tmp_path / file, ["no", "yes"] * 20), "y", tmp_path / "p")
    found = Project.load(tmp_path / "p").name
    assert found == name or (name is None and found.startswith("aaaa"))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / name).write_text("mine")
    with pytest.raises(ProjectError) as caught:
        initialize(simple(tmp_path / "a.csv", ["no", "yes"] * 20), "y", folder)
    assert f"{name} would be overwritten" in caught.value.what
    assert "--dir" in (caught.value.mend or "")
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == "mine"


def test_all_that_is_in_the_way_is_named(made: Initialization, tmp_path: Path) -> None:
    before = {name: (made.directory / name).read_bytes() for name in FILES}
    with pytest.raises(ProjectError, match=r"tilth\.toml and schema\.toml and features\.py"):
        initialize(tmp_path / "messy data (1).csv", "bought it?", made.directory)
    assert {name: (made.directory / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize("failing", FILES)
def test_a_failure_in_the_middle_leaves_nothing(
    failing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replace = Path.replace

    def fail(self: Path, target: str | Path) -> Path:
        if Path(target).name == failing:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        initialize(simple(tmp_path / "a.csv", ["no", "yes"] * 20), "y", tmp_path / "p")
    assert list((tmp_path / "p").iterdir()) == []


def test_a_full_disk_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_text = Path.write_text

    def fail(self: Path, data: str, encoding: str | None = None) -> int:
        if "features.py" in self.name:
            write_text(self, data[:10], encoding=encoding)
            raise OSError(28, "No space left on device")
        return write_text(self, data, encoding=encoding)

    data = simple(tmp_path / "a.csv", ["no", "yes"] * 20)
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OSError, match="No space left"):
        initialize(data, "y", tmp_path / "p")
    assert list((tmp_path / "p").iterdir()) == []


def test_a_label_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ColumnNotFoundError) as caught:
        initialize(messy(tmp_path / "a.csv"), "bought", tmp_path / "p")
    assert "no column 'bought'" in caught.value.what
    assert "did you mean 'bought it?'" in str(caught.value)
    assert not (tmp_path / "p").exists()


def test_a_file_without_a_header_is_suspected(tmp_path: Path) -> None:
    data = write(
        tmp_path / "a.csv", ["5.1", "3.5", "setosa"], [(4.9, 3.0, "setosa"), (6.1, 2.0, "virginica")]
    )
    with pytest.raises(ColumnNotFoundError) as caught:
        initialize(data, "species", tmp_path / "p")
    assert "header" in (caught.value.mend or "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"size,y\n", "no rows"),
        (b"size,y\n1,yes\n2,yes\n", "only one value"),
        (b"size,y\n1,\n2,\n", "label"),
        (b"size,y\n1,yes,3\n2,no\n", "3 cells where the header has 2"),
        (b"size,size,y\n1,2,no\n2,3,yes\n", "size"),
        (b"size,y\n1,\xc3\xa9\xff\n", "UTF-8"),
    ],
)
def test_data_that_cannot_be_learned_from_writes_nothing(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TilthError) as caught:
        initialize(path, "y", tmp_path / "p")
    assert words in str(caught.value)
    assert not (tmp_path / "p").exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothere\.csv"):
        initialize(tmp_path / "nothere.csv", "y", tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_the_same_data_writes_the_same_files(tmp_path: Path) -> None:
    data = messy(tmp_path / "a.csv")
    header, *rows = data.read_text(encoding="utf-8").splitlines()
    initialize(data, "bought it?", tmp_path / "p")
    data.write_text("\n".join([header, *reversed(rows)]) + "\n", encoding="utf-8")
    initialize(data, "bought it?", tmp_path / "q")
    for name in FILES:
        assert (tmp_path / "p" / name).read_bytes() == (tmp_path / "q" / name).read_bytes()


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1, max_size=12)

# Columns that start with "tilth." are Tilth's own, and no part of a schema.
names_of_people = cells.filter(lambda name: name.strip() == name and not name.startswith("tilth."))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(names_of_people, min_size=2, max_size=3, unique=True),
    text=cells,
)
def test_any_names_and_texts_give_files_that_load(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in [*names, text]]
    rows = [[*(str(i * 7 % 13) for _ in names[1:]), quoted[-1] if i % 3 else "other"] for i in range(30)]
    data = write(folder / "a.csv", [*quoted[1:-1], quoted[0]], rows)
    try:
        initialize(data, names[0], folder / "p")
    except (DataError, ColumnNotFoundError):
        assert not (folder / "p").exists()
        return
    project = Project.load(folder / "p")
    assert project.label == names[0]
    assert set(project.schema().names) == set(open_table(str(data)).columns)
    assert isinstance(project.configuration, Configuration)
    load_features(project.features_path.read_text(encoding="utf-8"))


def test_the_outcome_of_a_regression_need_not_be_whole(tmp_path: Path) -> None:
    initialize(simple(tmp_path / "a.csv", [i * i for i in range(60)]), "y", tmp_path / "p")
    assert Project.load(tmp_path / "p").schema()["y"].type == "float"


KILLED = """
import os, sys
from pathlib import Path
from tilth.projects import initialize
replace, left = Path.replace, [int(sys.argv[3])]
def until_killed(self, target):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return replace(self, target)
Path.replace = until_killed
initialize(sys.argv[1], "y", sys.argv[2])
"""


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_an_init_that_was_killed_can_be_given_again(moves: int, tmp_path: Path) -> None:
    data = simple(tmp_path / "a.csv", ["no", "yes"] * 20)
    command = [sys.executable, "-c", KILLED, str(data), str(tmp_path / "p"), str(moves)]
    assert subprocess.run(command).returncode == 9
    assert not (tmp_path / "p/tilth.toml").exists()
    assert initialize(data, "y", tmp_path / "p").files == FILES
    assert Project.load(tmp_path / "p").schema().names
