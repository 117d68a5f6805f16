"""The prediction log as Parquet files and lines together: nothing is lost, nothing is read twice."""

from __future__ import annotations

import datetime
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.profiles import profile
from tilth.tables import (
    LoggedMedia,
    Prediction,
    PredictionLog,
    compact,
    newest_predictions,
    prediction_log,
    predictions_table,
    read_predictions,
)
from tilth.tables.logged_media import is_reference
from tilth.types import COLUMN_TYPES, ColumnType

HOUR = datetime.timedelta(hours=1)
NOW = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC)
TYPES: dict[str, ColumnType] = {"age": "int", "height": "float", "city": "string", "tags": "list[string]"}


def made(number: int = 0, **changes: Any) -> Prediction:
    inputs = {"age": number, "height": number + 0.5, "city": "naïve\n\u2028", "tags": ["a", None]}
    fields: dict[str, Any] = {
        "id": "",
        "time": NOW + datetime.timedelta(seconds=number),
        "model": "census",
        "version": 3,
        "role": "live",
        "inputs": inputs,
        "label": ">50K",
        "scores": {"<=50K": 0.25, ">50K": 0.75},
        "latency_s": 0.001,
        "entity": f"customer {number}",
        "trace_id": "00ff",
    }
    return Prediction(**fields | changes)


def written(
    directory: Path, *predictions: Prediction, types: dict[str, ColumnType] | None = TYPES, at: Any = NOW
) -> list[str]:
    log = PredictionLog(directory, lambda: at)
    if types is not None:
        log.columns("census", 3, types)
    ids = log.append(predictions)
    log.close()
    return ids


def test_a_closed_file_becomes_parquet_where_any_tool_finds_it(tmp_path: Path) -> None:
    ids = written(tmp_path, *(made(n) for n in range(5)))
    before = read_predictions(tmp_path)
    done = compact(tmp_path)
    assert (done.segments, done.rows, done.problems) == (1, 5, ())
    [path] = done.files
    token = ids[0].rpartition("-")[0]
    place = f"model=census/version=3/date=2026-01-01/hour=12/{token}.parquet"
    assert path.relative_to(tmp_path).as_posix() == place
    assert not list(tmp_path.glob("*.jsonl"))
    assert not list(tmp_path.glob(".drafts/*"))
    assert read_predictions(tmp_path) == before
    assert [p.id for p in before] == ids
    found = pq.read_table(path)
    assert found.schema.names[:5] == [*TYPES, "tilth.prediction_id"]
    assert found["age"].type == "int64"
    assert found["tilth.scores"].to_pylist()[0] == [("<=50K", 0.25), (">50K", 0.75)]
    assert found["tilth.time"].to_pylist()[1] == NOW + datetime.timedelta(seconds=1)
    assert found["tilth.entity"].to_pylist() == [f"customer {n}" for n in range(5)]
    assert ds.dataset(tmp_path, format="parquet", partitioning="hive").count_rows() == 5


def test_predictions_are_found_by_id_before_and_after(tmp_path: Path) -> None:
    ids = written(tmp_path, *(made(n) for n in range(40)))
    log = PredictionLog(tmp_path)
    before = [log.find(identity) for identity in ids]
    compact(tmp_path)
    assert [log.find(identity) for identity in ids] == before
    assert log.find(ids[3] + "0") is None
    assert log.find("20261399T999999-0a0a0a0a-0") is None
    assert PredictionLog(tmp_path / "elsewhere").find(ids[0]) is None


