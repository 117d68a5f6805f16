"""Commands on the log of predictions: log, log compact."""

from __future__ import annotations

import json as text
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.project import Directory
from tilth.errors import UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilth.tables import Prediction, Table
    from tilth.types import JSONObject, JSONValue

__all__ = ["compact", "show"]

_INPUTS_SHOWN = 80
_MOST = 10_000

Since = Annotated[
    str | None, Parameter(help="Made then or later: 1h, 7d, or a time such as 2026-11-22T10:00 (UTC).")
]
Until = Annotated[str | None, Parameter(help="Made before, in the same words.")]


def show(
    *,
    since: Since = None,
    until: Until = None,
    version: int | None = None,
    role: str | None = None,
    limit: int = 20,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """What was predicted, the newest first; with -o everything, as a file.

    Args:
        version: Only of that model version.
        role: Only those that played that part, such as "live".
        limit: How many are shown, at most 10,000.
        output: Write all that match instead: .parquet, .arrow, .csv or .jsonl.
    """
    from tilth.projects import Project
    from tilth.tables import newest_predictions, prediction_log, write_table

    if not 1 <= limit <= _MOST:
        raise UsageError(f"--limit is {limit}", expected=f"1 to {_MOST:,}", mend="-o FILE writes all of them")
    start, end = _moment(since, "--since"), _moment(until, "--until")
    check_outputs([output], project_files(dir))
    place = Project.load(dir).predictions
    if output is None:
        found = newest_predictions(place, limit, since=start, until=end, version=version, role=role)
        if json:
            print_json([_document(made) for made in found])
        else:
            print_text(_lines(found))
        return 0
    table = prediction_log(place, since=start, until=end, version=version, role=role)
    rows = table.select(["tilth.prediction_id"]).rows  # images are not read to be counted
    write_table(_writable(table, output), output)
    if json:
        print_json({"rows": rows, "output": str(output)})
    else:
        people().print(f"{counted(rows, 'prediction')} written to {output}", markup=False)
    return 0


def _writable(table: Table, output: Path) -> Table:
    """The table without what files of that ending have no place for."""
    kept = [name for name, kind in table.columns.items() if kind not in ("image", "audio")]
    if len(kept) == len(table.columns) or output.suffix.lower() in (".parquet", ".arrow"):
        return table
    people().print("note: images and recordings are left out; .parquet and .arrow take them", markup=False)
    return table.select(kept)


def compact(*, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Make Parquet files of what is no longer written to, and remove what is too old.

    The server does so by itself. Exit status 1 when something could not be done.
    """
    from tilth.projects import Project
    from tilth.tables import compact as compact_log
    from tilth.tables import located_sink, remove_older
    from tilth.tables.event_times import parse_age

    project = Project.load(dir)
    section = project.configuration.serve.log
    done = compact_log(project.predictions, section.sink and located_sink(section.sink, project.directory))
    keep = None if section.keep is None else parse_age(section.keep, "[serve.log] keep")
    gone = remove_older(project.predictions, keep) if isinstance(keep, timedelta) else None
    if json:
        problems: list[JSONValue] = list(done.problems)
        files: list[JSONValue] = [str(path.relative_to(project.predictions)) for path in done.files]
        removed: JSONObject = {"files": gone.files if gone else 0, "media": gone.media if gone else 0}
        print_json({"rows": done.rows, "files": files, "removed": removed, "problems": problems})
        return int(bool(problems))
    lines = [f"{counted(done.rows, 'prediction')} in {counted(len(done.files), 'new Parquet file')}"]
    if gone is not None:
        lines.append(f"removed: {counted(gone.files, 'file')}, {counted(gone.media, 'media file')}")
    print_text("\n".join([*lines, *(f"problem: {problem}" for problem in done.problems)]))
    return int(bool(done.problems))


def _moment(said: str | None, option: str) -> datetime | None:
    """A moment in UTC: so long ago, or at that time."""
    from tilth.tables.event_times import parse_age

    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        pass
    else:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    expected = "such as 1h, 7d, 2026-11-22 or 2026-11-22T10:00"
    try:
        age = parse_age(said, option)
    except UsageError as error:
        raise UsageError(f"{option} is '{said}'", expected=expected) from error
    if not isinstance(age, timedelta):
        raise UsageError(f"{option} is '{said}'", expected=expected)
    try:
        return datetime.now(UTC) - age
    except OverflowError as error:
        raise UsageError(f"{option} is '{said}'", expected="fewer days") from error


def _document(made: Prediction) -> JSONObject:
    """A prediction as JSON; an undefined number is null, an image or recording only said to be there."""
    label: JSONValue = [*made.label] if isinstance(made.label, tuple) else made.label
    scores: JSONValue = None if made.scores is None else {n: _number(p) for n, p in made.scores.items()}
    return {
        "id": made.id,
        "time": made.time.isoformat(),
        "model": made.model,
        "version": made.version,
        "role": made.role,
        "inputs": {name: _plain(value) for name, value in made.inputs.items()},
        "label": _number(label) if isinstance(label, float) else label,
        "scores": scores,
        "latency_s": made.latency_s,
        "entity": made.entity,
        "trace_id": made.trace_id,
    }


def _plain(value: object) -> JSONValue:
    from tilth.tables import LoggedMedia

    if isinstance(value, LoggedMedia):
        content = value.read()
        return None if content is None else {"bytes": len(content)}
    return value  # type: ignore[return-value]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _lines(found: Sequence[Prediction]) -> str:
    """Predictions for people, one a line under a heading."""
    if not found:
        return "no predictions"
    rows = [("time (UTC)", "model", "role", "label", "score", "ms", "inputs")]
    for made in found:
        document = _document(made)
        scores = [p for p in (made.scores or {}).values() if not math.isnan(p)]
        score = f"{max(scores):.3f}" if scores and not isinstance(made.label, tuple) else ""
        rows.append(
            (
                f"{made.time:%Y-%m-%d %H:%M:%S}",
                f"{made.model}@{made.version}",
                made.role,
                _short(document["label"], 24),
                score,
                f"{1000 * made.latency_s:.1f}",
                _short(document["inputs"], _INPUTS_SHOWN),
            )
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _short(value: JSONValue, width: int) -> str:
    if isinstance(value, dict):
        shown = " ".join(f"{name}={_short(each, width)}" for name, each in value.items() if each is not None)
    elif isinstance(value, str):
        shown = value
    else:
        shown = text.dumps(value, ensure_ascii=False)
    shown = " ".join(shown.split())
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."
