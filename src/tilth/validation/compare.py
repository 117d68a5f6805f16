"""Drift and skew: is the current table still like the reference?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilth.errors import UsageError
from tilth.profiles import Profile, profile
from tilth.validation.comparison import Comparison
from tilth.validation.measuring import measure
from tilth.validation.validate import OWN_PREFIX
from tilth.validation.verdicts import Decision, missing_change, number_of_tests

if TYPE_CHECKING:
    from tilth.schemas import Schema
    from tilth.validation.comparison import Moment

__all__ = ["compare"]


def compare(
    reference: object,
    current: object,
    schema: Schema | None = None,
    *,
    threshold: float = 0.1,
    significance: float = 0.01,
    moment: Moment = "drift",
) -> Comparison:
    """Compare two tables column by column, from their profiles alone.

    A column drifted when the change is real and as large as asked. As large: its effect (numbers:
    Wasserstein-1 distance in standard deviations of the reference; categories: total variation beyond
    sampling noise; missing
    values: their share), give or take its one-sided error, reaches `threshold`. Real: its p-value (numbers:
    Kolmogorov-Smirnov and rank-sum test; categories: chi-square on the contingency table and the one that
    changed most) is below `significance` divided by the number of tests (Bonferroni). So the verdict does not
    depend on the number of rows once there are enough; data that did not change alarms in at most a share
    `significance` of comparisons, whatever the number of columns; and a true change of the threshold is found
    rather than lost half of the time. A bound in the schema replaces all that for its column: the measure
    above its threshold is drift. See docs/drift.md.

    Args:
        reference: known-good data, or its profile.
        current: the data under test, or its profile.
        schema: kinds and bounds of the columns; default: guessed, no bounds.
        threshold: the least effect that is drift, above 0.
        significance: how often unchanged data may alarm, in (0, 1).
        moment: "drift" uses the schema's drift bounds, "skew" its skew bounds.

    Raises:
        DataError: data that cannot be read.
        SchemaError: a bound on a measure that does not apply to its column.
        UsageError: a threshold or significance out of range.

    Example:
        >>> before = {"size": ["S"] * 60 + ["M"] * 40, "n": list(range(100))}
        >>> after = {"size": ["S"] * 20 + ["M"] * 80, "n": list(range(100))}
        >>> found = compare(before, after)
        >>> found.drifted
        ('size',)
        >>> print(found.columns["size"].reason)
        total variation 0.4 >= 0.1, p 7.76e-09
    """
    if not threshold >= 0 or not 0 < significance < 1:
        raise UsageError(
            f"threshold {threshold} and significance {significance}",
            expected="a threshold of 0 or more and a significance between 0 and 1",
        )
    old, new = profile(reference), profile(current)
    names = [name for name in _own(old) if name in new.columns]
    pairs = {name: (old.columns[name], new.columns[name]) for name in names}
    rules = {name: schema[name] for name in names if schema is not None and name in schema.names}
    measured = {name: measure(*pairs[name], rules.get(name), moment, threshold) for name in names}
    missing = {name: missing_change(*pairs[name]) for name in names}
    made = sum(map(number_of_tests, measured.values())) + sum(
        change is not None for change in missing.values()
    )
    decision = Decision(threshold, significance, made)
    return Comparison(
        {name: decision.judge(measured[name], missing[name]) for name in names},
        tuple(name for name in _own(new) if name not in old.columns),
        tuple(name for name in _own(old) if name not in new.columns),
        moment,
        (old.rows, new.rows),
    )


def _own(found: Profile) -> list[str]:
    return [name for name in found.columns if not name.startswith(OWN_PREFIX)]
