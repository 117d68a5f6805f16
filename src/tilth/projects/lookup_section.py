"""[[lookups]] of tilth.toml: features of a key that are joined in training and looked up in production."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

import msgspec

from tilth.errors import UsageError
from tilth.projects.task_rules import Misfit
from tilth.tables.event_times import parse_age
from tilth.tables.lookups import LOOKUP_NAME, Lookup

__all__ = ["LookupSection", "lookup_misfits"]

_REDIS = ("redis://", "rediss://")


class LookupSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of features, by which key and time it is joined, and where production finds its values."""

    name: str
    features: str
    on: str | list[str] | dict[str, str]
    time: str
    entity_time: str | None = None
    created: str | None = None
    columns: list[str] = []
    prefix: str = ""
    max_age: str | None = None
    store: str = "sqlite"

    @property
    def keys(self) -> dict[str, str]:
        """The key columns of the examples, with those of the features."""
        if isinstance(self.on, dict):
            return dict(self.on)
        names = [self.on] if isinstance(self.on, str) else self.on
        return {name: name for name in names}

    @property
    def is_redis(self) -> bool:
        """Whether the values are in Redis."""
        return self.store.startswith(_REDIS)

    def lookup(self) -> Lookup:
        """The same for joining.

        Raises:
            UsageError: max_age is no time.

        Example:
            >>> section = LookupSection(name="sums", features="sums.csv", on="who", time="at", max_age="7d")
            >>> section.lookup().max_age
            datetime.timedelta(days=7)
        """
        return Lookup(
            self.name,
            self.keys,
            self.time,
            self.entity_time,
            self.created,
            tuple(self.columns),
            self.prefix,
            None if self.max_age is None else _age(self.max_age),
        )


def _age(text: str) -> datetime.timedelta:
    age = parse_age(text, "max_age")
    if isinstance(age, datetime.timedelta):
        return age
    raise UsageError(f"max_age is {text!r}", expected="such as 7d, 12h, 30m, 90s or 2w")


def lookup_misfits(sections: Sequence[LookupSection]) -> Iterator[Misfit]:
    """What contradicts itself or is out of range: the place, what, what was expected."""
    for number, section in enumerate(sections, 1):
        place = f"[[lookups]] {number}"
        for what, expected in _of_one(section):
            yield place, what, expected
        if section.name in [other.name for other in sections[: number - 1]]:
            yield place, f"there are two look-ups '{section.name}'", "another name for each"


def _of_one(section: LookupSection) -> Iterator[tuple[str, str]]:
    if not LOOKUP_NAME.fullmatch(section.name):
        yield f"name {section.name!r} cannot be used", "letters, digits, '_' and '-', at most 100"
    if not section.features:
        yield "features is empty", "a file, a folder of files, or a pattern"
    try:
        section.lookup()
    except UsageError as error:
        yield error.what, error.expected or ""
    keys = section.keys
    if not keys or not all([*keys, *keys.values()]):
        yield "on is empty", "the name of a key column, or several"
    names = section.on if isinstance(section.on, list) else list(keys.values())
    if len(set(names)) < len(names):
        yield "on names a column twice", "each once"
    if section.prefix and not LOOKUP_NAME.fullmatch(section.prefix):
        yield f"prefix {section.prefix!r} cannot be used", "letters, digits, '_' and '-', at most 100"
    if section.store in ("sqlite", "memory"):
        return
    if "@" in section.store:  # what stands before a host may be a password: it is not told
        yield (
            "store holds a user or a password, and tilth.toml is recorded with every run",
            '"redis://host:6379/0", the password in the environment variable TILTH_REDIS_PASSWORD',
        )
    elif not section.is_redis:
        yield f"store is '{section.store}'", '"sqlite", "memory" or "redis://host:6379/0"'
