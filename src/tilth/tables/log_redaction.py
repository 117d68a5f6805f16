"""Personal columns in the prediction log: redacted, hashed with the project's key, or left out."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from tilth.errors import DataError
from tilth.schemas import Personal, Schema
from tilth.tables.logged_media import LoggedMedia
from tilth.types import ColumnType, JSONValue

__all__ = ["REDACTED", "Redaction", "personal_columns", "redacted", "redacted_types", "redaction_key"]

REDACTED = "[redacted]"
"""What stands for a value of a column that is redacted; a missing value stays missing."""

_KEY_BYTES = 32
_HASH_DIGITS = 32
_Value = TypeVar("_Value", bound="JSONValue | LoggedMedia")


def redacted(
    inputs: Mapping[str, _Value], personal: Mapping[str, Personal], key: bytes
) -> dict[str, _Value | str]:
    """The inputs of a prediction as they are logged.

    A hash is HMAC-SHA256 (RFC 2104) with the key, of the text, of the bytes of an image or recording, or of
    anything else as compact JSON, where 7 and 7.0 are one; its first 32 hexadecimal digits. The same value
    has the same hash in every column, so that logs can be joined; without the key nobody can try values out.

    Args:
        inputs: the values by column.
        personal: what is kept of which columns.
        key: for the hashes; see `redaction_key`.

    Example:
        >>> row = {"name": "Ada", "email": "ada@example.org", "city": None, "age": 36}
        >>> redacted(row, {"name": "redact", "email": "omit", "city": "hash", "age": "hash"}, b"key")
        {'name': '[redacted]', 'city': None, 'age': '29ade303cd48e44262b96eac8690a0ea'}
    """
    kept: dict[str, _Value | str] = dict(inputs)
    for name, how in personal.items():
        if name not in kept:
            continue
        value = inputs[name]
        if how == "omit":
            del kept[name]
        elif value is not None:
            kept[name] = REDACTED if how == "redact" else _hash(value, key)
    return kept


def _hash(value: object, key: bytes) -> str:
    return hmac.digest(key, _content(value), "sha256").hex()[:_HASH_DIGITS]


def _content(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, LoggedMedia):
        return value.read() or b""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


class Redaction:
    """What is done to the inputs of a model version before they are logged.

    Args:
        personal: what is kept of which columns; at least one.
        key: for the hashes; None for one that is gone with the process.

    Example:
        >>> Redaction({"name": "redact"}, b"key").inputs({"name": "Ada", "age": 36})
        {'name': '[redacted]', 'age': 36}
    """

    def __init__(self, personal: Mapping[str, Personal], key: bytes | None = None) -> None:
        self.personal = dict(personal)
        self._key = key or secrets.token_bytes(_KEY_BYTES)

    @staticmethod
    def of(schema: Schema, key: bytes | None = None) -> Redaction | None:
        """What a schema asks for, or None where it asks for nothing."""
        personal = personal_columns(schema)
        return Redaction(personal, key) if personal else None

    def inputs(self, inputs: Mapping[str, _Value]) -> dict[str, _Value | str]:
        """The inputs of a prediction as they are logged."""
        return redacted(inputs, self.personal, self._key)


def personal_columns(schema: Schema) -> dict[str, Personal]:
    """What the log keeps of which columns.

    Example:
        >>> from tilth.schemas import Column
        >>> personal_columns(Schema((Column("age", "int"), Column("name", "string", personal="omit"))))
        {'name': 'omit'}
    """
    return {column.name: column.personal for column in schema.columns if column.personal is not None}


def redacted_types(
    types: Mapping[str, ColumnType], personal: Mapping[str, Personal]
) -> dict[str, ColumnType]:
    """The types of inputs as they are logged: what stands for values is text.

    Example:
        >>> redacted_types({"age": "int", "name": "string", "x": "float"}, {"age": "hash", "name": "omit"})
        {'age': 'string', 'x': 'float'}
    """
    kept = {name: kind for name, kind in types.items() if personal.get(name) != "omit"}
    return {name: "string" if name in personal else kind for name, kind in kept.items()}


def redaction_key(path: str | Path) -> bytes:
    """The key in a file, which is made where there is none: 32 random bytes, for its owner alone to read.

    Args:
        path: the file; of several processes that make it at once, all get the same key.

    Raises:
        DataError: it cannot be read or made, or is no key.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     redaction_key(Path(folder, "log.key")) == redaction_key(Path(folder, "log.key"))
        True
    """
    path = Path(path)
    try:
        if not path.exists():
            _make_key(path)
        text = path.read_text("ascii", "replace").strip()
    except OSError as error:
        raise DataError(
            f"the key for personal data cannot be read or made: {error.strerror or error}",
            where=str(path),
            mend="let this process read it, or write in its folder",
        ) from error
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text)
        if len(key) == _KEY_BYTES:
            return key
    raise DataError(
        "the key for personal data is damaged",
        where=str(path),
        expected="64 hexadecimal digits",
        mend="bring the file back; with another key, hashes no longer agree with those in the log",
    )


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was faster, and its key counts
            path.hardlink_to(draft)
    finally:
        draft.unlink()
