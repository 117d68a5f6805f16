"""The command that joins features to examples as they were known at the time."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Source
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.errors import UsageError, counted
from tilth.types import JSONObject, JSONValue

if TYPE_CHECKING:
    from tilth.tables import Table
    from tilth.tables.as_of import AsOfJoin

__all__ = ["join"]


def join(
    entities: str,
    *features: str,
    on: Annotated[list[str], Parameter(name="--on", negative="")],
    time: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    prefix: Annotated[list[str] | None, Parameter(name="--prefix", negative="")] = None,
    created: str | None = None,
    max_age: str | None = None,
    strictly_before: Annotated[bool, Parameter(negative="")] = False,
    age: str | None = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Join to each row the newest features of its key that were known at its time, never later ones.

    Args:
        entities: The examples; their rows and columns stay.
        features: One table of features, or several.
        on: A key column, or entities' column=features' column; repeatable.
        time: The column of the moment, in both, or entities' column=features' column.
        output: The ending says how: .parquet, .csv, .jsonl or .arrow.
        prefix: What the columns of a table of features shall begin with; one for each, in their order.
        created: The features' column that says when a row became known.
        max_age: Features older than this are not used: 7d, 12h, 30m, 90s or 2w; a number for number times.
        strictly_before: What happened at the very moment is not known yet.
        age: A name for one column more: how old the features are, in seconds.
    """
    from tilth.tables import write_table
    from tilth.tables.as_of import as_of
    from tilth.tables.event_times import parse_age

    if not features:
        raise UsageError("which features?", expected="at least one table of them behind the entities")
    if prefix and (len(prefix) != len(features) or len(set(prefix)) < len(prefix)):
        raise UsageError(
            f"--prefix is given for {len(set(prefix))} of {len(features)} tables of features",
            expected="another one for each, in their order",
        )
    check_outputs([output, source.bad_rows], [entities, *features])
    table = source.table(entities)
    others = [source.table(each) for each in features]
    moments = _pair(time, table.columns, others[0].columns)
    found = as_of(
        table,
        dict(zip(prefix, others, strict=True)) if prefix else others,
        dict(_pair(key, table.columns, others[0].columns) for key in on),
        moments,
        created=created,
        allow_exact=not strictly_before,
        max_age=None if max_age is None else parse_age(max_age, "--max-age"),
        age=age,
    )
    for note in found.notes:
        people().print(f"note: {note}", markup=False)
    write_table(found.table, output)
    if json:
        print_json({**_counts(found, others, prefix), "output": str(output)})
    else:
        of = counted(found.table.rows, "row")
        known = zip(found.matched, others, strict=True)
        lines = [f"{matched:>12,} of {of}: {other.name}" for matched, other in known]
        print_text("\n".join(["known at their time:", *lines, f"written to {output}"]))
    return 0


def _counts(found: AsOfJoin, others: Sequence[Table], prefixes: list[str] | None) -> JSONObject:
    features: list[JSONValue] = [
        {"features": other.name, "prefix": prefix or None, "matched": matched}
        for other, prefix, matched in zip(others, prefixes or [""] * len(others), found.matched, strict=True)
    ]
    return {"rows": found.table.rows, "features": features}


def _pair(text: str, left: Container[str], right: Container[str]) -> tuple[str, str]:
    """The columns that "a=b" names, or those of one name in both.

    Example:
        >>> _pair("id=client", ["id"], ["client"]), _pair("a=b", ["a=b"], ["a=b"])
        (('id', 'client'), ('a=b', 'a=b'))
    """
    if text in left and text in right:
        return text, text
    first, mark, second = text.partition("=")
    return (first, second) if mark else (text, text)
