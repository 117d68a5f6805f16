"""Looked-up rows in Redis, for servers on several machines: one hash for each generation, and one switch.

    tilth:PROJECT:NAME             what is stored (JSON), and which generation of rows counts
    tilth:PROJECT:NAME:GENERATION  a hash: key -> row (MessagePack)

A generation is written beside the one that counts and switched to in a transaction; the one before goes a
minute later, when nobody reads it any more. One that was never finished goes by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tilth.errors import DataError, NotFoundError, UsageError
from tilth.tables.lookup_rows import LookupRow
from tilth.tables.lookups import LookupInfo

__all__ = ["RedisLookups", "redis_client", "write_redis_lookups"]

_FORMAT = 1
_AT_ONCE = 1000
_UNFINISHED_S = 3600
_OUTLIVED_S = 60
_TIMEOUT_S = 0.25
_PAUSE_S = 1.0
_encode_row = msgspec.msgpack.Encoder().encode
_decode_row = msgspec.msgpack.Decoder(list[object]).decode


class _Pointer(msgspec.Struct, frozen=True):
    generation: str
    info: LookupInfo
    is_for_good: bool


_decode_pointer = msgspec.json.Decoder(_Pointer).decode


def redis_client(address: str, password: str | None = None, timeout_s: float = _TIMEOUT_S) -> Any:
    """A connection to a Redis server; it is made when it is first used.

    Args:
        address: such as "redis://host:6379/0".
        password: its password.
        timeout_s: how long to wait for an answer.

    Raises:
        UsageError: the package `redis` is not installed, or the address is none.
    """
    try:
        import redis
    except ImportError as error:
        raise UsageError(
            "look-ups in Redis need the package redis", mend="pip install 'tilth[redis]'"
        ) from error
    try:
        return redis.Redis.from_url(
            address, password=password, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
    except ValueError as error:
        raise UsageError(f"the address of the look-up's store is none: {error}") from error


def write_redis_lookups(
    client: Any,
    name: str,
    rows: Iterable[tuple[bytes, LookupRow]],
    info: LookupInfo,
    *,
    keep: bool = False,
    expire_s: int | None = None,
) -> LookupInfo:
    """Store the rows of a look-up; readers see those before or those after.

    Args:
        client: what `redis_client` gave.
        name: of the look-up, such as "tilth:loans:balances".
        rows: keys and their rows.
        info: what is stored; its `rows` and `newest_us` are counted here.
        keep: keep the rows of other keys that are stored.
        expire_s: in how many seconds the rows are of no use to anybody; None for never.

    Returns:
        What is stored now.

    Raises:
        DataError: Redis cannot be asked.
    """
    with _told(name):
        before = _pointer(client, name)
        generation = f"{name}:{secrets.token_hex(8)}"
        newest = None
        if keep and before is not None:
            client.copy(before.generation, generation)
            newest = before.info.newest_us
        for some in _batched(rows, _AT_ONCE):
            times = [row[0] for _, row in some if isinstance(row[0], int)]
            newest = max(times if newest is None else [newest, *times])
            with client.pipeline(transaction=False) as waiting:
                waiting.hset(generation, mapping={key: _encode_row(row) for key, row in some})
                waiting.expire(generation, _UNFINISHED_S)
                waiting.execute()
        info = msgspec.structs.replace(info, rows=client.hlen(generation), newest_us=newest)
        with client.pipeline(transaction=True) as switch:
            switch.set(name, msgspec.json.encode(_Pointer(generation, info, expire_s is None)))
            if expire_s is None:
                switch.persist(generation)
            else:
                switch.expire(generation, max(expire_s, _OUTLIVED_S))
            if before is not None:
                switch.expire(before.generation, _OUTLIVED_S)
            switch.execute()
    return info


def _batched(rows: Iterable[tuple[bytes, LookupRow]], size: int) -> Iterator[list[tuple[bytes, LookupRow]]]:
    waiting = iter(rows)
    while some := list(itertools.islice(waiting, size)):
        yield some


def _pointer(client: Any, name: str) -> _Pointer | None:
    text = client.get(name)
    if text is None:
        return None
    try:
        return _decode_pointer(text)
    except msgspec.MsgspecError:
        return None


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Errors of Redis in the words of a look-up; they may hold addresses, and never rows."""
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise DataError(
            f"Redis does not answer for the look-up '{name.rpartition(':')[2]}': {type(error).__name__}",
            expected="a Redis server at the address of [[lookups]] store",
        ) from error


class RedisLookups:
    """The rows of a look-up in Redis.

    When Redis does not answer, it is left alone for a second, and whoever asks is told at once.

    Args:
        client: what `redis_client` gave.
        name: of the look-up, such as "tilth:loans:balances".

    Raises:
        NotFoundError: nothing is stored there.
        DataError: Redis cannot be asked.
    """

    is_remote = True

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name
        self._lock = threading.Lock()
        self._until = 0.0
        with _told(name):
            text = client.get(name)
        self._take(text)

    @property
    def info(self) -> LookupInfo:
        """What is stored at present."""
        return self._pointer.info

    def get(self, keys: Sequence[bytes]) -> list[LookupRow | None]:
        """The row of each key, None for a key that has none.

        Raises:
            DataError: Redis does not answer.
            NotFoundError: it has lost the rows.
        """
        if not keys:
            return []
        if time.monotonic() < self._until:
            raise DataError(f"Redis does not answer for the look-up '{self._name.rpartition(':')[2]}'")
        try:
            with _told(self._name):
                found = self._asked(keys)
        except DataError:
            self._until = time.monotonic() + _PAUSE_S
            raise
        return [None if row is None else _decode_row(row) for row in found]

    def refresh(self) -> None:
        """Look which generation counts."""
        with _told(self._name):
            text = self._client.get(self._name)
        self._take(text)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _asked(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The rows of the generation that counts now: it may have changed since the last look."""
        pointer = self._pointer
        with self._client.pipeline(transaction=False) as waiting:
            waiting.get(self._name)
            waiting.hmget(pointer.generation, keys)
            text, found = waiting.execute()
        if text != self._text:
            self._take(text)
            found = self._client.hmget(self._pointer.generation, keys)
        rows: list[bytes | None] = found
        if not any(rows):
            self._check_there()
        return rows

    def _check_there(self) -> None:
        """Rows that Redis threw away for want of memory are not keys that nobody has."""
        pointer = self._pointer
        if pointer.is_for_good and pointer.info.rows and not self._client.exists(pointer.generation):
            self._take(None)

    def _take(self, text: bytes | None) -> None:
        if text is None:
            name = self._name.rpartition(":")[2]
            raise NotFoundError(
                f"the look-up '{name}' was never materialized, or Redis has lost it",
                mend=f"write it with: tilth materialize {name}",
            )
        try:
            pointer = _decode_pointer(text)
        except msgspec.MsgspecError as error:
            raise DataError(f"what Redis has under '{self._name}' is no look-up") from error
        if pointer.info.format != _FORMAT:
            raise DataError(f"'{self._name}' in Redis is of format {pointer.info.format}, not {_FORMAT}")
        with self._lock:
            self._pointer, self._text = pointer, text
