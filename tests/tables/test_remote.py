"""Files in an object store: a real server that speaks S3, on this machine."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pyarrow as pa
import pytest

from tilth.errors import DataError
from tilth.tables import fingerprint, open_table, write_table

HAS_SERVER = all(importlib.util.find_spec(name) for name in ("moto", "boto3", "flask"))
pytestmark = pytest.mark.skipif(
    not HAS_SERVER, reason="the S3 server is not here: pip install 'moto[server]' boto3"
)

DATA = pa.table({"x": [1, 2, None], "s": ["a", "b", "c"]})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a server with the bucket `tables`."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, and an environment to reach it."""
    import boto3

    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="tables")
    for item in client.list_objects_v2(Bucket="tables").get("Contents", []):
        client.delete_object(Bucket="tables", Key=item["Key"])
    return client


def put(store: Any, folder: Path, key: str, data: pa.Table = DATA) -> None:
    """Write an object in the form that its key ends in."""
    path = folder / key.replace("/", "_")
    write_table(data, path)
    store.upload_file(str(path), "tables", key)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv", "csv.gz", "jsonl", "jsonl.gz"])
def test_every_form_of_file(store: Any, tmp_path: Path, ending: str) -> None:
    put(store, tmp_path, f"d/t.{ending}")
    table = open_table(f"s3://tables/d/t.{ending}")
    assert table.name == f"s3://tables/d/t.{ending}"
    assert table.to_arrow() == DATA
    assert fingerprint(table) == fingerprint(open_table(DATA))
    sent = cloudpickle.loads(cloudpickle.dumps(table))
    assert sent.to_arrow() == DATA


def test_folders_patterns_and_values_in_folders(store: Any, tmp_path: Path) -> None:
    for year in (2024, 2025):
        put(store, tmp_path, f"sales/year={year}/part 1.parquet", DATA.slice(0, year - 2023))
    put(store, tmp_path, "sales/year=2025/more.csv")
    store.put_object(Bucket="tables", Key="sales/_SUCCESS", Body=b"")
    store.put_object(Bucket="tables", Key="sales/year=2024/notes.md", Body=b"")
    for place in ("s3://tables/sales/year=2024", "s3://tables/sales/year=2024/"):
        assert open_table(place).to_arrow()["x"].to_pylist() == [1]
    table = open_table("s3://tables/sales/**/*.parquet")
    assert table.to_arrow().select(["x", "year"]).to_pylist() == [
        {"x": 1, "year": 2024},
        {"x": 1, "year": 2025},
        {"x": 2, "year": 2025},
    ]
    assert table.name == "s3://tables/sales/**/*.parquet"
    assert len(table.parts()) == 2
    assert open_table("s3://tables/sales/year=202?/*.csv").rows == 3
    with pytest.raises(DataError, match=r"different kinds: 2 ending in \.parquet, 1 ending in \.csv"):
        open_table("s3://tables/sales")


def test_a_delta_table(store: Any) -> None:
    deltalake = pytest.importorskip("deltalake")
    options = {"AWS_ALLOW_HTTP": "true"}
    deltalake.write_deltalake("s3://tables/delta", DATA, storage_options=options)
    deltalake.write_deltalake("s3://tables/delta", DATA, mode="append", storage_options=options)
    assert open_table("s3://tables/delta").rows == 6
    assert open_table("s3://tables/delta@0").to_arrow() == DATA


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("s3://tables/none.csv", "no such file or folder"),
        ("s3://tables/*.none", "no file matches this pattern"),
        ("s3://nobody/a.csv", "no such file or folder"),
        ("s3://", "not an address"),
        ("s3://tables/a.xlsx", "from this machine only"),
        ("s3://tables/a.bin", "'.bin' are not known"),
        ("s3://tables/empty.csv", "the file is empty"),
    ],
)
def test_what_cannot_be_read(store: Any, place: str, words: str) -> None:
    for key in ("a.xlsx", "a.bin"):
        store.put_object(Bucket="tables", Key=key, Body=b"x")
    store.put_object(Bucket="tables", Key="empty.csv", Body=b"")
    with pytest.raises(DataError, match=words):
        open_table(place)


def test_an_object_that_changes_is_noticed(store: Any, tmp_path: Path) -> None:
    put(store, tmp_path, "t.parquet")
    table = open_table("s3://tables/t.parquet")
    put(store, tmp_path, "t.parquet", DATA.slice(1))
    with pytest.raises(DataError, match="changed while it was being used"):
        table.to_arrow()


def test_a_damaged_object(store: Any, tmp_path: Path) -> None:
    write_table(DATA, tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    store.put_object(Bucket="tables", Key="t.parquet", Body=content[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        open_table("s3://tables/t.parquet")


@pytest.mark.slow
def test_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(DataError, match=r"the store cannot be read(.|\n)*AWS_ENDPOINT_URL") as caught:
        open_table("s3://key:s3cret@tables/a.csv")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("secret", ["s3cret", "s3/cr:et", "s3@cret", "%s3cret"])
def test_secrets_in_addresses_are_never_shown(store: Any, secret: str) -> None:
    with pytest.raises(DataError) as caught:
        open_table(f"s3://key:{secret}@nobody/a.csv")
    error: BaseException | None = caught.value
    while error is not None:
        assert secret not in str(error)
        error = error.__cause__


def test_web_addresses_are_refused_with_advice() -> None:
    with pytest.raises(DataError, match=r"not opened(.|\n)*curl -LO"):
        open_table("https://example.com/a.csv")
