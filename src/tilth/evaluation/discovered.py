"""DiscoveredSlice and Discovery: where a model does worse than elsewhere, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from tilth.errors import counted
from tilth.metrics import Estimate
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = ["DiscoveredSlice", "Discovery", "Measure"]

Measure = Literal["error_rate", "log_loss", "absolute_error"]
"""What is worse in a slice: the share of wrong rows, or the mean of losses or of absolute errors, of which
the greatest hundredth counts as its least."""

_MOST_SKIPPED = 5


@dataclass(frozen=True)
class DiscoveredSlice:
    """Rows on which a model does worse than on the others.

    Args:
        expression: which rows, in SQL, to be used as `--slice` or as the rule of a tag.
        columns: the columns that it names, one or two.
        measure: what is worse.
        rows: how many rows it has.
        share: which share of all rows that is, 0 to 1.
        value: the measure on its rows.
        rest: the measure on all other rows.
        difference: `value` minus `rest`.
        share_of_errors: which share of all errors, or of the sum of losses, lies in it.
        p: how likely any slice at all would look so bad by chance, all that were tried taken together.
        errors: how many of its rows are wrong; None where losses are meant.

    Example:
        >>> value, rest = Estimate(0.5, 0.4, 0.6), Estimate(0.1, 0.08, 0.12)
        >>> found = DiscoveredSlice("age < 30", ("age",), "error_rate", 100, 0.1, value, rest,
        ...                         Estimate(0.4, 0.3, 0.5), 0.35, 0.001, 50)
        >>> found.slice, round(found.excess)
        ({'age < 30': 'true'}, 40)
        >>> print(found)
        age < 30: error rate 0.5 [0.4, 0.6] on 100 rows, 0.1 elsewhere
    """

    expression: str
    columns: tuple[str, ...]
    measure: Measure
    rows: int
    share: float
    value: Estimate
    rest: Estimate
    difference: Estimate
    share_of_errors: float
    p: float
    errors: int | None = None

    @property
    def slice(self) -> dict[str, str]:
        """The slice as everywhere: of `--slice EXPRESSION`, that where it is true."""
        return {self.expression: "true"}

    @property
    def excess(self) -> float:
        """The harm: errors (or losses, summed) beyond those that as many other rows have."""
        return (self.difference.value or 0.0) * self.rows

    def __str__(self) -> str:
        measure = self.measure.replace("_", " ")
        rest = "undefined" if self.rest.value is None else f"{self.rest.value:.4g}"
        return f"{self.expression}: {measure} {self.value} on {counted(self.rows, 'row')}, {rest} elsewhere"

    def to_json(self) -> JSONObject:
        """The slice as JSON values."""
        return {
            "slice": cast("JSONValue", self.slice),
            "expression": self.expression,
            "columns": [*self.columns],
            "measure": self.measure,
            "rows": self.rows,
            "share": self.share,
            "value": self.value.to_json(),
            "rest": self.rest.to_json(),
            "difference": self.difference.to_json(),
            "share_of_errors": self.share_of_errors,
            "p": self.p,
            "errors": self.errors,
            "excess": self.excess,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> DiscoveredSlice:
        """The slice that `to_json` wrote."""
        value, rest, difference = (
            Estimate.from_json(cast("JSONObject", data[name])) for name in ("value", "rest", "difference")
        )
        return cls(
            str(data["expression"]),
            tuple(cast("list[str]", data["columns"])),
            cast("Measure", data["measure"]),
            cast("int", data["rows"]),
            cast("float", data["share"]),
            value,
            rest,
            difference,
            cast("float", data["share_of_errors"]),
            cast("float", data["p"]),
            cast("int | None", data["errors"]),
        )


@dataclass(frozen=True)
class Discovery:
    """What a search for bad slices found.

    Args:
        found: the slices, those of errors before those of losses, the most harmful first.
        rows: how many rows were looked at.
        searched: how many of them were searched; fewer where there are very many.
        tried: how many slices were tried.
        columns: what was sliced by.
        skipped: why other columns were not, by name.
        level: how likely it is at most that anything is found where all slices are alike.
        notes: what else is to be known, in sentences.
    """

    found: tuple[DiscoveredSlice, ...] = ()
    rows: int = 0
    searched: int = 0
    tried: int = 0
    columns: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.05
    notes: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """What an evaluation's JSON gets: `discovered`, the slices, and `discovery`, how they were sought."""
        return {
            "discovered": [each.to_json() for each in self.found],
            "discovery": {
                "rows": self.rows,
                "searched": self.searched,
                "tried": self.tried,
                "columns": [*self.columns],
                "skipped": dict(self.skipped),
                "level": self.level,
                "notes": [*self.notes],
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, JSONValue]) -> Discovery:
        """The search that `to_json` wrote, from an evaluation's JSON."""
        found = cast("Sequence[JSONObject]", data.get("discovered") or [])
        how = cast("JSONObject", data.get("discovery") or {})
        return cls(
            tuple(DiscoveredSlice.from_json(each) for each in found),
            cast("int", how.get("rows", 0)),
            cast("int", how.get("searched", 0)),
            cast("int", how.get("tried", 0)),
            tuple(cast("list[str]", how.get("columns", []))),
            cast("dict[str, str]", how.get("skipped", {})),
            cast("float", how.get("level", 0.05)),
            tuple(cast("list[str]", how.get("notes", []))),
        )

    def report(self) -> str:
        """Plain text for people: a table of the slices, and what was not looked at."""
        tried = f"{counted(self.tried, 'slice')} of {counted(len(self.columns), 'column')} tried"
        searched = "" if self.searched == self.rows else f", on {self.searched:,} of {self.rows:,} rows"
        lines = [f"{counted(len(self.found), 'slice')} found where the model is worse ({tried}{searched})"]
        if self.found:
            lines += aligned([_HEAD, *map(_cells, self.found)])
        left = [f"{name}: {why}" for name, why in self.skipped.items()]
        more = len(left) - _MOST_SKIPPED
        lines += [f"not sliced by {each}" for each in left[:_MOST_SKIPPED]]
        lines += [f"not sliced by {more:,} other columns"] if more > 0 else []
        return "\n".join([*lines, *self.notes])


_HEAD = ["slice", "rows", "measure", "value", "95 % interval", "elsewhere", "of all errors", "p"]


def _cells(found: DiscoveredSlice) -> list[str]:
    value, rest = found.value, found.rest
    return [
        found.expression,
        f"{found.rows:,}",
        found.measure.replace("_", " "),
        "undefined" if value.value is None else f"{value.value:.4f}",
        "" if value.low is None else f"{value.low:.4f} to {value.high:.4f}",
        "undefined" if rest.value is None else f"{rest.value:.4f}",
        f"{100 * found.share_of_errors:.1f} %",
        f"{found.p:.1g}" if found.p >= 1e-9 else "< 1e-9",
    ]
