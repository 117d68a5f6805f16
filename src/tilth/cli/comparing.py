"""The command that compares two data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import tilth
from tilth.cli.inputs import (
    AS_FOUND,
    Html,
    Json,
    SchemaFile,
    Source,
    is_profile,
    named,
    read_schema,
)
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.cli.profiling import profiles
from tilth.cli.streams import write_whole
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.validation import FeatureSkew

__all__ = ["compare"]


def compare(
    reference: str,
    current: str,
    *,
    schema: SchemaFile = None,
    threshold: float = 0.1,
    moment: Literal["drift", "skew"] = "drift",
    key: Annotated[
        list[str] | None,
        Parameter(name="--key", negative="", help="Also match rows by this column and compare their values."),
    ] = None,
    html: Html = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Drift and skew between two data sets; exit status 1 when a column drifted.

    Args:
        reference: The data to compare with, a version of it such as data@3, or its profile.json.
        current: The data in question, or its profile.json.
        threshold: From which effect on a column counts as drifted: standard deviations, or share of rows.
        moment: Which of the schema's bounds decide: those on drift (the same source over time) or on skew
            (training against serving).
    """
    check_outputs([html, source.bad_rows], [reference, current, schema])
    contract = read_schema(schema) if schema else None
    before, after = profiles((reference,), source), profiles((current,), source)
    found = tilth.compare(before, after, contract, threshold=threshold, moment=moment)
    skew = _feature_skew(reference, current, key, source) if key else None
    document = found.to_json() | ({"feature_skew": skew.to_json()} if skew else {})
    if html is not None:
        names = (named(reference), named(current))
        anomalies = [anomaly.to_json() for anomaly in found.anomalies()]
        title = f"{names[0]} against {names[1]}"
        page = before.html(title=title, current=after, names=names, comparison=document, anomalies=anomalies)
        write_whole(html, page)
        people().print(f"the report is in {html}", markup=False)
    if json:
        print_json(document)
    else:
        print_text(found.report() + (f"\n\n{skew.report()}" if skew else ""))
    differs = bool(skew and skew.differs)
    return int(bool(found.drifted or found.new_columns or found.missing_columns or differs))


def _feature_skew(reference: str, current: str, key: list[str], source: Source) -> FeatureSkew:
    from tilth.validation import feature_skew

    if is_profile(reference) or is_profile(current):
        raise UsageError("a profile.json holds no rows to match by key", mend="name the data itself")
    return feature_skew(source.table(reference), source.table(current), key)
