"""Prediction and feedback logs: what was answered is on record, whatever happens to the process."""

from __future__ import annotations

import datetime
import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import (
    FeedbackLog,
    Prediction,
    PredictionLog,
    predictions_table,
    read_feedback,
    read_predictions,
)

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def made(number: int = 0, *, seconds: int = 0, **inputs: object) -> Prediction:
    return Prediction(
        id="",
        time=NOW + datetime.timedelta(seconds=seconds),
        model="census",
        version=1 + number % 2,
        role="live",
        inputs=inputs or {"x": number, "s": "naïve\n\u2028", "n": None},  # type: ignore[arg-type]
        label=">50K",
        scores={"<=50K": 0.25, ">50K": 0.75},
        latency_s=0.001,
    )


def test_what_is_appended_is_found_and_read(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    ids = log.append([made(0), made(1, seconds=1)]) + log.append([made(2, seconds=2)])
    assert len(set(ids)) == 3
    read = read_predictions(tmp_path)
    assert [prediction.id for prediction in read] == ids
    assert [log.find(identity) for identity in ids] == read
    assert PredictionLog(tmp_path).find(ids[1]) == read[1]
    assert read[1].inputs == {"x": 1, "s": "naïve\n\u2028", "n": None}
    assert (read[1].time, read[1].scores, read[1].label) == (
        NOW + datetime.timedelta(seconds=1),
        {"<=50K": 0.25, ">50K": 0.75},
        ">50K",
    )
    log.close()


def test_every_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    logs = [PredictionLog(tmp_path) for _ in range(3)]
    for log in logs:
        log.append([made()])
        log.close()
    assert len(list(tmp_path.glob("predictions-*.jsonl"))) == 3
    assert len(read_predictions(tmp_path)) == 3


def test_nothing_appended_makes_no_file(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / "deep" / "down")
    assert log.append([]) == []
    assert read_predictions(tmp_path / "deep") == []
    assert not (tmp_path / "deep").exists()
    assert log.find("20260101T120000-0a0a0a0a-0") is None


@pytest.mark.parametrize(
    "identity",
    [
        "",
        "x",
        "../../etc/passwd-0",
        "20260101T120000-0a0a0a0a-0",
        "a/b-0",
        "20260101T120000-0a0a0a0a-zz",
        "\0-0",
    ],
)
def test_ids_that_were_never_given(tmp_path: Path, identity: str) -> None:
    log = PredictionLog(tmp_path)
    log.append([made()])
    assert log.find(identity) is None
    log.close()


def test_an_offset_inside_a_line_is_no_id(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    [first, second] = log.append([made(0), made(2)])
    token, offset = second.rsplit("-", 1)
    assert log.find(f"{token}-{int(offset, 16) - 2:x}") is None
    assert log.find(f"{token}-{10**6:x}") is None
    assert log.find(f"{token}-0{offset}") is None
    assert log.find(f"{token}-0") is None  # the header
    assert log.find(first).inputs["x"] == 0  # type: ignore[union-attr]
    log.close()


def test_filters_and_order(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.append([made(0, seconds=5), made(1, seconds=1), made(2, seconds=3)])
    log.close()
    assert [p.inputs["x"] for p in read_predictions(tmp_path)] == [1, 2, 0]
    since = NOW + datetime.timedelta(seconds=3)
    assert [p.inputs["x"] for p in read_predictions(tmp_path, since=since)] == [2, 0]
    assert [p.inputs["x"] for p in read_predictions(tmp_path, version=2)] == [1]


def test_a_torn_last_line_is_left_out_and_damage_is_said(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    [first, second] = log.append([made(0), made(2)])
    log.close()
    [path] = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert [p.id for p in read_predictions(tmp_path)] == [first]
    assert log.find(second) is None
    path.write_bytes(b"#" + content[1:])
    with pytest.raises(DataError, match=r"damaged(.|\n)*offset 0"):
        read_predictions(tmp_path)


def test_threads_share_a_log(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        ids = [i for ids in pool.map(lambda n: log.append([made(n)] * (1 + n % 3)), range(200)) for i in ids]
    assert sorted(ids) == sorted(p.id for p in read_predictions(tmp_path))
    log.close()


@pytest.mark.parametrize("failure", ["short", "full", "broken"])
def test_a_full_disk_loses_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    log = PredictionLog(tmp_path)
    [kept] = log.append([made(0)])
    write, truncate = os.write, os.ftruncate

    def fail(descriptor: int, block: bytes) -> int:
        if failure == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, block[:10])

    def refuse(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "write", fail)
    if failure == "broken":
        monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(DataError, match=r"cannot be written: [Nn]o space left(.|\n)*free some space"):
        log.append([made(1)])
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "ftruncate", truncate)
    [later] = log.append([made(2)])
    assert sorted(p.id for p in read_predictions(tmp_path)) == sorted([kept, later])
    assert log.find(later) is not None
    log.close()


WRITER = """
import sys
from datetime import datetime, UTC
from tilth.tables import Prediction, PredictionLog
log = PredictionLog(sys.argv[1])
row = Prediction("", datetime.now(UTC), "m", 1, "live", {"x": 1.5, "s": "a" * 200}, 1, None, 0.001)
while True:
    print("\\n".join(log.append([row] * 3)), flush=True)
"""


def test_a_killed_process_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    answered = [process.stdout.readline() for _ in range(3000)]
    process.send_signal(signal.SIGKILL)
    answered += process.stdout.readlines()
    process.stdout.close()
    process.wait()
    ids = {line.strip() for line in answered if line.endswith("\n")}
    assert len(ids) >= 3000
    assert ids <= {p.id for p in read_predictions(tmp_path)}


def test_feedback_the_latest_counts(tmp_path: Path) -> None:
    assert read_feedback(tmp_path / "nowhere") == {}
    for label, hour in (("no", 3), ("yes", 5), ("maybe", 4)):
        log = FeedbackLog(tmp_path)
        log.append("a-0", label, NOW.replace(hour=hour))
        log.append("b-0", 7, NOW)
        log.close()
    assert read_feedback(tmp_path) == {"a-0": ("yes", NOW.replace(hour=5)), "b-0": (7, NOW)}


def test_times_are_told_in_utc(tmp_path: Path) -> None:
    log = FeedbackLog(tmp_path)
    berlin = datetime.timezone(datetime.timedelta(hours=1))
    log.append("a", True, NOW.astimezone(berlin))
    log.append("b", 0.5, NOW.replace(tzinfo=None))
    log.close()
    assert read_feedback(tmp_path) == {"a": (True, NOW), "b": (0.5, NOW)}
    assert read_feedback(tmp_path)["a"][1].utcoffset() == datetime.timedelta(0)


def test_predictions_as_a_table() -> None:
    rows = [
        made(x=1, f=2, s="", b=True, t="2026-01-01T01:00:00+01:00", n="?"),
        made(x=2.0, f=0.5, s="a", b=None, t="2026-01-02", n="7"),
        made(s="b"),
    ]
    types = {"x": "int", "f": "float", "s": "string", "b": "bool", "t": "datetime", "n": "string"}
    table = predictions_table(rows, types, missing=["?"])  # type: ignore[arg-type]
    assert table.to_arrow().to_pylist()[0] == {
        "x": 1,
        "f": 2.0,
        "s": None,
        "b": True,
        "t": datetime.datetime(2026, 1, 1),
        "n": None,
        "tilth.prediction_id": "",
        "tilth.time": NOW.replace(tzinfo=None),
        "tilth.version": 1,
        "tilth.label": ">50K",
        "tilth.score": 0.75,
    }
    assert table.to_arrow().column("x").to_pylist() == [1, 2, None]


def test_no_predictions_as_a_table() -> None:
    table = predictions_table([], {"x": "float"})
    assert table.rows == 0
    assert list(table.columns) == [
        *("x", "tilth.prediction_id", "tilth.time", "tilth.version", "tilth.label", "tilth.score")
    ]


@pytest.mark.parametrize(
    ("kind", "value"), [("int", 1.5), ("float", "x"), ("float", True), ("datetime", "x")]
)
def test_an_input_of_another_type_is_named(kind: str, value: object) -> None:
    with pytest.raises(DataError, match="column 'x' has the value"):
        predictions_table([made(x=value)], {"x": kind})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("label", "scores", "kind", "score"),
    [
        (1, {"0": 0.4, "1": 0.6}, "int", 0.6),
        (False, {"false": 0.9, "true": 0.1}, "bool", 0.9),
        (12.5, None, "float", None),
        ("other", {"a": 0.3, "b": 0.7}, "string", 0.7),
    ],
)
def test_labels_keep_their_type(
    label: str | float, scores: dict[str, float] | None, kind: str, score: float | None
) -> None:
    row = Prediction("a", NOW, "m", 1, "live", {}, label, scores, 0.0)
    table = predictions_table([row], {})
    assert table.columns["tilth.label"] == kind
    assert table.to_arrow().column("tilth.score").to_pylist() == [score]
