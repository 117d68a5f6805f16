"""`tilth log`: what was predicted, for people, for programs, as a file; compaction and retention by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from project_factory import make_project
from tilth.projects import Project
from tilth.tables import LoggedMedia, Prediction, PredictionLog, open_table

Ask = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path, 60)
    log = PredictionLog(made.predictions)
    log.append([prediction(n) for n in range(30)])
    log.append([prediction(99, version=2, role="shadow", label=float("nan"), age=timedelta(days=3))])
    log.close()
    return made


def prediction(
    number: int,
    *,
    version: int = 1,
    role: str = "live",
    label: str | float = "yes",
    age: timedelta = timedelta(),
) -> Prediction:
    inputs = {"income": number + 0.5, "plan": "pro\x1b[31m", "photo": LoggedMedia(b"GIF89a")}
    time = NOW - age - timedelta(seconds=30 - number % 30)
    scores = {"no": 0.25, "yes": 0.75}
    return Prediction("", time, "customers", version, role, inputs, label, scores, 0.002)


def test_the_newest_are_shown(project: Project, ask: Ask) -> None:
    status, out, _ = ask("log", "--dir", project.directory)
    lines = out.splitlines()
    assert status == 0
    assert len(lines) == 21
    assert lines[0].split() == ["time", "(UTC)", "model", "role", "label", "score", "ms", "inputs"]
    assert "customers@1" in lines[1]
    assert "income=29.5" in lines[1]
    assert "\x1b" not in out
    assert len(ask("log", "--limit", "5", "--dir", project.directory)[1].splitlines()) == 6


def test_programs_get_json(project: Project, ask: Ask) -> None:
    status, out, _ = ask("log", "--json", "--limit", "40", "--dir", project.directory)
    found = json.loads(out)
    assert status == 0
    assert [row["inputs"]["income"] for row in found] == [*(n + 0.5 for n in reversed(range(30))), 99.5]
    assert found[0]["inputs"]["photo"] == {"bytes": 6}
    assert found[0]["scores"] == {"no": 0.25, "yes": 0.75}
    assert found[-1]["label"] is None
    assert PredictionLog(project.predictions).find(found[0]["id"]) is not None


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--since", "1d"], 30),
        (["--since", "4d"], 31),
        (["--until", "1d"], 1),
        (["--since", f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M}"], 30),
        (["--version", "2"], 1),
        (["--role", "live"], 30),
        (["--role", "canary"], 0),
    ],
)
def test_what_is_asked_for(project: Project, ask: Ask, options: list[str], rows: int) -> None:
    _, out, _ = ask("log", "--json", "--limit", "100", *options, "--dir", project.directory)
    assert len(json.loads(out)) == rows
    file = project.directory / "out.parquet"
    status, out, _ = ask("log", "-o", file, "--json", *options, "--dir", project.directory)
    assert (status, json.loads(out)["rows"]) == (0, rows)
    assert open_table(file).rows == rows


def test_a_file_without_images(project: Project, ask: Ask) -> None:
    status, _, err = ask("log", "-o", project.directory / "out.csv", "--dir", project.directory)
    assert status == 0
    assert "images and recordings are left out" in err
    written = open_table(project.directory / "out.csv")
    assert written.rows == 31
    assert "photo" not in written.columns


def test_nothing_yet(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path, 60)
    assert ask("log", "--dir", tmp_path)[:2] == (0, "no predictions\n")
    assert ask("log", "compact", "--dir", tmp_path)[:2] == (0, "0 predictions in 0 new Parquet files\n")
    assert ask("log", "-o", tmp_path / "out.parquet", "--dir", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "yesterday"], "such as 1h, 7d"),
        (["--since", "5"], "such as 1h, 7d"),
        (["--until", "9999999999d"], "such as 1h, 7d"),
        (["--since", "99999999w"], "fewer days"),
        (["--limit", "0"], "1 to 10,000"),
        (["-o", "no-such-folder/out.parquet"], "no-such-folder"),
        (["-o", "out.xlsx"], "not written"),
    ],
)
def test_mistakes_are_told(
    project: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(project.directory)
    status, _, err = ask("log", *options)
    assert status == 2
    assert words in err


def test_compaction_by_hand_follows_the_project(project: Project, ask: Ask) -> None:
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text() + '\n[serve.log]\nkeep = "90d"\nsink = "warehouse"\n')
    before = json.loads(ask("log", "--json", "--limit", "40", "--dir", project.directory)[1])
    status, out, _ = ask("log", "compact", "--json", "--dir", project.directory)
    done = json.loads(out)
    assert (status, done["rows"], len(done["files"]), done["problems"]) == (0, 31, 2, [])
    assert len(list((project.directory / "warehouse").rglob("*.parquet"))) == 2
    assert json.loads(ask("log", "--json", "--limit", "40", "--dir", project.directory)[1]) == before
    (project.predictions / "predictions-20260101T120000-0a0a0a0a.jsonl").write_text("no JSON\n")
    status, out, _ = ask("log", "compact", "--dir", project.directory)
    assert status == 1
    assert "problem: a line of the log is damaged" in out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('roll = "0s"', "1s or more"),
        ('roll = "soon"', "a time such as"),
        ('keep = "5"', "a time such as"),
        ('sink = "ftp://host/log"', "not known"),
    ],
)
def test_settings_that_make_no_sense(project: Project, ask: Ask, line: str, words: str) -> None:
    toml = project.directory / "tilth.toml"
    toml.write_text(toml.read_text() + f"\n[serve.log]\n{line}\n")
    status, _, err = ask("log", "compact", "--dir", project.directory)
    assert status == 2
    assert words in err