def test_a_file_that_is_still_written_stays(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.append([made(1)])
    assert compact(tmp_path).segments == 0
    assert [p.inputs["age"] for p in read_predictions(tmp_path)] == [1]
    log.append([made(2)])
    log.close()
    assert compact(tmp_path).rows == 2
    assert compact(tmp_path).segments == 0
    assert [p.inputs["age"] for p in read_predictions(tmp_path)] == [1, 2]


def test_each_model_version_has_its_own_files(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    ids = log.append([made(n, version=3 + n % 2, model=f"m/{n % 3}") for n in range(12)])
    log.close()
    assert len(set(ids)) == 12
    assert len(list(tmp_path.glob("*.jsonl"))) == 6
    assert [p.id for p in read_predictions(tmp_path)] == ids
    assert compact(tmp_path).segments == 6
    assert [p.id for p in read_predictions(tmp_path)] == ids
    assert {p.inputs["age"] for p in read_predictions(tmp_path, version=3)} == {0, 2, 4, 6, 8, 10}
    assert prediction_log(tmp_path, model="m/1", version=4).rows == 2


@pytest.mark.parametrize("is_compacted", [False, True])
def test_lines_and_parquet_files_are_one_table(tmp_path: Path, is_compacted: bool) -> None:
    written(tmp_path, *(made(n) for n in range(3)))
    compact(tmp_path)
    written(tmp_path, made(3, role="shadow"), made(4, entity=None, trace_id=None))
    if is_compacted:
        compact(tmp_path)
    table = prediction_log(tmp_path)
    assert table.columns == TYPES | {
        "tilth.prediction_id": "string",
        "tilth.time": "datetime",
        "tilth.model": "string",
        "tilth.version": "int",
        "tilth.role": "string",
        "tilth.label": "string",
        "tilth.score": "float",
        "tilth.scores": "string",
        "tilth.latency_s": "float",
        "tilth.entity": "string",
        "tilth.trace_id": "string",
    }
    rows = table.to_arrow().to_pylist()
    assert sorted(row["age"] for row in rows) == [0, 1, 2, 3, 4]
    last = max(rows, key=lambda row: row["age"])
    assert last["tilth.time"] == (NOW + datetime.timedelta(seconds=4)).replace(tzinfo=None)
    assert (last["tilth.score"], json.loads(last["tilth.scores"])) == (0.75, {"<=50K": 0.25, ">50K": 0.75})
    assert last["tilth.entity"] is None
    assert last["tags"] == ["a", None]
    since = NOW + datetime.timedelta(seconds=2)
    assert sorted(prediction_log(tmp_path, since=since).to_arrow()["age"].to_pylist()) == [2, 3, 4]
    assert sorted(prediction_log(tmp_path, until=since).to_arrow()["age"].to_pylist()) == [0, 1]
    assert prediction_log(tmp_path, role="shadow").to_arrow()["age"].to_pylist() == [3]
    assert prediction_log(tmp_path, version=4).rows == 0
    assert sorted(p.inputs["age"] for p in read_predictions(tmp_path, since=since)) == [2, 3, 4]  # type: ignore[type-var]
    assert [row for part in table.parts() for row in part.to_arrow().to_pylist()] == rows
    assert profile(table).columns["age"].mean == 2.0
    one = table.select(["age", "tilth.time"]).filter(table.to_arrow()["age"].to_numpy() == 3)
    assert one.to_arrow()["age"].to_pylist() == [3]


def test_a_table_stays_as_it_was_when_it_was_made(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.columns("census", 3, TYPES)
    log.append([made(0), made(1)])
    table = prediction_log(tmp_path)
    log.append([made(2)])
    assert table.to_arrow()["age"].to_pylist() == [0, 1]
    log.close()
    compact(tmp_path)
    assert table.to_arrow()["age"].to_pylist() == [0, 1]
    assert prediction_log(tmp_path).rows == 3


def test_files_of_other_times_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for hours in range(6):
        then = NOW + hours * HOUR
        written(tmp_path, made(hours, time=then), at=then)
    compact(tmp_path)
    from tilth.tables import log_table

    opened = []
    real = log_table.open_log_file
    monkeypatch.setattr(log_table, "open_log_file", lambda path: opened.append(path.parts[-2]) or real(path))
    table = prediction_log(tmp_path, since=NOW + 4 * HOUR)
    assert table.to_arrow()["age"].to_pylist() == [4, 5]
    assert set(opened) == {"hour=15", "hour=16", "hour=17"}  # the hour before may have late ones


@pytest.mark.parametrize("years", [-3, 3])
def test_predictions_of_another_time_than_that_of_writing_are_found_by_their_own(
    tmp_path: Path, years: int
) -> None:
    then = NOW.replace(year=NOW.year + years)
    [identity] = written(tmp_path, made(0, time=then))
    [path] = compact(tmp_path).files
    assert path.name.endswith(".mixed.parquet")
    assert prediction_log(tmp_path, since=then, until=then + HOUR).rows == 1
    assert prediction_log(tmp_path, since=NOW - HOUR, until=NOW + HOUR).rows == 0
    assert PredictionLog(tmp_path).find(identity) is not None


def test_an_old_log_without_headers_stays_readable_and_is_compacted(tmp_path: Path) -> None:
    line = (
        b'{"time":"2026-01-01T12:00:0%dZ","model":"m","version":%d,"role":"live","inputs":{"x":%s},'
        b'"label":%d,"scores":null,"latency_s":0.1}\n'
    )
    values = [b"1", b"2.5", b"null", b"4"]
    lines = b"".join(line % (n, 1 + n % 2, value, n) for n, value in enumerate(values))
    (tmp_path / "predictions-20260101T120000-0a0a0a0a.jsonl").write_bytes(lines + lines[:20])
    before = read_predictions(tmp_path)
    assert [p.inputs["x"] for p in before] == [1, 2.5, None, 4]
    assert before[0].id == "20260101T120000-0a0a0a0a-0"
    assert prediction_log(tmp_path).to_arrow()["x"].to_pylist() == [1.0, None, 2.5, 4.0]
    assert len(compact(tmp_path).files) == 2
    assert read_predictions(tmp_path) == before
    assert [PredictionLog(tmp_path).find(p.id) for p in before] == before
    assert prediction_log(tmp_path).columns["x"] == "float"


def test_values_that_are_not_of_the_declared_type_are_kept_as_text(tmp_path: Path) -> None:
    other = {"age": "unknown", "height": 1, "city": None, "extra": {"deep": [1]}}
    written(tmp_path, made(1), made(2, inputs=other))
    [path] = compact(tmp_path).files
    found = pq.read_table(path)
    assert found["age"].to_pylist() == ["1", "unknown"]
    assert found["height"].to_pylist() == [1.5, 1.0]
    assert found["extra"].to_pylist() == [None, '{"deep": [1]}']
    table = prediction_log(tmp_path)
    assert (table.columns["age"], table.columns["tags"]) == ("string", "list[string]")


def test_lines_that_break_what_they_declare_are_told_until_they_are_compacted(tmp_path: Path) -> None:
    written(tmp_path, made(1), made(2, inputs={"age": "unknown"}))
    with pytest.raises(DataError, match=r"'age' has values of another type(.|\n)*tilth log compact"):
        prediction_log(tmp_path).to_arrow()
    written(tmp_path / "labels", made(1, label=1), made(2, label=2.5))
    with pytest.raises(DataError, match=r"tilth\.label"):
        prediction_log(tmp_path / "labels").to_arrow()
    compact(tmp_path / "labels")
    assert prediction_log(tmp_path / "labels").to_arrow()["tilth.label"].to_pylist() == [1.0, 2.5]


def test_columns_that_differ_between_files_are_joined(tmp_path: Path) -> None:
    written(tmp_path, made(0, inputs={"x": 1, "s": "a", "n": None}), types=None)
    compact(tmp_path)
    written(tmp_path, made(1, inputs={"x": 2.5, "s": True, "new": 7, "n": None}), types=None)
    table = prediction_log(tmp_path)
    rows = sorted(table.to_arrow().to_pylist(), key=lambda row: float(row["x"]))
    assert [(row["x"], row["s"], row["new"]) for row in rows] == [(1.0, "a", None), (2.5, "true", 7)]
    assert table.empty == {"n"}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1.5, math.nan, 3], [1.5, None, 3.0]),
        ([True, False], [True, False]),
        ([2, 3], [2, 3]),
        ([("a", "b"), ()], [["a", "b"], []]),
        (["a", 1], ["a", "1"]),
        ([math.nan], [None]),
    ],
)
def test_labels_of_every_sort(tmp_path: Path, labels: list[Any], expected: list[Any]) -> None:
    rows = [made(n, label=label, scores=None) for n, label in enumerate(labels)]
    written(tmp_path, *rows)
    assert prediction_log(tmp_path).to_arrow()["tilth.label"].to_pylist() == expected
    compact(tmp_path)
    assert prediction_log(tmp_path).to_arrow()["tilth.label"].to_pylist() == expected
    back = [p.label for p in read_predictions(tmp_path)]
    assert str(back) == str(
        [tuple(e) if isinstance(e, list) else math.nan if e is None else e for e in expected]
    )


