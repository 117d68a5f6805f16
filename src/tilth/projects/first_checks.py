"""The checks that a new project begins with."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.metrics import CHIEF_METRIC
from tilth.types import Task

__all__ = ["first_checks"]

CHECKS = """
[[checks]]
moment = "model"
metric = "<metric>"
baseline = "majority"
min = 0.02  # better than always giving the same answer

[[checks]]
moment = "model"
metric = "<metric>"
baseline = "linear"
min = <tolerance>  # hardly worse, at most, than a quick linear model

[[checks]]
moment = "model"
metric = "<metric>"
baseline = "champion"
min = <tolerance>  # nor than what is live, on rows that are new to it

[[checks]]
moment = "live"
metric = "anomalies"
max = 0  # served inputs hold to the schema

[[checks]]
moment = "live"
metric = "drifted_columns"
max = 0

[[checks]]
moment = "live"
metric = "drifted_predictions"
max = 0
"""

POSITIVES = """
[[checks]]
moment = "model"
metric = "f1"
baseline = "prior"
min = 0.02  # finds the positive class better than by chance; if it does not: threshold = "f1"
"""

ANY_LABEL = """
[[checks]]
moment = "model"
metric = "micro_f1"
baseline = "prior"
min = 0.02  # finds labels better than by chance; if it does not: threshold = "f1"
"""

ERROR_RATE = """
[[checks]]
moment = "live"
metric = "error_rate"
baseline = "test"
max = 0.05  # at most 5 points above the test part, as soon as outcomes are known
"""


WRONG_LABELS = """
[[checks]]
moment = "live"
metric = "hamming_loss"
baseline = "test"
max = 0.05  # at most 5 more wrong labels in 100 than on the test part, as soon as outcomes are known
"""

RANKED = """
[[checks]]
moment = "live"
metric = "ndcg_at_10"
baseline = "test"
min = -0.1  # at most a tenth below the test part, as soon as outcomes are known
"""

EXPLAINED = """
[[checks]]
moment = "live"
metric = "r2"
baseline = "test"
min = -0.1  # explains at most a tenth less than on the test part, as soon as outcomes are known
"""

FOUND: Mapping[Task, str] = {"binary": POSITIVES, "multilabel": ANY_LABEL}
"""What a model must find at all that could else always say no."""

LIVE: Mapping[Task, str] = {
    "binary": ERROR_RATE,
    "multiclass": ERROR_RATE,
    "regression": EXPLAINED,
    "multilabel": WRONG_LABELS,
    "ranking": RANKED,
}
"""What is asked of a task's answers as soon as outcomes are known."""


def first_checks(task: Task, *, small: bool) -> str:
    """The text of the checks to begin with; few rows measure less finely, so they allow more.

    Args:
        task: what is predicted.
        small: whether there are few rows.

    Example:
        >>> "ndcg_at_10" in first_checks("ranking", small=True)
        True
    """
    text = CHECKS.replace("<metric>", CHIEF_METRIC[task])
    text = text.replace("<tolerance>", "-0.05" if small else "-0.02")
    return FOUND.get(task, "") + text + LIVE[task]
