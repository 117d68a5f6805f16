"""Each command: what it prints where, its JSON, its exit status, and how it speaks of mistakes."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cyclopts import Parameter

import tilth
from project_factory import hurried_project, write_customers
from served import TILTH
from tilth.cli import main
from tilth.cli.application import COMMANDS
from tilth.pipelines import STEPS
from tilth.projects import Project
from tilth.tables import open_table

Capture = pytest.CaptureFixture[str]


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def strict(text: str) -> Any:
    """The one JSON document that a text is, without NaN and Infinity."""
    return json.loads(text, parse_constant=refuse)


Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions 1 (the champion) and 2 (the challenger)."""
    folder = hurried_project(tmp_path_factory.mktemp("trained"), rows=300).directory
    toml = folder / "tilth.toml"
    assert main(["run", "--dir", str(folder)]) == 0
    toml.write_text(toml.read_text().replace("n_estimators = 20", "n_estimators = 6"))
    assert main(["run", "--dir", str(folder)]) == 0
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_customers(tmp_path / "customers.csv", 200)


@pytest.fixture
def schema(data: Path, tmp_path: Path, ask: Ask) -> Path:
    assert ask("schema", data, "--missing", "?", "-o", tmp_path / "schema.toml")[0] == 0
    return tmp_path / "schema.toml"


# Help, version, usage.


def options(function: Callable[..., int]) -> list[str]:
    """The options of a command as people type them, those that several share included."""
    found = []
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        if is_dataclass(parameter.annotation):
            found += [field.name for field in fields(parameter.annotation)]
        else:
            found.append(named(parameter))
    return [f"--{name.replace('_', '-')}" for name in found]


def named(parameter: inspect.Parameter) -> str:
    """The name that a parameter is given in its annotation, or its own."""
    given = [
        each for each in getattr(parameter.annotation, "__metadata__", ()) if isinstance(each, Parameter)
    ]
    names = [name for each in given for name in each.name or () if name.startswith("--")]
    return names[0].removeprefix("--") if names else parameter.name


@pytest.mark.parametrize("command", [name for name, (_, target, _) in COMMANDS.items() if target])
def test_every_command_has_help_that_names_its_options(command: str, ask: Ask) -> None:
    status, out, err = ask(*command.split(), "--help")
    assert (status, err) == (0, "")
    module, _, name = COMMANDS[command][1].partition(":")
    assert f"tilth {command}" in out
    lacking = [
        option for option in options(getattr(importlib.import_module(module), name)) if option not in out
    ]
    assert lacking == []


def test_the_help_lists_every_command_with_its_sentence(ask: Ask) -> None:
    for family in ("", *(name for name, (_, target, _) in COMMANDS.items() if not target)):
        status, out, _ = ask(*family.split(), "--help")
        assert status == 0
        members = {name: entry for name, entry in COMMANDS.items() if (entry[0] == family) == bool(family)}
        for command, (group, _, sentence) in members.items():
            if not family and group in COMMANDS:
                continue
            assert f"{command.removeprefix(family).strip()} " in out
            assert sentence.split(";")[0].split(",")[0] in out
            assert family or group in out
    assert ask()[0] == 0


