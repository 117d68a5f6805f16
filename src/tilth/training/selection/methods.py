"""The methods by name: what kind each is, and how it ranks the candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError, closest
from tilth.training.selection.contingency import chi_square, surplus_information
from tilth.training.selection.elimination import recursive_elimination
from tilth.training.selection.embedded import lasso, permutation_importance, tree_importance
from tilth.training.selection.filters import anova_f, kendall, pearson, spearman
from tilth.training.selection.models import Learner
from tilth.training.selection.redundancy import without_redundant
from tilth.training.selection.stepwise import backward, forward
from tilth.training.selection.training import TrainingRows

__all__ = [
    "METHODS",
    "SCREENED",
    "SCREENED_FEATURES",
    "WIDE",
    "Family",
    "Method",
    "Ranking",
    "Tools",
    "find_methods",
    "promising",
    "rank",
    "screened",
]

Floats = npt.NDArray[np.float64]

Family = Literal["filter", "wrapper", "embedded"]
"""Whether a method looks at columns alone, tries them out with a model, or asks a model that has all."""

SCREENED = 40
"""The most candidates that methods which try models out look at."""

SCREENED_FEATURES = 200
"""The most features that these may have together, if more than one of them."""

WIDE = 200
"""With more candidates than this, no method looks at all of them."""


@dataclass(frozen=True)
class Ranking:
    """What a method makes of the candidates.

    Args:
        order: positions of candidates, the best first.
        scores: (c,), by which they are ordered; None for a method that has none. NaN for candidates that it
            says nothing of.
        is_set: all of `order` are to be kept; otherwise as many as one wants.
    """

    order: tuple[int, ...]
    scores: Floats | None = None
    is_set: bool = False


@dataclass(frozen=True)
class Tools:
    """What methods may use beside the rows.

    Args:
        learner: the estimator that columns are chosen for.
        bound: from which correlation on two columns say the same.
    """

    learner: Learner
    bound: float


@dataclass(frozen=True)
class Method:
    """One way to rank candidates.

    Args:
        family: its kind.
        rank: how it ranks them.
        is_screened: whether it looks only at the candidates that a filter has let pass.
        sentence: what it does.
    """

    family: Family
    rank: Callable[[TrainingRows, Tools], Ranking]
    sentence: str
    is_screened: bool = False


def _by_score(score: Callable[[TrainingRows], Floats]) -> Callable[[TrainingRows, Tools], Ranking]:
    return lambda rows, _: _ranking(score(rows))


def _ranking(scores: Floats) -> Ranking:
    known = np.flatnonzero(~np.isnan(scores))
    order = sorted(known.tolist(), key=lambda at: (-scores[at], at))
    return Ranking(tuple(order), scores)


def _redundancy(rows: TrainingRows, tools: Tools) -> Ranking:
    return Ranking(tuple(without_redundant(rows, tools.bound)), is_set=True)


def _forward(rows: TrainingRows, _: Tools) -> Ranking:
    return Ranking(tuple(forward(rows, screened(rows))))


def _backward(rows: TrainingRows, _: Tools) -> Ranking:
    return Ranking(tuple(backward(rows, screened(rows))))


def _elimination(rows: TrainingRows, tools: Tools) -> Ranking:
    return Ranking(tuple(recursive_elimination(rows, tools.learner, screened(rows))))


def _permutation(rows: TrainingRows, tools: Tools) -> Ranking:
    return _ranking(permutation_importance(rows, tools.learner, screened(rows)))


METHODS: Mapping[str, Method] = {
    "pearson": Method("filter", _by_score(pearson), "correlation with the label"),
    "spearman": Method("filter", _by_score(spearman), "rank correlation with the label"),
    "kendall": Method("filter", _by_score(kendall), "Kendall's tau-b with the label"),
    "f": Method("filter", _by_score(anova_f), "F statistic of the analysis of variance"),
    "chi2": Method("filter", _by_score(chi_square), "chi-square of levels against the label's"),
    "mutual_information": Method(
        "filter", _by_score(surplus_information), "information about the label beyond chance"
    ),
    "redundancy": Method("filter", _redundancy, "one of two columns that say the same is dropped"),
    "forward": Method("wrapper", _forward, "columns taken in one by one", is_screened=True),
    "backward": Method("wrapper", _backward, "columns left out one by one", is_screened=True),
    "recursive_elimination": Method(
        "wrapper",
        _elimination,
        "the column with the least weight left out, then fitted again",
        is_screened=True,
    ),
    "l1": Method("embedded", _by_score(lasso), "the L1 penalty that a column withstands"),
    "importance": Method("embedded", _by_score(tree_importance), "gain in boosted trees"),
    "permutation": Method(
        "embedded", _permutation, "loss on held-out rows when the column is shuffled", is_screened=True
    ),
}
"""Every method by the name that users type."""


def find_methods(names: tuple[str, ...] | list[str] | None) -> list[str]:
    """The names of the methods that are asked for, each once; all of them for None.

    Raises:
        UsageError: a name that is none.

    Example:
        >>> find_methods(["f", "l1", "f"])
        ['f', 'l1']
    """
    if names is None:
        return list(METHODS)
    for name in names:
        if name not in METHODS:
            near = closest(name, METHODS)
            raise UsageError(
                f"no method '{name}'",
                expected=f"one of {', '.join(METHODS)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
    if not names:
        raise UsageError("no method is named", expected=f"one of {', '.join(METHODS)}")
    return list(dict.fromkeys(names))


def rank(name: str, rows: TrainingRows, tools: Tools) -> Ranking:
    """What a method makes of the candidates, seen by these rows alone."""
    return METHODS[name].rank(rows, tools)


def screened(rows: TrainingRows) -> list[int]:
    """The candidates that methods which try models out look at: all, or those with the greatest F."""
    usable = rows.usable
    features = sum(len(rows.groups[at]) for at in usable)
    if len(usable) <= SCREENED and features <= SCREENED_FEATURES:
        return usable
    strength = np.nan_to_num(anova_f(rows), nan=-1.0)
    best = sorted(usable, key=lambda at: (-strength[at], at))[:SCREENED]
    widths = np.cumsum([len(rows.groups[at]) for at in best])
    return sorted(best[: max(1, int(np.searchsorted(widths, SCREENED_FEATURES, side="right")))])


def promising(rows: TrainingRows) -> list[int] | None:
    """The candidates that methods look at: the first by F and by mutual information in turn; None for all."""
    if len(rows.usable) <= WIDE:
        return None
    orders = [_ranking(score(rows)).order for score in (anova_f, surplus_information)]
    in_turn = dict.fromkeys(at for pair in zip(*orders, strict=False) for at in pair)
    return sorted(list(in_turn)[:WIDE])
