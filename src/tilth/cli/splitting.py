"""The command that deals rows to parts, or looks whether parts overlap."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Output, Source, named
from tilth.cli.output import print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.errors import UsageError
from tilth.types import JSONObject

if TYPE_CHECKING:
    from tilth.tables import Table

__all__ = ["split"]


def split(
    *data: str,
    by: Literal["random", "hash", "group", "time", "balanced"] = "random",
    columns: Annotated[
        list[str] | None, Parameter(name="--column", negative="", help="What to balance, group or sort by.")
    ] = None,
    fractions: Annotated[tuple[float, float, float], Parameter(negative="")] = (0.6, 0.2, 0.2),
    seed: int = 0,
    check: Annotated[
        bool,
        Parameter(name="--check", negative="", help="Do not deal: DATA are the parts; look for overlap."),
    ] = False,
    keys: Annotated[
        list[str] | None,
        Parameter(name="--key", negative="", help="With --check: a column of which no value may be in two."),
    ] = None,
    output: Output = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Deal rows to train, dev and test; or, with --check, exit status 1 when parts overlap.

    Args:
        data: The data to deal; with --check the parts.
        by: How: see docs/data.md.
        fractions: The shares of train, dev and test.
        seed: Another seed deals otherwise.
        output: A folder; train.parquet, dev.parquet and test.parquet are written there.
    """
    from tilth.tables import PARTS, SplitPlan
    from tilth.tables import split as deal

    if check:
        if output is not None:
            raise UsageError("--check writes nothing", mend="leave --output out, or --check")
        check_outputs([source.bad_rows], data)
        return _check(data, source, keys or [], json)
    if keys:
        raise UsageError(
            "--key goes with --check",
            mend=f"to keep the rows of one value together: --by group --column {keys[0]}",
        )
    check_outputs(_files(output, PARTS), data)
    check_outputs([source.bad_rows], data)
    table = source.table(data)
    parts = deal(table, SplitPlan(by, fractions, tuple(columns or ()), seed))
    counts = Counter(parts.to_pylist())
    if output is not None:
        names = parts.dictionary_decode().to_numpy(zero_copy_only=False)
        _write({part: table.filter(names == part) for part in PARTS}, output)
    rows: JSONObject = {part: counts[part] for part in PARTS}
    if json:
        print_json({"rows": rows})
    else:
        print_text("\n".join(f"{part:<6}{counts[part]:>12,} rows" for part in PARTS))
    return 0


def _files(folder: Path | None, parts: Sequence[str]) -> list[Path]:
    """Where the parts are written to; makes the folder."""
    if folder is None:
        return []
    if "://" in str(folder) or (folder.parts and folder.parts[0].endswith(":")):
        raise UsageError("parts are written to a folder on this machine", where=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder cannot be made: {error.strerror}", where=str(folder)) from error
    return [folder / f"{part}.parquet" for part in parts]


def _write(parts: Mapping[str, Table], folder: Path) -> None:
    """Write all parts, and only then put them in place: new parts beside old ones would overlap."""
    from tilth.tables import write_table

    with tempfile.TemporaryDirectory(prefix=".parts-", dir=folder) as waiting:
        for part, rows in parts.items():
            write_table(rows, Path(waiting, f"{part}.parquet"))
        for part in parts:
            Path(waiting, f"{part}.parquet").replace(folder / f"{part}.parquet")


def _check(data: tuple[str, ...], source: Source, keys: list[str], json: bool) -> int:
    from tilth.validation import leakage

    if len(data) < 2:
        raise UsageError("which parts?", expected="at least two, such as train.parquet test.parquet")
    if len(set(data)) < len(data):
        raise UsageError("a part is named twice", where=", ".join(data))
    found = leakage({named(each): source.table(each) for each in data}, keys=keys)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return int(bool(found.total))
