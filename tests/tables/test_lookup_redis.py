"""Look-ups in a real Redis server: one switch from the rows before to the rows after."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from test_lookups import info_of

from tilth.errors import DataError, NotFoundError, UsageError
from tilth.tables.lookup_redis import RedisLookups, redis_client, write_redis_lookups

pytest.importorskip("redis")
NAME = "tilth:loans:sums"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server of its own, which wants a password."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not here: apt-get install redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--requirepass", "secret"]
    with subprocess.Popen([program, "--port", str(port), *options], stdout=subprocess.DEVNULL) as process:
        address = f"redis://127.0.0.1:{port}/0"
        for _ in range(200):
            with socket.socket() as reaching:
                if reaching.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield address
        process.terminate()


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    """A connection to an empty server."""
    found = redis_client(server, "secret")
    found.flushall()
    yield found
    found.close()


def test_rows_are_read_as_they_were_written(client: Any) -> None:
    rows = [(n.to_bytes(2, "big"), [n, float(n), "é", None, [1, 2]]) for n in range(2500)]
    written = write_redis_lookups(client, NAME, iter(rows), info_of())
    assert (written.rows, written.newest_us) == (2500, 2499)
    store = RedisLookups(client, NAME)
    assert store.info == written
    assert store.get([rows[7][0], b"?"]) == [rows[7][1], None]
    assert store.get([]) == []


def test_a_reader_follows_the_switch_at_once_and_the_rows_before_go(client: Any) -> None:
    write_redis_lookups(client, NAME, [(b"a", [1, 10]), (b"b", [2, 20])], info_of())
    store = RedisLookups(client, NAME)
    write_redis_lookups(client, NAME, [(b"a", [3, 30])], info_of())
    assert store.get([b"a", b"b"]) == [[3, 30], None]
    assert store.info.rows == 1
    ends = sorted(client.ttl(key) for key in client.scan_iter(f"{NAME}:*"))
    assert ends[0] == -1  # what counts stays for good
    assert 0 < ends[1] <= 60


def test_rows_of_other_keys_are_kept_where_that_is_asked_for(client: Any) -> None:
    write_redis_lookups(client, NAME, [(b"a", [1, 10]), (b"b", [2, 20])], info_of())
    written = write_redis_lookups(client, NAME, [(b"a", [1, 11])], info_of(), keep=True)
    assert (written.rows, written.newest_us) == (2, 2)
    assert RedisLookups(client, NAME).get([b"a", b"b"]) == [[1, 11], [2, 20]]


def test_rows_that_fail_half_way_are_not_switched_to_and_go_by_themselves(client: Any) -> None:
    def broken() -> Any:
        yield from ((n.to_bytes(2, "big"), [n, n]) for n in range(1500))
        raise DataError("the features changed while they were read")

    write_redis_lookups(client, NAME, [(b"a", [1, 10])], info_of())
    with pytest.raises(DataError, match="changed"):
        write_redis_lookups(client, NAME, broken(), info_of())
    assert RedisLookups(client, NAME).get([b"a"]) == [[1, 10]]
    ends = sorted(client.ttl(key) for key in client.scan_iter(f"{NAME}:*"))
    assert ends[0] == -1
    assert 0 < ends[1] <= 3600


def test_rows_that_nobody_would_use_any_more_go(client: Any) -> None:
    write_redis_lookups(client, NAME, [(b"a", [1, 10])], info_of(), expire_s=500)
    (generation,) = client.scan_iter(f"{NAME}:*")
    assert 400 < client.ttl(generation) <= 500


def test_rows_that_redis_has_lost_are_not_keys_that_nobody_has(client: Any) -> None:
    write_redis_lookups(client, NAME, [(b"a", [1, 10])], info_of())
    store = RedisLookups(client, NAME)
    assert store.get([b"?"]) == [None]
    client.delete(*client.scan_iter(f"{NAME}:*"))
    with pytest.raises(NotFoundError, match="Redis has lost it"):
        store.get([b"a"])
    client.flushall()
    with pytest.raises(NotFoundError, match="Redis has lost it"):
        store.get([b"a"])


def test_what_is_not_there_is_told(client: Any) -> None:
    with pytest.raises(NotFoundError, match="tilth materialize sums"):
        RedisLookups(client, NAME)
    client.set(NAME, "something else")
    with pytest.raises(DataError, match="no look-up"):
        RedisLookups(client, NAME)


def test_a_server_that_does_not_answer_is_told_without_its_password(server: str, client: Any) -> None:
    wrong = redis_client(server, "another-password")
    with pytest.raises(DataError, match="does not answer for the look-up 'sums'") as raised:
        RedisLookups(wrong, NAME)
    assert "another-password" not in str(raised.value)
    wrong.close()
    write_redis_lookups(client, NAME, [(b"a", [1, 10])], info_of())
    store = RedisLookups(redis_client(server, "secret"), NAME)
    assert store.get([b"a"]) == [[1, 10]]
    client.client_pause(600)
    for _ in range(2):  # the second time nobody waits
        with pytest.raises(DataError, match="does not answer"):
            store.get([b"a"])
    time.sleep(1.1)
    assert store.get([b"a"]) == [[1, 10]]
    store.close()


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(UsageError, match="address"):
        redis_client("nonsense")
