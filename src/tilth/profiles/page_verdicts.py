"""What others found out about a column: how far two data sets are apart, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.profiles.page_figures import Label, figure, label, share

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Distance", "Remark", "Verdict", "anomalies_of", "verdict"]

_MEASURES = (
    ("effect", "effect", ("effect",)),
    ("L-infinity", "l_infinity", ("l_infinity", "distance")),
    ("total variation", "total_variation", ("total_variation",)),
    ("Jensen-Shannon", "jensen_shannon", ("jensen_shannon",)),
    ("Kolmogorov-Smirnov", "ks", ("ks", "statistic")),
    ("population stability", "psi", ("psi",)),
    ("Wasserstein", "wasserstein", ("wasserstein",)),
    ("chi-squared", "chi_squared", ("chi_squared", "statistic")),
)
_NAMED = 5
_CERTAIN = 1e9  # drifted without a distance, as when the type changed: sorts before all others


@dataclass(frozen=True)
class Remark:
    """Something to know of a column or of the table.

    Args:
        level: "error", "warning" or "hint".
        text: one sentence.
        slice: the slice it is about; "" for all rows.
        column: the column's name; None for the table as a whole.
    """

    level: str
    text: str
    slice: str = ""
    column: Label | None = None


@dataclass(frozen=True)
class Distance:
    """One measure of how far two data sets are apart.

    Args:
        name: the measure.
        value: its value in words.
        remark: what goes with it, such as a p-value.
        decided: whether the verdict rests on it.
    """

    name: str
    value: str
    remark: str
    decided: bool


@dataclass(frozen=True)
class Verdict:
    """Whether a column drifted.

    Args:
        drifted: the verdict; None where nobody judged.
        reason: the verdict in words.
        distances: all measures that apply.
        sort_key: greater is farther; -1 where unknown.
        shown: the distance that decided, in words.
        measure: which distance that is.
        uncovered: what the reference does not cover, in words; "" where it covers everything.
    """

    drifted: bool | None
    reason: str
    distances: tuple[Distance, ...]
    sort_key: float
    shown: str
    measure: str
    uncovered: str


def verdict(found: Mapping[str, Any] | None) -> Verdict | None:
    """The verdict on a column from the JSON form of its comparison; None without one.

    Example:
        >>> verdict({"effect": 0.25, "measure": "effect", "drifted": True, "reason": "moved"}).shown
        '0.25'
    """
    if found is None:
        return None
    distances, values = [], {}
    for name, key, path in _MEASURES:
        value: Any = found
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, int | float) and math.isfinite(value):
            values[key] = float(value)
            decided = found.get("measure") == key
            distances.append(Distance(name, figure(float(value)), _remark(found, key), decided))
    drifted = bool(found.get("drifted"))
    decisive = values.get(str(found.get("measure")), values.get("effect", next(iter(values.values()), None)))
    unknown = _CERTAIN if drifted else -1.0
    return Verdict(
        drifted,
        str(found.get("reason", "")),
        tuple(distances),
        unknown if decisive is None else decisive,
        figure(decisive),
        next((each.name for each in distances if each.decided), ""),
        _uncovered(found.get("coverage")),
    )


def _remark(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if key == "effect":
        return _chance(found.get("p_value"))
    if not isinstance(value, Mapping):
        return ""
    if value.get("value") is not None:
        return f"at {label(str(value['value'])).text}"
    return _chance(value.get("p_value"))


def _uncovered(found: object) -> str:
    if not isinstance(found, Mapping) or not found.get("outside"):
        return ""
    beyond = "outside the reference's range" if found.get("range") else "not among the reference's"
    pairs = [
        f"{label(value).text if isinstance(value, str) else figure(value)} ({figure(count)})"
        for value, count in list(found.get("values") or ())[:_NAMED]
    ]
    said = f"{share(1 - float(found.get('share') or 0.0), 1)} of the values are {beyond}"
    return f"{said}: {', '.join(pairs)}" if pairs else said


def _chance(p_value: object) -> str:
    return f"p {figure(float(p_value))}" if isinstance(p_value, int | float) else ""


def anomalies_of(anomalies: Sequence[JSONObject]) -> dict[str | None, tuple[Remark, ...]]:
    """Anomalies in their JSON form by the column that they belong to, errors first.

    Example:
        >>> anomalies_of([{"column": "x", "severity": "error", "message": "wrong"}])["x"][0].text
        'wrong'
    """
    found: dict[str | None, list[Remark]] = {}
    for anomaly in anomalies:
        column = anomaly.get("column")
        name = None if column is None else str(column)
        level = "error" if anomaly.get("severity", "error") == "error" else "warning"
        text = str(anomaly.get("message") or anomaly.get("kind") or "")
        affected = anomaly.get("share")
        if isinstance(affected, float) and f"{affected:.1%}" not in text and "%" not in text:
            text += f" ({share(affected, 1)})"
        remark = Remark(level, text, _slice(anomaly.get("slice")), None if name is None else label(name))
        found.setdefault(name, []).append(remark)
    return {name: tuple(sorted(each, key=lambda remark: remark.level)) for name, each in found.items()}


def _slice(values: object) -> str:
    if not isinstance(values, Mapping):
        return ""
    return ", ".join(f"{label(str(name)).text} = {label(str(value)).text}" for name, value in values.items())
