"""The command that puts features where the server looks them up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.project import Directory

if TYPE_CHECKING:
    from tilth.pipelines import Materialized

__all__ = ["materialize"]


def materialize(
    *names: str,
    incremental: Annotated[bool, Parameter(negative="")] = False,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Store the newest features of each key that are known by now, for the server to look up.

    Servers that run take them over within a second. Features that would come out the same are left alone.

    Args:
        names: Which look-ups of tilth.toml. Default: all.
        incremental: Only keys with news since the last time; rows that came late are not seen.
    """
    from tilth.pipelines import materialize as materialize_lookups
    from tilth.projects import Project

    found = materialize_lookups(Project.load(dir), names, incremental=incremental)
    if json:
        print_json({"lookups": [each.to_json() for each in found]})
        return 0
    for each in found:
        for note in each.notes:
            people().print(f"note: {note}", markup=False)
    print_text("\n".join(_line(each) for each in found))
    return 0


def _line(found: Materialized) -> str:
    age = "no rows" if found.freshness_s is None else f"the newest row is {_told(found.freshness_s)} old"
    keys = f"{found.info.rows:,} {'key' if found.info.rows == 1 else 'keys'}"
    return f"{found.name:<20} {found.outcome:<10} {keys}, {age}"


def _told(seconds: float) -> str:
    """A time for people, in the largest unit of which there are two.

    Example:
        >>> _told(90), _told(9000), _told(864000)
        ('90 s', '2 h', '10 days')
    """
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
