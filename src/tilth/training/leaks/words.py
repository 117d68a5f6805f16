"""What is said of a leak, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tilth.training.findings import Finding, Outcome

__all__ = ["leak", "names_in_words", "resembles"]


def leak(
    check: str,
    sentence: str,
    columns: Sequence[str],
    figures: dict[str, float | None],
    *,
    certain: bool,
) -> Finding:
    """A finding on columns: it fails when it is certain, else it is a note."""
    outcome: Outcome = "failed" if certain else "noted"
    shown, several = names_in_words(columns), len(columns) > 1
    listed = json.dumps(list(columns), ensure_ascii=False)
    mend = (
        f"if {shown} {'are' if several else 'is'} not known when the model is asked, set "
        f'not_in = ["serving"] for {"them" if several else "it"} in schema.toml and delete '
        f"{'their' if several else 'its'} lines in features.py; if {'they are' if several else 'it is'}, "
        f"say so with allow = {listed} under [train] in tilth.toml"
    )
    return Finding(check, outcome, sentence, tuple(columns), figures, mend)


def names_in_words(columns: Sequence[str]) -> str:
    """Column names in quotes.

    Example:
        >>> names_in_words(["a", "b", "c"])
        "'a', 'b' and 'c'"
    """
    quoted = [f"'{name}'" for name in columns]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def resembles(name: str, label: str) -> bool:
    """Whether a column is named after the label, such as `churn_date` after `churned`.

    Example:
        >>> resembles("churn_date", "churned"), resembles("isFraud", "fraud"), resembles("age", "wage")
        (True, True, False)
    """
    stems = [_stems(each) for each in (name, label)]
    return any(len(a) > 3 and (a.startswith(b) or b.startswith(a)) for a in stems[0] for b in stems[1])


def _stems(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.findall(r"[^\W\d_]+", spaced)
    return [re.sub(r"(ing|ed|es|s)$", "", word) for word in words if len(word) > 3]
