"""How long a log is kept, where it goes too, what is left of personal columns, and who does it all."""

from __future__ import annotations

import datetime
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError, UsageError
from tilth.schemas import Personal
from tilth.tables import (
    Compactor,
    LoggedMedia,
    Prediction,
    PredictionLog,
    compact,
    open_table,
    prediction_log,
    read_predictions,
    redacted,
    redacted_types,
    redaction_key,
    remove_older,
)
from tilth.tables.log_sinks import open_sink

NOW = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def made(number: int = 0, at: datetime.datetime = NOW, **inputs: object) -> Prediction:
    given = inputs or {"x": number}
    return Prediction("", at, "m", 1, "live", given, "yes", {"no": 0.25, "yes": 0.75}, 0.001)  # type: ignore[arg-type]


def written(directory: Path, *rows: Prediction, at: datetime.datetime = NOW) -> None:
    log = PredictionLog(directory, lambda: at)
    log.append(rows)
    log.close()


def test_what_is_too_old_goes_with_its_folders(tmp_path: Path) -> None:
    for days in range(4):
        written(tmp_path, made(days, NOW + days * DAY), at=NOW + days * DAY)
    compact(tmp_path)
    written(tmp_path, made(9))  # old as well, but still lines
    now = NOW + 3 * DAY
    assert remove_older(tmp_path, 2 * DAY, lambda: now).files == 1
    assert sorted(p.inputs["x"] for p in read_predictions(tmp_path)) == [1, 2, 3, 9]  # type: ignore[type-var]
    assert not list(tmp_path.glob("model=*/version=*/date=2026-01-01"))
    compact(tmp_path)
    assert remove_older(tmp_path, datetime.timedelta(), lambda: now + DAY).files == 4
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("model=")]
    assert prediction_log(tmp_path).rows == 0


def test_an_image_stays_as_long_as_it_is_used(tmp_path: Path) -> None:
    written(tmp_path, made(photo=LoggedMedia(b"GIF89a old")), made(photo=LoggedMedia(b"GIF89a used again")))
    then = (time.time() - 30 * 86_400,) * 2
    for path in tmp_path.glob("media/*/*"):
        os.utime(path, then)
    written(tmp_path, made(photo=LoggedMedia(b"GIF89a used again")))
    assert remove_older(tmp_path, 7 * DAY).media == 1
    [left] = tmp_path.glob("media/*/*")
    assert left.read_bytes() == b"GIF89a used again"


def test_a_sink_gets_every_file_and_the_log_keeps_its_own(tmp_path: Path) -> None:
    log, sink = tmp_path / "log", tmp_path / "warehouse"
    written(log, made(1), made(2))
    [path] = compact(log, str(sink)).files
    [copy] = sink.rglob("*.parquet")
    assert copy.relative_to(sink) == path.relative_to(log)
    assert copy.read_bytes() == path.read_bytes()
    assert len(read_predictions(log)) == 2


def test_a_sink_that_fails_leaves_the_lines_for_later(tmp_path: Path) -> None:
    log, sink = tmp_path / "log", tmp_path / "warehouse"
    written(log, made(1))
    sink.write_text("in the way")
    done = compact(log, str(sink))
    assert "sink cannot be written" in done.problems[0]
    assert len(read_predictions(log)) == 1
    sink.unlink()
    assert compact(log, str(sink)).rows == 1
    assert len(list(sink.rglob("*.parquet"))) == 1
    assert not list(log.glob("*.jsonl"))


def test_a_delta_table_gets_each_file_once(tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    log, table = tmp_path / "log", tmp_path / "table"
    written(log, made(1), made(2))
    [path] = compact(log, f"delta:{table}").files
    open_sink(f"delta:{table}").put(path, path.relative_to(log).as_posix())  # as after a crash
    written(log, made(3, s="new"), at=NOW + DAY)
    assert not compact(log, f"delta:{table}").problems
    found = open_table(table, exclude=["tilth.scores"])
    assert found.rows == 3
    assert found.to_arrow()["x"].to_pylist().count(None) == 1


def test_an_object_store_gets_every_file(tmp_path: Path, bucket: str) -> None:
    written(tmp_path, made(1), made(2))
    compact(tmp_path, f"{bucket}/log/")
    found = open_table(f"{bucket}/log/**/*.parquet", exclude=["tilth.scores"])
    assert found.rows == 2
    written(tmp_path, made(3), at=NOW + DAY)
    assert "cannot be written" in compact(tmp_path, "s3://no-such-bucket/log").problems[0]
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    store = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    host, port = store.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="sink")
    yield "s3://sink"
    store.stop()


