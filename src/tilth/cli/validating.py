"""The command that checks data against a schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import (
    AS_FOUND,
    Html,
    Json,
    SchemaFile,
    Slices,
    Source,
    groups,
    is_profile,
    named,
    read_profile,
    read_schema,
)
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.cli.profiling import profiles
from tilth.cli.streams import write_whole
from tilth.errors import UsageError, closest, counted

if TYPE_CHECKING:
    from tilth.profiles import Profile
    from tilth.schemas import Schema
    from tilth.tables import Table
    from tilth.types import JSONObject
    from tilth.validation import Anomaly

__all__ = ["validate"]


def validate(
    data: str,
    *,
    schema: SchemaFile = None,
    environment: str | None = None,
    slices: Slices = None,
    previous: Annotated[
        str | None, Parameter(name="--previous", help="The data set before, for bounds on its size.")
    ] = None,
    rows_to: Annotated[
        Path | None, Parameter(name="--rows-to", help="Write the rows that break something to this file.")
    ] = None,
    html: Html = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Check data against a schema; exit status 1 when an error is found.

    Args:
        data: What to check: a file, URL or data set version, or a profile.json.
        environment: Such as "serving", where the label may be absent.
    """
    if schema is None:
        raise UsageError("validate needs a schema", mend="write one with: tilth schema DATA -o schema.toml")
    check_outputs([rows_to, html, source.bad_rows], [data, previous, schema])
    contract = read_schema(schema)
    _refuse_unknown_environment(contract, environment)
    before = None if previous is None else profiles((previous,), source)
    if is_profile(data):
        _refuse_rows(slices, rows_to)
        table, given = None, read_profile(data)
    else:
        table, given = source.typed(data, contract), None
    made, anomalies = _judge(given or table, contract, environment, slices, before)
    if rows_to is not None and table is not None:
        _write_rows(table, contract, environment, rows_to)
    documents: list[JSONObject] = [anomaly.to_json() for anomaly in anomalies]
    if html is not None:
        write_whole(html, made.html(title=named(data), anomalies=documents))
        people().print(f"the report is in {html}", markup=False)
    if json:
        print_json({"rows": made.rows, "anomalies": [*documents]})
    else:
        lines = [f"{anomaly.severity:<8}{anomaly.message}" for anomaly in anomalies]
        print_text("\n".join(lines) or f"{counted(made.rows, 'row')} {_hold(made.rows)} to the schema")
    return int(any(anomaly.severity == "error" for anomaly in anomalies))


def _hold(rows: int) -> str:
    return "holds" if rows == 1 else "hold"


def _judge(
    data: Profile | Table | None,
    contract: Schema,
    environment: str | None,
    slices: list[str] | None,
    before: Profile | None,
) -> tuple[Profile, list[Anomaly]]:
    from tilth.validation import judge, observe, unjudged_rules

    for sentence in unjudged_rules(data, contract):
        people().print(f"note: {sentence}", markup=False)
    seen = observe(data, contract, slices=groups(slices))
    return seen.profile, judge(seen, contract, environment, before)


def _write_rows(table: Table, contract: Schema, environment: str | None, path: Path) -> None:
    from tilth.tables import write_table
    from tilth.validation import broken_rows

    broken = broken_rows(table, contract, environment)
    write_table(broken, path)
    rows, verb = broken.rows, ("breaks", "is") if broken.rows == 1 else ("break", "are")
    people().print(f"{counted(rows, 'row')} that {verb[0]} something {verb[1]} in {path}", markup=False)


def _refuse_rows(slices: list[str] | None, rows_to: Path | None) -> None:
    if slices or rows_to is not None:
        option = "--slice" if slices else "--rows-to"
        raise UsageError(f"{option} needs the rows, and a profile.json has none", mend="name the data itself")


def _refuse_unknown_environment(schema: Schema, environment: str | None) -> None:
    """A misspelt environment would check everything, or nothing, in silence."""
    known = {"training", "serving"} | {name for column in schema.columns for name in column.not_in}
    if environment is None or environment in known:
        return
    near = closest(environment, known)
    raise UsageError(
        f"the schema knows no environment '{environment}'",
        expected=f"one of {', '.join(sorted(known))}",
        mend=f"did you mean '{near}'?" if near else None,
    )
