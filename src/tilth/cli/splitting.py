"""The command that deals rows to parts, or looks whether parts overlap."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Output, Source
from tilth.cli.output import print_json, print_text
from tilth.errors import UsageError
from tilth.types import JSONObject

__all__ = ["split"]


def split(
    *data: str,
    by: Literal["random", "hash", "group", "time", "balanced"] = "random",
    columns: Annotated[
        list[str] | None, Parameter(name="--column", negative="", help="What to balance, group or sort by.")
    ] = None,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
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
    from tilth.tables import PARTS, SplitPlan, write_table
    from tilth.tables import split as deal

    if check:
        return _check(data, source, keys or [], json)
    table = source.table(data)
    parts = deal(table, SplitPlan(by, fractions, tuple(columns or ()), seed))
    counts = Counter(parts.to_pylist())
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        names = parts.dictionary_decode().to_numpy(zero_copy_only=False)
        for part in PARTS:
            write_table(table.filter(names == part), output / f"{part}.parquet")
    rows: JSONObject = {part: counts[part] for part in PARTS}
    if json:
        print_json({"rows": rows})
    else:
        print_text("\n".join(f"{part:<6}{counts[part]:>12,} rows" for part in PARTS))
    return 0


def _check(data: tuple[str, ...], source: Source, keys: list[str], json: bool) -> int:
    from tilth.validation import leakage

    if len(data) < 2:
        raise UsageError("which parts?", expected="at least two, such as train.parquet test.parquet")
    if len(set(data)) < len(data):
        raise UsageError("a part is named twice", where=", ".join(data))
    found = leakage({each: source.table(each) for each in data}, keys=keys)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return int(bool(found.total))