def test_the_version(ask: Ask) -> None:
    assert ask("--version")[:2] == (0, f"{tilth.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["init"],
        ["init", "a.csv"],
        ["init", "a.csv", "b.csv", "--label", "y"],
        ["status", "extra"],
        ["profile", "a.csv", "--nonsense"],
        ["profile"],
        ["schema"],
        ["compare", "a.csv"],
        ["compare", "a.csv", "b.csv", "--threshold", "much"],
        ["split", "a.csv", "--by", "magic"],
        ["split", "a.csv", "--fractions", "0.5"],
        ["split", "a.csv", "--seed", "x"],
        ["evaluate", "a.csv", "--label", "y"],
        ["predict", "a.csv"],
        ["serve", "--port", "http"],
        ["lineage"],
        ["validate", "a.csv"],
        ["run", "--no-json"],
    ],
)
def test_bad_usage_is_two_and_one_message(arguments: list[str], ask: Ask) -> None:
    status, out, err = ask(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert "Traceback" not in err


IN_A_PROJECT = [
    ["run"],
    ["status"],
    ["lineage", "x"],
    ["serve"],
    ["monitor"],
    ["promote"],
    ["rollback"],
    ["predict", "a.csv", "-o", "b.csv"],
]


@pytest.mark.parametrize("arguments", IN_A_PROJECT, ids=lambda a: a[0])
def test_outside_of_a_project_it_says_how_to_make_one(
    arguments: list[str], ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = ask(*arguments)
    assert (status, out) == (2, "")
    assert "there is no tilth.toml here" in err
    assert "to mend it:" in err
    assert "tilth init" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["serve"], ["monitor"], ["promote"], ["rollback"], ["predict", "customers.csv", "-o", "out.csv"]],
    ids=lambda a: a[0],
)
def test_before_the_first_run_there_is_no_champion(arguments: list[str], ask: Ask, tmp_path: Path) -> None:
    folder = hurried_project(tmp_path, rows=60).directory
    given = [str(folder / a) if a.endswith(".csv") else a for a in arguments]
    status, out, err = ask(*given, "--dir", folder)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["profile", "{}"],
        ["schema", "{}"],
        ["compare", "{}", "{}"],
        ["split", "{}"],
        ["evaluate", "{}", "--label", "y", "--prediction", "p"],
        ["init", "{}", "--label", "y"],
    ],
    ids=lambda a: a[0],
)
@pytest.mark.parametrize(
    "name", ["absent.csv", "absent.json", "absent.parquet", "folder", "empty.csv", "odd.xyz"]
)
def test_data_that_cannot_be_read_is_two_and_names_the_file(
    arguments: list[str], name: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").touch()
    (tmp_path / "odd.xyz").write_text("a,y,p\n1,2,3\n")
    status, out, err = ask(*(argument.format(name) for argument in arguments))
    assert (status, out) == (2, "")
    assert name in err
    assert "Traceback" not in err


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{}", '{"rows": 1, "columns": {}}', "\x00", "{"])
def test_a_json_file_that_is_no_profile_says_so(text: str, ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(text)
    status, out, err = ask("profile", path)
    assert (status, out) == (2, "")
    assert "no profile" in err or "not a profile" in err


# Errors of other kinds, and --debug.


def test_an_interruption_is_130(ask: Ask, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    # The package keeps what it has resolved, so it goes first: else the false one would be what is put back.
    monkeypatch.setattr(tilth, "profile", interrupt)
    monkeypatch.setattr("tilth.profiles.profile", interrupt)
    status, out, err = ask("profile", data)
    assert (status, out) == (130, "")
    assert err == "interrupted; nothing is left half-written, and the same command can be given again\n"


def test_a_mistake_in_tilth_is_70_and_says_so(ask: Ask, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(tilth, "profile", fail)
    status, out, err = ask("profile", data)
    assert (status, out) == (70, "")
    assert "RuntimeError: the sky fell" in err
    assert "--debug" in err
    assert "Traceback" not in err
    assert "Traceback" in ask("profile", data, "--debug")[2]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_anywhere_shows_the_traceback(place: int, ask: Ask) -> None:
    arguments = ["profile", "absent.csv"]
    arguments.insert(place, "--debug")
    status, out, err = ask(*arguments)
    assert (status, out) == (2, "")
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].strip()
    assert "error: " in err


def test_a_reader_that_has_seen_enough_is_no_error(data: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [TILTH, "profile", str(data)]
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_command_is_the_same(data: Path) -> None:
    done = subprocess.run([TILTH, "profile", str(data), "--json"], capture_output=True, text=True)
    assert done.returncode == 0
    assert strict(done.stdout)["rows"] == 200
    module = [
        sys.executable,
        "-c",
        "import sys; from tilth.cli import main; sys.exit(main())",
        "profile",
        "no.csv",
    ]
    assert subprocess.run(module, capture_output=True).returncode == 2


# Any data.


def test_profile_json(ask: Ask, data: Path) -> None:
    status, out, err = ask("profile", data, "--missing", "?", "--json")
    assert (status, err) == (0, "")
    document = strict(out)
    assert document["rows"] == 200
    assert list(document["columns"]) == ["income", "age", "plan", "bought"]
    income = document["columns"]["income"]
    assert {"type", "count", "missing", "distinct", "mean", "std", "min", "max", "zeros"} <= set(income)
    assert {"0.01", "0.5", "0.99"} <= set(income["quantiles"])
    assert all(len(bin_) == 3 for bin_ in income["histogram"])
    plan = document["columns"]["plan"]
    assert plan["type"] == "string"
    assert plan["missing"] + plan["count"] == 200
    assert plan["missing"] > 0
    assert plan["mean"] is None
    assert all(len(pair) == 2 for pair in plan["top"])
    assert plan["length"]


def test_profiles_merge(ask: Ask, data: Path, tmp_path: Path) -> None:
    other = write_customers(tmp_path / "more.csv", 100, seed=1)
    status, out, _ = ask("profile", data, "-o", tmp_path / "one.json")
    assert (status, out) == (0, "")
    merged = strict(ask("profile", tmp_path / "one.json", other, "--json")[1])
    assert merged["rows"] == 300
    assert merged == strict(ask("profile", other, data, "--json")[1])


def test_profile_for_people(ask: Ask, data: Path) -> None:
    status, out, _ = ask("profile", data)
    assert status == 0
    for name in ("income", "age", "plan", "bought"):
        assert name in out


def test_numbers_without_bounds_stay_strict_json(ask: Ask, tmp_path: Path) -> None:
    wild = tmp_path / "wild.csv"
    wild.write_text(
        "x,y\n" + "".join(f"{v},1\n" for v in ("inf", "-inf", "nan", "1e308", "-1e308", "", "2.5"))
    )
    assert strict(ask("profile", wild, "--json")[1])["rows"] == 7
    bounded = tmp_path / "schema.toml"
    bounded.write_text(
        '[columns.x]\ntype = "float"\nrequired = false\nmin = 0\nmax = 1\n[columns.y]\ntype = "int"\n'
    )
    status, out, _ = ask("validate", wild, "--schema", bounded, "--json")
    assert status == 1
    assert {anomaly["kind"] for anomaly in strict(out)["anomalies"]} == {"out_of_range"}
    status, out, _ = ask("compare", wild, wild, "--json")
    assert status == 0
    assert strict(out)["drifted"] == []


@pytest.mark.parametrize("name", ["nothing/profile.json", "folder"])
def test_an_output_that_cannot_be_written_leaves_nothing(
    name: str, ask: Ask, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for command in ("profile", "schema"):
        status, out, err = ask(command, data, "-o", tmp_path / name)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
    assert sorted(tmp_path.rglob("*")) == before


def test_schema_prints_or_writes(ask: Ask, data: Path, tmp_path: Path) -> None:
    status, printed, _ = ask("schema", data, "--missing", "?")
    assert status == 0
    assert "[columns.income]" in printed
    status, out, err = ask("schema", data, "--missing", "?", "-o", tmp_path / "[x].toml")
    assert (status, out) == (0, "")
    assert f"4 columns written to {tmp_path / '[x].toml'}" in err
    assert (tmp_path / "[x].toml").read_text().strip() == printed.strip()
    columns = strict(ask("schema", data, "--missing", "?", "--json")[1])["columns"]
    assert columns["plan"]["domain"] == ["basic", "plus", "pro"]


def test_validate_is_zero_for_data_that_holds(ask: Ask, data: Path, schema: Path) -> None:
    status, out, err = ask("validate", data, "--schema", schema, "--missing", "?")
    assert (status, out, err) == (0, "200 rows hold to the schema\n", "")
    status, out, _ = ask("validate", data, "--schema", schema, "--missing", "?", "--json")
    assert status == 0
    assert strict(out) == {"rows": 200, "anomalies": []}


def test_validate_is_one_for_an_error(ask: Ask, data: Path, schema: Path) -> None:
    status, out, err = ask("validate", data, "--schema", schema, "--json")
    assert (status, err) == (1, "")
    (anomaly,) = strict(out)["anomalies"]
    assert anomaly["column"] == "plan"
    assert anomaly["kind"] == "unexpected_values"
    assert anomaly["values"] == ["?"]
    assert anomaly["severity"] == "error"
    assert {"observed", "expected", "share", "message"} < set(anomaly)
    status, out, _ = ask("validate", data, "--schema", schema)
    assert status == 1
    assert anomaly["message"] in out


def test_validate_is_zero_for_a_warning(ask: Ask, data: Path, schema: Path) -> None:
    text = schema.read_text()
    schema.write_text(text.replace("[columns.plan]", '[columns.plan]\nseverity = "warning"'))
    status, out, _ = ask("validate", data, "--schema", schema, "--json")
    assert status == 0
    assert [anomaly["severity"] for anomaly in strict(out)["anomalies"]] == ["warning"]


def test_validate_in_an_environment(ask: Ask, data: Path, schema: Path, tmp_path: Path) -> None:
    schema.write_text(
        schema.read_text().replace("[columns.bought]", '[columns.bought]\nnot_in = ["serving"]')
    )
    lines = [line.rsplit(",", 1)[0] for line in data.read_text().splitlines()]
    (tmp_path / "served.csv").write_text("\n".join(lines) + "\n")
    given = ("validate", tmp_path / "served.csv", "--schema", schema, "--missing", "?")
    assert ask(*given)[0] == 1
    assert ask(*given, "--environment", "serving")[0] == 0
    status, _, told = ask(*given, "--environment", "servng")
    assert status == 2
    assert "did you mean 'serving'?" in told


@pytest.mark.parametrize("text", ["[columns.x]\ntype = 'flaot'", "columns = 3", "x ="])
def test_a_mistake_in_the_schema_names_the_file(text: str, ask: Ask, data: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    status, out, err = ask("validate", data, "--schema", tmp_path / "mine.toml")
    assert (status, out) == (2, "")
    assert "mine.toml" in err
    status, _, err = ask("validate", data, "--schema", tmp_path / "absent.toml")
    assert status == 2
    assert "absent.toml" in err


def test_compare_is_zero_when_nothing_drifted(ask: Ask, data: Path) -> None:
    status, out, err = ask("compare", data, data, "--json")
    assert (status, err) == (0, "")
    document = strict(out)
    assert {"columns", "new_columns", "missing_columns", "drifted"} <= set(document)
    assert document["drifted"] == document["new_columns"] == document["missing_columns"] == []
    income, plan = document["columns"]["income"], document["columns"]["plan"]
    contract = {"kind", "l_infinity", "jensen_shannon", "ks", "psi", "wasserstein", "threshold", "drifted"}
    assert contract <= set(income)
    assert contract <= set(plan)
    assert (income["kind"], plan["kind"]) == ("numeric", "categorical")
    assert set(income["ks"]) == {"statistic", "p_value"}
    assert income["l_infinity"] is None
    assert set(plan["l_infinity"]) == {"distance", "value"}
    assert plan["ks"] is None


def test_compare_is_one_when_a_column_drifted(ask: Ask, data: Path, tmp_path: Path) -> None:
    moved = write_customers(tmp_path / "moved.csv", 200, shift=30)
    status, out, _ = ask("compare", data, moved, "--json")
    assert status == 1
    assert "income" in strict(out)["drifted"]
    assert ask("compare", data, moved)[0] == 1
    assert ask("compare", data, moved, "--threshold", "100")[0] == 0


def test_compare_is_one_for_columns_that_came_or_went(ask: Ask, data: Path, tmp_path: Path) -> None:
    less = tmp_path / "less.csv"
    less.write_text("\n".join(line.split(",", 1)[1] for line in data.read_text().splitlines()) + "\n")
    status, out, _ = ask("compare", data, less, "--json")
    assert status == 1
    assert strict(out)["missing_columns"] == ["income"]
    assert strict(ask("compare", less, data, "--json")[1])["new_columns"] == ["income"]


def test_split_deals_every_row_once(ask: Ask, data: Path, tmp_path: Path) -> None:
    status, out, err = ask("split", data, "-o", tmp_path / "parts", "--json")
    assert (status, err) == (0, "")
    assert strict(out) == {"rows": {"train": 120, "dev": 40, "test": 40}}
    dealt: list[tuple[object, ...]] = []
    for part, rows in {"train": 120, "dev": 40, "test": 40}.items():
        table = open_table(str(tmp_path / "parts" / f"{part}.parquet"))
        assert table.rows == rows
        dealt += [tuple(row.values()) for row in table.to_arrow().to_pylist()]
    every = [tuple(row.values()) for row in open_table(str(data)).to_arrow().to_pylist()]
    assert sorted(map(str, dealt)) == sorted(map(str, every))


def test_split_balanced_and_by_group(ask: Ask, data: Path, tmp_path: Path) -> None:
    out = ask(
        "split",
        data,
        "--by",
        "balanced",
        "--column",
        "bought",
        "--fractions",
        "0.5",
        "0.25",
        "0.25",
        "--json",
    )
    assert strict(out[1])["rows"]["train"] in (99, 100, 101)
    status, _, _ = ask(
        "split", data, "--by", "group", "--column", "plan", "--column", "age", "-o", tmp_path / "g"
    )
    assert status == 0
    groups = [
        {
            (row["plan"], row["age"])
            for row in open_table(str(tmp_path / f"g/{part}.parquet")).to_arrow().to_pylist()
        }
        for part in ("train", "dev", "test")
    ]
    assert sum(map(len, groups)) == len(set.union(*groups))
    status, _, err = ask("split", data, "--by", "group")
    assert status == 2
    assert "column" in err
    status, _, err = ask("split", data, "--by", "group", "--column", "plna")
    assert status == 2
    assert "did you mean 'plan'?" in err


def test_evaluate_json(ask: Ask, tmp_path: Path) -> None:
    table = tmp_path / "judged.csv"
    rows = ["no,no,0.1,f", "no,yes,0.6,f", "yes,yes,0.9,f", "yes,no,0.4,m", "yes,yes,0.8,m"]
    table.write_text("\n".join(["y,said,score,sex", *rows]) + "\n")
    given = ("evaluate", table, "--label", "y", "--prediction", "said", "--score", "score", "--slice", "sex")
    status, out, err = ask(*given, "--json")
    assert (status, err) == (0, "")
    whole, female, male = strict(out)["slices"]
    assert (whole["slice"], whole["rows"], whole["confusion"]) == ({}, 5, [[1, 1], [1, 2]])
    assert (female["slice"], female["rows"]) == ({"sex": "f"}, 3)
    assert set(whole["metrics"]["recall"]) == {"value", "low", "high"}
    assert whole["metrics"]["recall"]["value"] == pytest.approx(2 / 3)
    assert male["metrics"]["auroc"] == {"value": None, "low": None, "high": None}
    status, out, _ = ask(*given)
    assert status == 0
    assert "recall" in out
    assert "undefined" in out
    assert strict(ask(*given, "--positive", "no", "--json")[1])["positive"] == "no"
    status, _, err = ask("evaluate", table, "--label", "yy", "--prediction", "said")
    assert status == 2
    assert "no column 'yy'" in err


# A project.


def test_init_in_words_and_as_json(ask: Ask, data: Path, tmp_path: Path) -> None:
    status, out, err = ask("init", data, "--label", "bought", "--dir", tmp_path / "one")
    assert (status, out) == (0, "")
    assert "200 rows x 4 columns; task: binary" in err
    assert "'?' means missing" in err
    assert f"Next: tilth run --dir {tmp_path / 'one'}" in err
    status, out, err = ask("init", data, "--label", "bought", "--dir", tmp_path / "two", "--json")
    assert (status, err) == (0, "")
    document = strict(out)
    assert document["directory"] == str(tmp_path / "two")
    assert document["files"] == ["tilth.toml", "schema.toml", "features.py"]
    assert (document["rows"], document["columns"], document["task"]) == (200, 4, "binary")
    assert any("'?' means missing" in sentence for sentence in document["assumptions"])
    status, out, err = ask("init", data, "--label", "bought", "--dir", tmp_path / "one")
    assert (status, out) == (2, "")
    assert "would be overwritten" in err


def test_init_here_needs_no_dir(
    ask: Ask, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = ask("init", "customers.csv", "--label", "bought")
    assert status == 0
    assert err.endswith("Next: tilth run\n")
    assert Project.load().label == "bought"


def test_run_prints_people_words_to_standard_error(ask: Ask, project: Path) -> None:
    status, out, err = ask("run", "--dir", project)
    assert (status, out) == (0, "")
    assert err.count("skipped") == len(STEPS)


def test_run_json_is_one_document_whatever_happens(ask: Ask, project: Path) -> None:
    status, out, _ = ask("run", "--dir", project, "--json")
    assert status == 0
    document = strict(out)
    assert (document["state"], document["reason"]) == ("complete", None)
    assert len(document["steps"]) == len(STEPS)
    toml = project / "tilth.toml"
    toml.write_text(toml.read_text().replace("min = 0.02", "min = 0.9"))
    status, out, err = ask("run", "--dir", project, "--json")
    assert status == 1
    document = strict(out)
    assert document["state"] == "failed"
    assert "auroc minus majority" in document["reason"]
    assert "the model is not registered" in err


def test_run_of_one_step(ask: Ask, project: Path) -> None:
    status, out, _ = ask("run", "split", "--dir", project, "--json")
    assert status == 0
    assert [step["step"] for step in strict(out)["steps"]] == [
        "ingest",
        "profile",
        "schema",
        "validate",
        "split",
    ]
    status, out, err = ask("run", "splti", "--dir", project)
    assert (status, out) == (2, "")
    assert "split" in err


def test_run_with_feedback_before_any_is_two(ask: Ask, project: Path) -> None:
    status, out, err = ask("run", "--with-feedback", "--dir", project)
    assert (status, out) == (2, "")
    assert "no outcome has come back yet" in err


def test_status_in_words_and_as_json(ask: Ask, project: Path) -> None:
    status, out, err = ask("status", "--dir", project)
    assert (status, err) == (0, "")
    assert len(out.splitlines()) < 24
    assert "customers@2" in out
    document = strict(ask("status", "--dir", project, "--json")[1])
    assert {"project", "dataset", "last_run", "models", "outcomes", "monitoring"} <= set(document)


def test_lineage_in_either_direction_or_both(ask: Ask, project: Path) -> None:
    data = project / "customers.csv"
    both = strict(ask("lineage", data, "--dir", project, "--json")[1])
    assert both["upstream"] is not None
    assert {model["version"] for model in both["downstream"]["models"]} == {1, 2}
    down = strict(ask("lineage", data, "--downstream", "--dir", project, "--json")[1])
    assert down["upstream"] is None
    assert down["downstream"] == both["downstream"]
    up = strict(ask("lineage", "customers@1", "--upstream", "--dir", project, "--json")[1])
    assert up["downstream"] is None
    status, out, _ = ask("lineage", "customers@champion", "--dir", project)
    assert status == 0
    assert "train" in out
    status, out, err = ask("lineage", "customers@7", "--dir", project)
    assert (status, out) == (2, "")
    assert "no version 7" in err


def test_a_data_file_is_named_as_in_the_project_from_any_folder(
    ask: Ask, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    status, out, _ = ask("lineage", "customers.csv", "--downstream", "--dir", project, "--json")
    assert status == 0
    assert {model["version"] for model in strict(out)["downstream"]["models"]} == {1, 2}


# In production.


def test_promote_and_rollback_in_words_and_as_json(ask: Ask, project: Path) -> None:
    status, out, err = ask("promote", "--why", "better", "--dir", project)
    assert (status, out, err) == (0, "", "customers@2 is the champion now\n")
    status, out, err = ask("rollback", "--dir", project, "--json")
    assert (status, err) == (0, "")
    assert strict(out) == {"model": "customers", "version": 1, "alias": "champion", "notes": []}
    assert strict(ask("promote", "customers@2", "--dir", project, "--json")[1])["version"] == 2
    status, out, err = ask("promote", "2", "--dir", project, "--json")
    assert (status, out) == (2, "")
    assert "is the champion already" in err
    assert ask("rollback", "--dir", project)[0] == 0
    status, out, err = ask("rollback", "--dir", project, "--json")
    assert (status, out) == (2, "")
    assert "nothing to roll back to" in err


def test_monitor_is_zero_while_nothing_rings(ask: Ask, project: Path) -> None:
    status, out, err = ask("monitor", "--dir", project)
    assert (status, err) == (0, "")
    assert "nothing to judge yet" in out
    status, out, err = ask("monitor", "--dir", project, "--json")
    assert (status, err) == (0, "")
    document = strict(out)
    assert (document["rows"], document["alarms"], len(document["waiting"])) == (0, [], 4)


def test_monitor_is_one_when_an_alarm_rings(ask: Ask, project: Path) -> None:
    toml = project / "tilth.toml"
    toml.write_text(f'{toml.read_text()}\n[[checks]]\nmoment = "live"\nmetric = "rows"\nmin = 1\n')
    status, out, _ = ask("monitor", "--dir", project, "--json")
    assert status == 1
    assert [alarm["metric"] for alarm in strict(out)["alarms"]] == ["rows"]
    status, out, _ = ask("monitor", "--dir", project)
    assert status == 1
    assert "ALARM    rows 0 < 1" in out


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_predict_writes_the_answers_beside_the_rows(
    suffix: str, ask: Ask, project: Path, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / f"answers{suffix}"
    status, out, err = ask("predict", data, "-o", output, "--dir", project)
    assert (status, out) == (0, "")
    assert err.split() == f"200 rows predicted into {output}".split()
    answers = open_table(str(output))
    assert answers.rows == 200
    assert {"income", "tilth.label", "tilth.score", "tilth.positive"} <= set(answers.columns)
    status, out, err = ask("predict", data, "-o", output, "--model", "2", "--dir", project, "--json")
    assert (status, err) == (0, "")
    assert strict(out) == {"rows": 200, "output": str(output)}


def test_predict_says_what_is_wrong_and_writes_nothing(
    ask: Ask, project: Path, data: Path, tmp_path: Path
) -> None:
    less = tmp_path / "less.csv"
    less.write_text("\n".join(line.split(",", 1)[1] for line in data.read_text().splitlines()) + "\n")
    output = tmp_path / "answers.csv"
    for source, target, model, words in [
        (less, output, "1", "no column 'income'"),
        (data, output, "9", "no version 9"),
        (data, tmp_path / "answers.xyz", "1", "xyz"),
    ]:
        status, out, err = ask("predict", source, "-o", target, "--model", model, "--dir", project)
        assert (status, out) == (2, "")
        assert words in err
        assert not target.exists()


def test_a_mistake_in_the_project_file_is_two_and_names_it(ask: Ask, project: Path) -> None:
    toml = project / "tilth.toml"
    toml.write_text(toml.read_text().replace("window =", "windwo ="))
    status, out, err = ask("status", "--dir", project)
    assert (status, out) == (2, "")
    assert err == (
        f"error: unknown key 'windwo'\n  where: {toml}, [monitor]\n"
        "  expected: one of window, minimum_rows, drift_threshold, significance\n"
        "  to mend it: did you mean 'window'?\n"
    )


def test_serve_without_its_port_is_two(ask: Ask, project: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, out, err = ask("serve", "--port", str(port), "--dir", project)
    assert (status, out) == (2, "")
    assert str(port) in err


READS_NOTHING = """
import subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
process.stdout.close()
err = process.stderr.read().decode()
print(process.wait())
print(err)
"""


def unread(*arguments: str | Path) -> tuple[int, str]:
    """A command whose reader has gone: exit status and standard error."""
    command = [sys.executable, "-c", READS_NOTHING, TILTH, *map(str, arguments)]
    status, _, err = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition(
        "\n"
    )
    return int(status), err.strip()


def test_a_reader_that_goes_away_does_not_change_the_status(data: Path, schema: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text(data.read_text().replace(",pro,", ",gold,"))
    given = ("--schema", schema, "--missing", "?")
    for json_too in ([], ["--json"]):
        assert unread("profile", data, *json_too) == (0, "")
        assert unread("validate", data, *given, *json_too) == (0, "")
        assert unread("validate", bad, *given, *json_too) == (1, "")
    assert unread("--help") == (0, "")
    status, err = unread("profile", tmp_path / "absent.csv")
    assert status == 2
    assert "absent.csv" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_behind_the_output_is_said(data: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([TILTH, "profile", str(data)], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_run_goes_on_when_nobody_reads_how(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=100)
    code = (
        "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE); p.stderr.close()"
    )
    code += "; sys.exit(p.wait())"
    command = [sys.executable, "-c", code, TILTH, "run", "split", "--dir", str(tmp_path)]
    assert subprocess.run(command).returncode == 0
    with project.store() as store:
        assert store.run(1).state == "complete"


def test_two_who_write_one_file_do_not_harm_each_other(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "profile.json"
    command = [TILTH, "profile", str(data), "-o", str(output)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert strict(output.read_text())["rows"] == 200
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_codes_of_digits_are_texts_where_the_schema_says_so(tmp_path: Path, ask: Ask) -> None:
    schema, data = tmp_path / "schema.toml", tmp_path / "zip.csv"
    schema.write_text('[columns.zip]\ntype = "string"\n')
    data.write_text("zip\n10115\nnone\n20095\n")
    status, out, _ = ask("validate", data, "--schema", schema, "--missing", "none")
    assert status == 1, "one is missing"
    assert "missing" in out
    assert "type" not in out
    data.write_text("zip\n10115\n20095\n")
    assert ask("validate", data, "--schema", schema)[:2] == (0, "2 rows hold to the schema\n")
