"""Commands that look at data: profile and schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import tilth
from tilth.cli.inputs import (
    AS_FOUND,
    Html,
    Json,
    Output,
    Slices,
    Source,
    groups,
    is_profile,
    named,
    read_profile,
    read_schema,
    read_text,
)
from tilth.cli.output import Progress, people, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.cli.streams import write_whole
from tilth.errors import UsageError, counted

if TYPE_CHECKING:
    from tilth.profiles import Associations, Profile
    from tilth.types import JSONObject

__all__ = ["profile", "profiles", "schema"]


def profile(
    *data: str,
    output: Output = None,
    html: Html = None,
    slices: Slices = None,
    weight: str | None = None,
    associations: Annotated[bool, Parameter(negative="")] = False,
    label: str | None = None,
    engine: Literal["local", "ray"] = "local",
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Statistics of every column; several DATA are merged.

    Args:
        data: What to read: a file, folder, glob, database or object store URL, or a data set version such as
            data@3 (see docs/data.md); or a profile.json that was written before.
        weight: The column that says how much each row counts.
        associations: Also how columns go together: correlations, what is missing together.
        label: With --associations: also what each column tells of this one.
        engine: Where the work is done: on this machine, or on a Ray cluster.
    """
    check_outputs([output, html, source.bad_rows], data)
    made = profiles(data, source, slices=slices, weight=weight, engine=engine)
    found = _associations(data, source, made, label) if associations or label else None
    if output is not None:
        write_whole(output, made.to_json())
    if html is not None:
        shown = found.to_dict() if found else None
        write_whole(html, made.html(title=", ".join(map(named, data)), associations=shown))
        people().print(f"the report is in {html}", markup=False)
    if json:
        extra: JSONObject = {"associations": found.to_dict()} if found else {}
        print_json({**made.to_dict(), **extra})
    elif output is None and html is None:
        print_text(made.report() + (f"\n\n{found.report()}" if found else ""))
    return 0


def profiles(
    data: tuple[str, ...],
    source: Source,
    *,
    slices: list[str] | None = None,
    weight: str | None = None,
    engine: Literal["local", "ray"] = "local",
) -> Profile:
    """The merged profile of all DATA, each a table or a profile that was written before."""
    from tilth.engines import find_engine
    from tilth.profiles import Profile

    if not data:
        raise UsageError("which data?", expected="at least one file")
    if any(is_profile(each) for each in data) and (slices or weight):
        raise UsageError("a profile.json holds no rows to slice or weigh", mend="name the data itself")
    worker = None if engine == "local" else find_engine(engine)
    made = []
    for each in data:
        if is_profile(each):
            made.append(read_profile(each))
            continue
        with Progress("rows") as progress:
            table = source.table(each)
            made.append(
                tilth.profile(table, slices=groups(slices), weight=weight, engine=worker, progress=progress)
            )
    return made[0] if len(made) == 1 else Profile.merged(made)


def _associations(data: tuple[str, ...], source: Source, made: Profile, label: str | None) -> Associations:
    from tilth.profiles import associations

    if any(is_profile(each) for each in data):
        raise UsageError("a profile.json does not tell how columns go together", mend="name the data itself")
    return associations(source.table(data), label=label, profile=made)


def schema(
    *data: str,
    output: Output = None,
    update: Annotated[
        Path | None, Parameter(name="--update", help="Let this schema.toml allow what the data shows.")
    ] = None,
    label: str | None = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Infer a schema, to be curated by a person, or update one.

    Args:
        data: What to read, or a profile.json.
        label: The column to predict, which is absent when serving.
    """
    if not data:
        raise UsageError("which data?", expected="at least one file")
    check_outputs([output, source.bad_rows], data)
    if update is not None:
        return _update(data, source, update, output, json)
    inferred = tilth.infer_schema(profiles(data, source), label=label)
    text = inferred.to_toml()
    if output is not None:
        write_whole(output, text)
        columns = counted(len(inferred.columns), "column")
        people().print(f"{columns} written to {output}", markup=False)
    _show(text, json, quiet=output is not None)
    return 0


def _update(data: tuple[str, ...], source: Source, path: Path, output: Path | None, json: bool) -> int:
    """Widen a curated schema by what the data shows, and say by what."""
    from tilth.validation import update_schema, updated_toml

    before = after = read_schema(path)
    for each in data:
        found = read_profile(each) if is_profile(each) else source.typed(each, after)
        after = update_schema(after, found)
    text = updated_toml(read_text(path, "a schema.toml"), after, where=str(path))
    changes = before.diff(after)
    if changes or output is not None:
        write_whole(output or path, text)
    for change in changes or ["nothing had to change"]:
        people().print(change, markup=False)
    _show(text, json, quiet=True)
    return 0


def _show(text: str, json: bool, *, quiet: bool) -> None:
    if json:
        import tomllib

        print_json(tomllib.loads(text))
    elif not quiet:
        print_text(text)