@pytest.mark.parametrize("place", ["ftp://a/b", "", "postgresql://user:secret@host/db"])
def test_a_sink_that_is_not_known_is_refused_without_its_password(place: str) -> None:
    with pytest.raises(UsageError, match="not known") as caught:
        open_sink(place)
    assert "secret" not in str(caught.value)


def test_personal_columns_are_redacted_hashed_or_left_out() -> None:
    personal: dict[str, Personal] = {"a": "redact", "b": "hash", "c": "omit", "d": "hash", "e": "redact"}
    row = {"a": "Ada", "b": 7, "c": "secret", "d": None, "e": None, "f": [1]}
    kept = redacted(row, personal, b"key")  # type: ignore[arg-type]
    assert list(kept) == ["a", "b", "d", "e", "f"]
    assert (kept["a"], kept["d"], kept["e"], kept["f"]) == ("[redacted]", None, None, [1])
    assert kept["b"] == redacted({"x": 7.0}, {"x": "hash"}, b"key")["x"]
    assert kept["b"] == redacted({"x": "7"}, {"x": "hash"}, b"key")["x"]
    assert kept["b"] != redacted({"x": 7}, {"x": "hash"}, b"another")["x"]
    photo = redacted({"x": LoggedMedia(b"GIF89a")}, {"x": "hash"}, b"key")["x"]
    assert photo == redacted({"x": "GIF89a"}, {"x": "hash"}, b"key")["x"]
    assert redacted_types({"a": "int", "c": "int", "f": "float"}, personal) == {"a": "string", "f": "float"}


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_no_text_is_left_of_a_personal_value(value: str) -> None:
    for how in ("redact", "hash", "omit"):
        shown = str(redacted({"x": value}, {"x": how}, b"key").get("x", ""))
        assert how == "omit" or len(shown) in (10, 32)
        assert shown == str(redacted({"x": value}, {"x": how}, b"key").get("x", ""))


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "log.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: redaction_key(path), range(32)))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["log.key"]
    path.write_text("damaged")
    with pytest.raises(DataError, match="64 hexadecimal digits"):
        redaction_key(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        redaction_key(path)


def test_a_compactor_closes_compacts_and_removes(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, roll_s=0)
    log.append([made(1, datetime.datetime.now(datetime.UTC))])
    compactor = Compactor(tmp_path, 600, log=log)
    compactor.turn()
    assert compactor.problem is None
    assert not list(tmp_path.glob("*.jsonl"))
    assert len(read_predictions(tmp_path)) == 1
    later = datetime.datetime.now(datetime.UTC) + 2 * DAY
    Compactor(tmp_path, 600, DAY, clock=lambda: later).turn()
    assert read_predictions(tmp_path) == []


def test_a_compactor_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    compactor = Compactor(tmp_path, 0.01)
    compactor.start()
    compactor.start()
    written(tmp_path, made(1))
    waited = time.monotonic() + 60
    while list(tmp_path.glob("*.jsonl")) and time.monotonic() < waited:
        time.sleep(0.02)
    compactor.stop()
    compactor.stop()
    assert not list(tmp_path.glob("*.jsonl"))
    assert len(read_predictions(tmp_path)) == 1


def test_a_compactor_says_what_it_cannot_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "predictions-20260101T120000-0a0a0a0a.jsonl").write_bytes(b"no JSON\n")
    compactor = Compactor(tmp_path, 600)
    compactor.turn()
    assert compactor.problem is not None
    assert "damaged" in compactor.problem
    compactor.turn()
    assert len([r for r in caplog.records if "damaged" in r.getMessage()]) == 1
    with pytest.raises(UsageError):
        Compactor(tmp_path, 0)
    with pytest.raises(UsageError):
        Compactor(tmp_path, 1, sink="ftp://a")


