"""Finding: what one sanity check saw, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tilth.errors import CheckFailed
from tilth.types import JSONObject

__all__ = ["Finding", "Outcome", "failure", "in_words"]

Outcome: TypeAlias = Literal["passed", "noted", "failed", "skipped", "allowed"]
"""Failed: it stops the run. Noted: worth a look. Skipped: not to be tried here. Allowed: declared as fine."""


@dataclass(frozen=True)
class Finding:
    """What a check saw.

    Args:
        check: its name, such as "one_example" or "leak".
        outcome: how it ended.
        sentence: what was seen, with its figures, in words.
        columns: the columns that it speaks of.
        figures: the same in numbers; None where undefined.
        mend: what to do.

    Example:
        >>> print(Finding("leak", "failed", "'id' alone tells the label", ("id",)))
        leak failed: 'id' alone tells the label
    """

    check: str
    outcome: Outcome
    sentence: str
    columns: tuple[str, ...] = ()
    figures: Mapping[str, float | None] = field(default_factory=dict)
    mend: str | None = None

    def __str__(self) -> str:
        return f"{self.check} {self.outcome}: {self.sentence}"

    def to_json(self) -> JSONObject:
        """The finding as JSON values."""
        return {
            "check": self.check,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "columns": list(self.columns),
            "figures": dict(self.figures),
            "mend": self.mend,
        }


def failure(findings: Sequence[Finding]) -> CheckFailed | None:
    """The failed checks as one error; None where none failed."""
    failed = [finding for finding in findings if finding.outcome == "failed"]
    if not failed:
        return None
    shown = "\n".join(f"    {finding.check}: {finding.sentence}" for finding in failed)
    which = "a sanity check does" if len(failed) == 1 else f"{len(failed)} sanity checks do"
    mends = dict.fromkeys(finding.mend for finding in failed if finding.mend)
    return CheckFailed(
        f"training is not started, since {which} not hold:\n{shown}", mend="; ".join(mends) or None
    )


def in_words(findings: Sequence[Finding]) -> str:
    """All findings as one line for people: which checks were passed, and how many did not do so well.

    Example:
        >>> in_words([Finding("leak", "passed", "no leak"), Finding("handful", "noted", "hardly")])
        'leak passed; handful noted'
    """
    by_outcome: dict[str, list[str]] = {}
    for finding in findings:
        names = by_outcome.setdefault(finding.outcome, [])
        if finding.check not in names:
            names.append(finding.check)
    order = ("passed", "noted", "allowed", "skipped", "failed")
    words = (f"{', '.join(by_outcome[outcome])} {outcome}" for outcome in order if outcome in by_outcome)
    return "; ".join(words).replace("_", " ")
