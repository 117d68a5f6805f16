"""`tilth materialize`: what each look-up knows now, put where the server finds it."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tilth.errors import DataError, NotFoundError, TilthError, UsageError, closest
from tilth.pipelines.lookup_step import features_of, lookup_paths
from tilth.projects import Project
from tilth.projects.lookup_section import LookupSection
from tilth.projects.lookup_stores import lookup_path, lookup_store, redis_name
from tilth.store import digest_of_file
from tilth.tables.lookup_redis import redis_client, write_redis_lookups
from tilth.tables.lookup_rows import KnownRows, LookupRow, known_rows
from tilth.tables.lookup_stores import write_lookups
from tilth.tables.lookups import Lookup, LookupInfo, microseconds
from tilth.types import Clock, JSONObject, utc_now

__all__ = ["Materialized", "materialize"]

Outcome = Literal["written", "updated", "unchanged"]

_WRITING_S = 30.0


@dataclass(frozen=True)
class Materialized:
    """What a look-up has stored now.

    Args:
        name: the look-up.
        outcome: written as a whole, updated for the keys with news, or left as it was, since it would be the
            same.
        info: what is stored.
        freshness_s: how old the newest row was then, in seconds; None without rows.
        notes: what was found on the way, as sentences for people.
    """

    name: str
    outcome: Outcome
    info: LookupInfo
    freshness_s: float | None
    notes: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """The same as JSON values."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "keys": self.info.rows,
            "at": _told(self.info.at_us),
            "newest": None if self.info.newest_us is None else _told(self.info.newest_us),
            "freshness_s": self.freshness_s,
            "notes": list(self.notes),
        }


def materialize(
    project: Project,
    names: Sequence[str] = (),
    *,
    incremental: bool = False,
    clock: Clock = utc_now,
) -> list[Materialized]:
    """Store the newest row of each key that is known by now, for the server to look up.

    A look-up whose features are the same as last time, with no row that became known since, is left as it is.

    Args:
        project: whose look-ups.
        names: which of them; none for all.
        incremental: only keys with a row that became known since the last time; rows that came late, with a
            time before that, are not seen.
        clock: says what time it is.

    Raises:
        NotFoundError: no look-up of that name.
        UsageError: the project has none.
        DataError: the features cannot be read, or what is stored cannot be written.
    """
    sections = {section.name: section for section in project.configuration.lookups}
    if not sections:
        raise UsageError("the project has no look-ups", where="tilth.toml", mend="declare one in [[lookups]]")
    for name in names:
        if name not in sections:
            near = closest(name, list(sections))
            raise NotFoundError(
                f"there is no look-up '{name}'",
                where="tilth.toml",
                expected=f"one of {', '.join(sections)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
    return [_materialize(project, sections[name], incremental, clock) for name in names or sections]


def _materialize(project: Project, section: LookupSection, incremental: bool, clock: Clock) -> Materialized:
    now = clock()
    now_us = microseconds(now)
    files = lookup_paths(project, section)
    source = _digest(files)
    features, lookup = features_of(project, files), section.lookup()
    values = lookup.values(features)
    definition = lookup.definition(values, features.columns)
    stored = _stored(project, section)
    same = stored if stored is not None and stored.definition == definition else None
    if same is not None and _still_holds(same, source, now_us):
        return Materialized(section.name, "unchanged", same, same.freshness_s(now_us))
    since = same.at_us if incremental and same is not None and same.at_us <= now_us else None
    known = known_rows(features, lookup, now, since_us=since)
    info = _info(lookup, known, now_us, source)
    written = _writer(project, section, lookup, keep=since is not None)(_checked(known, files, source), info)
    outcome: Outcome = "written" if since is None else "updated"
    return Materialized(section.name, outcome, written, written.freshness_s(now_us), known.notes)


def _info(lookup: Lookup, known: KnownRows, now_us: int, source: str) -> LookupInfo:
    return LookupInfo(
        format=1,
        keys=list(known.kinds.items()),
        time=lookup.time,
        created=lookup.created,
        columns=list(known.values.items()),
        rows=0,
        at_us=now_us,
        newest_us=None,
        next_us=known.next_us,
        source=source,
    )


def _still_holds(stored: LookupInfo, source: str, now_us: int) -> bool:
    """Whether it would come out the same: the same features, and none of their rows became known since."""
    is_later = stored.at_us <= now_us
    return is_later and stored.source == source and (stored.next_us is None or now_us < stored.next_us)


def _checked(known: KnownRows, files: Sequence[Path], source: str) -> Iterator[tuple[bytes, LookupRow]]:
    """The rows, if they are of the files whose digest is recorded; nothing is stored otherwise."""
    yield from known.rows()
    if _digest(files) != source:
        raise DataError("the features changed while they were read", where=str(files[0]), mend="run again")


def _digest(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{digest_of_file(path)}\n".encode())
    return digest.hexdigest()


def _stored(project: Project, section: LookupSection) -> LookupInfo | None:
    """What is stored at present; None where nothing is, or nothing that can be read."""
    try:
        with contextlib.closing(lookup_store(project, section, for_reading=False)) as store:
            return store.info
    except NotFoundError:
        return None
    except TilthError:
        if section.is_redis:
            raise
        return None  # a damaged file is written again


def _writer(
    project: Project, section: LookupSection, lookup: Lookup, *, keep: bool
) -> Callable[[Iterator[tuple[bytes, LookupRow]], LookupInfo], LookupInfo]:
    def to_file(rows: Iterator[tuple[bytes, LookupRow]], info: LookupInfo) -> LookupInfo:
        return write_lookups(lookup_path(project, section), rows, info, keep=keep)

    def to_redis(rows: Iterator[tuple[bytes, LookupRow]], info: LookupInfo) -> LookupInfo:
        # Rows older than this are as good as none, so that Redis may forget them all.
        useful_s = None if lookup.max_age is None else int(lookup.max_age.total_seconds()) + 86_400
        client = redis_client(section.store, project.settings.redis_password, _WRITING_S)
        with contextlib.closing(client):
            name = redis_name(project, section)
            return write_redis_lookups(client, name, rows, info, keep=keep, expire_s=useful_s)

    return to_redis if section.is_redis else to_file


def _told(moment_us: int) -> str:
    moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=moment_us)
    return moment.isoformat()
