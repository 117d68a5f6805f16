"""A selection as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tilth.errors import counted
from tilth.wording import aligned

__all__ = ["selection_report"]

_SHOWN = 12
_CHIEF_SHOWN = 40
_LEFT_OUT_SHOWN = 20


def selection_report(found: Mapping[str, Any], name: str) -> str:
    """The table of methods, the recommendation, the chosen columns, what was left out and assumed.

    Args:
        found: what `Selection.to_json` gives.
        name: of the data.
    """
    parts = [_head(found, name), _table(found), found["recommendation"]["sentence"], _chosen(found)]
    parts += [_others(found), _leaks(found), _left_out(found), "\n".join(found["notes"])]
    return "\n\n".join(part for part in parts if part)


def _head(found: Mapping[str, Any], name: str) -> str:
    used = "" if found["used_rows"] == found["rows"] else f", {found['used_rows']:,} of them drawn"
    task = found["task"] if found["positive"] is None else f"{found['task']} (positive: {found['positive']})"
    times = "" if found["repeats"] == 1 else f", {found['repeats']} times"
    return (
        f"{name}: {task}, {found['rows']:,} rows{used}, {counted(len(found['columns']), 'column')}\n"
        f"{found['estimator']} on {found['folds']} folds{times}; every choice is made on training folds "
        "alone; mean ± standard error; in brackets how many columns the folds chose"
    )


def _table(found: Mapping[str, Any]) -> str:
    metrics = list(found["methods"][0]["metrics"])
    chief = found["metric"]
    rows = [["method", "columns", *metrics, f"{chief} against all"]]
    for method in found["methods"]:
        difference = method["differences"][chief]
        against = "" if method["method"] == "all" else _figure(difference, signed=True)
        figures = [_figure(method["metrics"][name]) for name in metrics]
        rows.append([method["method"], _count(method), *figures, against])
    return "\n".join(aligned(rows))


def _count(method: Mapping[str, Any]) -> str:
    """How many columns it chooses on all rows, and in the folds that the figures are of."""
    least, most = min(method["counts"]), max(method["counts"])
    if least == most == method["count"]:
        return str(method["count"])
    return f"{method['count']} ({least}-{most})" if least < most else f"{method['count']} ({least})"


def _figure(figure: Mapping[str, Any], *, signed: bool = False) -> str:
    value, error = figure["value"], figure["standard_error"]
    if value is None:
        return "undefined"
    digits = ".4g" if abs(value) >= 1e4 else ".4f" if signed else ".3f"
    text = format(value, f"+{digits}" if signed else digits)
    return text if error is None else f"{text} ±{format(error, digits)}"


def _chosen(found: Mapping[str, Any]) -> str:
    """The recommended columns, each with how often it was chosen over the folds."""
    advice = found["recommendation"]
    if not advice["drop"]:
        return ""
    chosen = next(each for each in found["methods"] if each["method"] == advice["method"])["chosen"]
    names = advice["columns"][:_CHIEF_SHOWN]
    width = max(len(name) for name in names)
    lines = [f"  {name.ljust(width)}  {chosen[name]:>5.0%}" for name in names]
    more = len(advice["columns"]) - len(names)
    head = f"columns of {advice['method']}, and in how many of the folds each was chosen"
    return "\n".join([head, *lines, *([f"  and {more:,} more"] if more > 0 else [])])


def _others(found: Mapping[str, Any]) -> str:
    """One line for what each of the other methods chooses."""
    shown = [m for m in found["methods"] if m["method"] not in ("all", found["recommendation"]["method"])]
    if not shown or len(found["columns"]) == 1:
        return ""
    width = max(len(method["method"]) for method in shown)
    lines = [f"  {m['method'].ljust(width)}  {_listed(m['columns'], _SHOWN)}" for m in shown]
    return "\n".join(["columns of the other methods, the best first", *lines])


def _leaks(found: Mapping[str, Any]) -> str:
    return "\n".join(f"! {leak['sentence']}" for leak in found["leaks"])


def _left_out(found: Mapping[str, Any]) -> str:
    """The columns that could not be chosen, by reason."""
    reasons: dict[str, list[str]] = {}
    for column, reason in found["left_out"].items():
        reasons.setdefault(reason, []).append(column)
    return "\n".join(f"left out: {_listed(c, _LEFT_OUT_SHOWN)} ({reason})" for reason, c in reasons.items())


def _listed(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