def test_files_are_closed_by_age_size_and_hour(tmp_path: Path) -> None:
    sized = PredictionLog(tmp_path / "size", roll_bytes=1)
    hour = PredictionLog(tmp_path / "hour", lambda: NOW.replace(minute=59, second=59, microsecond=999_999))
    for log in (sized, hour):
        log.append([made(1)])
        time.sleep(0.01)
        log.append([made(2)])
    assert len(list(tmp_path.glob("size/*.jsonl"))) == 2
    assert len(list(tmp_path.glob("hour/*.jsonl"))) == 2
    assert compact(tmp_path / "size").rows == 1
    sized.close_due()
    hour.close_due()
    assert compact(tmp_path / "size").rows == 1
    assert compact(tmp_path / "hour").rows == 2


def test_declaring_other_columns_begins_another_file(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.columns("m", 1, {"x": "int"})
    log.append([made(1)])
    log.columns("m", 1, {"x": "int"})
    log.append([made(2)])
    log.columns("m", 1, {"x": "float"})
    log.append([made(3)])
    log.close()
    paths = compact(tmp_path).files
    assert {str(pq.read_schema(path).field("x").type) for path in paths} == {"int64", "double"}
    assert prediction_log(tmp_path).columns["x"] == "float"


def test_a_group_that_cannot_be_written_takes_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = PredictionLog(tmp_path)
    rows = [made(1), Prediction("", NOW, "other", 1, "live", {"x": 2}, "yes", None, 0.1)]
    log.append(rows)
    write = os.write

    def fail(descriptor: int, block: bytes) -> int:
        if b'"other"' in block:
            raise OSError(28, "No space left on device")
        return write(descriptor, block)

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(DataError, match="No space left"):
        log.append(rows)
    monkeypatch.undo()
    log.append([made(5)])
    log.close()
    assert sorted(p.inputs["x"] for p in read_predictions(tmp_path)) == [1, 2, 5]  # type: ignore[type-var]


LIMITED = """
import resource, sys
from datetime import datetime, UTC
from tilth.errors import DataError
from tilth.tables import Prediction, PredictionLog, compact
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
log = PredictionLog(sys.argv[1])
row = Prediction("", datetime.now(UTC), "m", 1, "live", {"s": "a" * 300}, 1, None, 0.001)
ids = []
try:
    while True:
        ids += log.append([row])
except DataError as error:
    print("full:", "cannot be written" in str(error))
log.close()
print(*ids)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 5000))
print("problems:", len(compact(sys.argv[1]).problems))
"""


def test_a_full_disk_stops_the_log_and_compaction_without_loss(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    full, ids, problems = done.stdout.splitlines()
    assert (full, problems) == ("full: True", "problems: 1")
    assert len(ids.split()) > 5
    assert [p.id for p in read_predictions(tmp_path)] == ids.split()
    assert not list(tmp_path.rglob("*.parquet"))
    assert compact(tmp_path).rows == len(ids.split())
    assert [p.id for p in read_predictions(tmp_path)] == ids.split()


def test_a_folder_that_may_only_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, made(1))
    real = os.open

    def refuse(path: object, flags: int, *more: int, **options: int) -> int:
        if flags & (os.O_WRONLY | os.O_CREAT):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *more, **options)  # type: ignore[call-overload, no-any-return]

    def read_only(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(DataError, match="Permission denied"):
        PredictionLog(tmp_path).append([made(2)])
    assert "Permission denied" in compact(tmp_path).problems[0]
    assert len(read_predictions(tmp_path)) == 1
    assert prediction_log(tmp_path).rows == 1


def test_a_child_of_a_fork_leaves_the_files_to_its_parent(tmp_path: Path) -> None:
    code = f"""
import os
from datetime import datetime, UTC
from tilth.tables import Prediction, PredictionLog, read_predictions
log = PredictionLog({str(tmp_path)!r})
row = Prediction("", datetime.now(UTC), "m", 1, "live", {{"x": 1}}, 1, None, 0.001)
log.append([row])
if os.fork() == 0:
    log.append([row, row])
    os._exit(0)
os.wait()
log.append([row])
print(len(read_predictions({str(tmp_path)!r})), len(os.listdir({str(tmp_path)!r})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "2"]