def test_images_come_back_from_beside_the_log(tmp_path: Path) -> None:
    types: dict[str, ColumnType] = {"photo": "image", "age": "int"}
    photos = [LoggedMedia(b"GIF89a 1"), None, LoggedMedia(b"GIF89a 2")]
    rows = [made(n, inputs={"photo": photo, "age": n}) for n, photo in enumerate(photos)]
    written(tmp_path, *rows, types=types)
    for _ in range(2):
        table = prediction_log(tmp_path)
        assert table.columns["photo"] == "image"
        assert table.to_arrow()["photo"].to_pylist() == [b"GIF89a 1", None, b"GIF89a 2"]
        as_before = predictions_table(read_predictions(tmp_path), types)
        assert as_before.to_arrow()["photo"].to_pylist() == [b"GIF89a 1", None, b"GIF89a 2"]
        compact(tmp_path)
    [path] = tmp_path.glob("model=*/**/*.parquet")
    assert pq.read_table(path)["photo"].to_pylist()[0]["bytes"] == 8


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=100)
@given(
    st.lists(st.dictionaries(st.sampled_from(["x", "y", "tilth.label"]), VALUES), min_size=1, max_size=5),
    st.dictionaries(st.sampled_from(["x", "z"]), st.sampled_from(COLUMN_TYPES)),
    st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab"), min_size=5, max_size=5),
)
def test_whatever_was_logged_is_compacted_and_read(
    rows: list[dict[str, Any]], types: dict[str, ColumnType], labels: list[Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        shown = [math.nan if label is None else label for label in labels]
        ids = written(
            directory,
            *(made(n, inputs=row, label=shown[n], scores=None) for n, row in enumerate(rows)),
            types=types,
        )
        try:
            lines = prediction_log(directory).to_arrow()
        except DataError:  # not what was declared
            lines = None
        assert compact(directory).problems == ()
        table = prediction_log(directory)
        assert table.to_arrow()["tilth.prediction_id"].to_pylist() == ids
        assert [p.id for p in read_predictions(directory)] == ids
        same = ["tilth.prediction_id", "tilth.time", "tilth.entity"]
        assert lines is None or lines.select(same) == table.select(same).to_arrow()
        for place, row in enumerate(table.to_arrow().to_pylist()):
            for name, value in rows[place].items():
                logged = row["input.tilth.label" if name == "tilth.label" else name]
                assert (logged is None) == (value is None) or is_reference(value)


def test_dates_come_back_as_texts_that_mean_the_same(tmp_path: Path) -> None:
    types: dict[str, ColumnType] = {"at": "datetime"}
    rows = [made(n, inputs={"at": text}) for n, text in enumerate(["2024-02-29T12:00:00+02:00", None])]
    written(tmp_path, *rows, types=types)
    table = predictions_table(read_predictions(tmp_path), types).to_arrow()["at"]
    compact(tmp_path)
    assert predictions_table(read_predictions(tmp_path), types).to_arrow()["at"] == table
    assert prediction_log(tmp_path).to_arrow()["at"].to_pylist() == [datetime.datetime(2024, 2, 29, 10), None]


def test_an_input_with_a_name_of_the_log_itself_is_told_apart(tmp_path: Path) -> None:
    written(tmp_path, made(0, inputs={"tilth.time": "noon"}), types=None)
    compact(tmp_path)
    row = prediction_log(tmp_path).to_arrow().to_pylist()[0]
    assert (row["input.tilth.time"], row["tilth.time"]) == ("noon", NOW.replace(tzinfo=None))


def test_the_newest_come_first_and_only_as_many_as_asked_for(tmp_path: Path) -> None:
    for days in range(3):
        then = NOW + days * 24 * HOUR
        written(tmp_path, *(made(10 * days + n, time=then + n * HOUR / 60) for n in range(3)), at=then)
    compact(tmp_path)
    written(tmp_path, made(99, time=NOW + 60 * HOUR), at=NOW + 60 * HOUR)
    newest = newest_predictions(tmp_path, 3, until=NOW + 100 * HOUR)
    assert [p.inputs["age"] for p in newest] == [99, 22, 21]
    assert [p.inputs["age"] for p in newest_predictions(tmp_path, 2, until=NOW + 24 * HOUR)] == [2, 1]
    assert [p.inputs["age"] for p in newest_predictions(tmp_path, 9, since=NOW + 48 * HOUR)] == [
        99,
        22,
        21,
        20,
    ]
    assert len(newest_predictions(tmp_path, 100)) == 10
    assert newest_predictions(tmp_path / "nowhere", 5) == []


def test_a_damaged_file_is_told_and_left_while_others_are_compacted(tmp_path: Path) -> None:
    written(tmp_path, made(0))
    [path] = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"role"', b'"rule"'))
    written(tmp_path, made(1))
    done = compact(tmp_path)
    assert (done.segments, len(done.problems)) == (1, 1)
    assert "damaged" in done.problems[0]
    assert path.exists()
    path.unlink()
    [parquet] = done.files
    parquet.write_bytes(parquet.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"damaged(.|\n)*\.parquet"):
        read_predictions(tmp_path)
    with pytest.raises(DataError, match=r"damaged(.|\n)*\.parquet"):
        prediction_log(tmp_path)


def test_a_crash_between_parquet_and_lines_shows_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = written(tmp_path, *(made(n) for n in range(3)))
    unlink = Path.unlink

    def killed(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".jsonl":
            raise OSError(5, "the process was killed here")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", killed)
    assert "killed here" in compact(tmp_path).problems[0]
    monkeypatch.undo()
    assert len(list(tmp_path.glob("model=*/**/*.parquet"))) == 1
    assert [p.id for p in read_predictions(tmp_path)] == ids
    assert prediction_log(tmp_path).rows == 3
    assert compact(tmp_path).rows == 3
    assert [p.id for p in read_predictions(tmp_path)] == ids
