"""`select`: which columns a model needs, tried out with every method."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tilth.errors import UsageError, counted
from tilth.features import Features
from tilth.metrics import CHIEF_METRIC, LabelValue
from tilth.training.selection.advice import recommend
from tilth.training.selection.candidates import Candidates
from tilth.training.selection.choosing import ALL, Choice, Rules, all_rows, choose
from tilth.training.selection.figures import Figure
from tilth.training.selection.folds import deal_folds
from tilth.training.selection.judging import METRICS
from tilth.training.selection.leaks import Leak, find_leaks
from tilth.training.selection.methods import (
    METHODS,
    SCREENED,
    SCREENED_FEATURES,
    WIDE,
    Tools,
    find_methods,
    screened,
)
from tilth.training.selection.models import LINEAR, Learner, quick
from tilth.training.selection.preparing import Prepared, fitting_folds, prepare
from tilth.training.selection.result import MethodResult, Selection
from tilth.training.selection.sample import LEAST_ROWS, Sample, label_values
from tilth.types import Progress, Task

__all__ = ["MOST_ROWS", "select"]

MOST_ROWS = 10_000
"""How many rows are looked at unless one asks for more; the others would change little and take long."""

_REPEATED_ROWS = 2_000
_SEEDS, _FIRST_SEED = 1_000, 7  # so that the folds of two seeds, and those inside, are dealt apart
_RANGES = {"r2": (-math.inf, 1.0), "rmse": (0.0, math.inf), "mae": (0.0, math.inf)}


def select(
    data: object,
    *,
    label: str,
    methods: Sequence[str] | None = None,
    count: int | None = None,
    folds: int = 5,
    repeats: int | None = None,
    seed: int = 0,
    estimator: str = LINEAR,
    features: Features | str | None = None,
    where: str = "features.py",
    correlation: float = 0.9,
    rows: int = MOST_ROWS,
    task: Task | None = None,
    positive: LabelValue | None = None,
    forbidden: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Find out which columns a model needs, by filters, wrappers and embedded methods side by side.

    Rows are dealt to folds, balanced by class. On the training folds alone features get their constants, each
    method chooses columns, and the estimator learns from them; the test fold only says how well that does.
    How many columns to keep is found on inner folds of the training folds. Rows without a label are left out.
    The result does not depend on the order of rows.

    Args:
        data: anything that `tilth.tables.open_table` takes.
        label: the column to predict.
        methods: names out of `METHODS`; default: all.
        count: how many columns to keep; default: the fewest that do as well as any on the inner folds.
        folds: how many parts to deal rows to, 2 or more.
        repeats: how often to deal; default: twice, once for more than 2,000 rows or 200 columns.
        seed: another seed deals and draws otherwise.
        estimator: "linear" (logistic or ridge regression), or what `make_estimator` takes.
        features: the text of a features.py, or its function; default: that of `default_features`.
        where: the path of that text, for messages.
        correlation: from which correlation on two columns are redundant, 0 to 1.
        rows: how many rows to look at; of more a random sample is drawn.
        task: what is predicted; default: told from the labels.
        positive: the positive class of two.
        forbidden: columns that may not be features, each with the reason.
        progress: called with the number of choices made, and how many there will be.

    Raises:
        ColumnNotFoundError: no column `label`.
        DataError: labels that cannot be predicted, too few rows, or no column to choose from.
        UsageError: no such method, or a number out of range.
        FeatureError: a mistake in `features`.
        TrainingError: no such estimator, or one that cannot be fitted.

    Example:
        >>> x = [n * 7 % 40 / 2 for n in range(40)]
        >>> data = {"x": x, "noise": [n * 11 % 13 for n in range(40)], "y": [value > 8 for value in x]}
        >>> found = select(data, label="y", methods=["f"], count=1)
        >>> found["f"].columns, found["f"].chosen["x"]
        (('x',), 1.0)
    """
    names = find_methods(None if methods is None else list(methods))
    _check_numbers(count, folds, repeats, correlation, rows)
    prepared = prepare(
        data,
        label,
        features=features,
        where=where,
        forbidden=forbidden,
        rows=rows,
        seed=seed,
        task=task,
        positive=positive,
    )
    sample, encoding = prepared.sample, prepared.sample.encoding
    parts = fitting_folds(folds, sample, label)
    is_small = len(sample.labels) <= _REPEATED_ROWS and len(prepared.candidates.items) <= WIDE
    times = repeats or (2 if is_small else 1)
    learner = Learner(estimator, encoding.task, len(encoding.classes), seed)
    rules = Rules(prepared.candidates, tuple(names), Tools(learner, correlation), count, seed)
    with quick():
        tried = _try_all(sample, rules, parts, times, progress)
    lines = [_line(name, tried, prepared.candidates, encoding.task, parts) for name in (ALL, *names)]
    chief = CHIEF_METRIC[encoding.task]
    values = {name: tried.values(name, chief) for name in (ALL, *names)}
    return Selection(
        name=sample.name,
        encoding=encoding.without_notes(),
        rows=sample.rows,
        used_rows=len(sample.labels),
        columns=tuple(item.name for item in prepared.candidates.items),
        estimator=learner.title,
        folds=parts,
        repeats=times,
        methods=tuple(lines),
        recommendation=recommend(lines, values, chief, 1 / (parts - 1), tried.leaks, len(sample.labels)),
        leaks=tried.leaks,
        left_out=prepared.left_out,
        notes=(*prepared.notes, *encoding.notes, *_notes(prepared, tried, names, parts, folds)),
    )


@dataclass(frozen=True)
class _Tried:
    """What every method chose: in each fold, and on all rows."""

    folds: tuple[Mapping[str, Choice], ...]
    final: Mapping[str, Choice]
    leaks: tuple[Leak, ...]
    is_screened: bool

    def values(self, method: str, metric: str) -> list[float | None]:
        """A metric of a method in each fold."""
        return [each[method].metrics.get(metric) for each in self.folds]


def _try_all(sample: Sample, rules: Rules, folds: int, repeats: int, progress: Progress | None) -> _Tried:
    total, done = (folds * repeats + 1) * (len(rules.methods) + 1), 0

    def told() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    values = label_values(sample.labels, sample.encoding)
    found = []
    for repeat in range(repeats):
        seed = rules.seed * _SEEDS + repeat + _FIRST_SEED
        dealt = deal_folds(sample.hashes, sample.strata, folds, seed=seed)
        for fold in range(folds):
            train = dealt != fold
            block = rules.candidates.fit(sample.table, train, values)
            found.append(choose(sample, train, block, rules, told))
    everything = np.ones(len(sample.labels), np.bool_)
    block = rules.candidates.fit(sample.table, everything, values)
    final = choose(sample, everything, block, rules, told)
    rows = all_rows(sample, block, rules)
    leaks = find_leaks(rows, [item.name for item in rules.candidates.items])
    return _Tried(tuple(found), final, tuple(leaks), len(screened(rows)) < len(rows.usable))


def _line(method: str, tried: _Tried, candidates: Candidates, task: Task, folds: int) -> MethodResult:
    share = 1 / (folds - 1)
    names = [item.name for item in candidates.items]
    final = tried.final[method]
    metrics, differences = {}, {}
    for metric in METRICS[task]:
        mine, whole = tried.values(method, metric), tried.values(ALL, metric)
        least, greatest = _RANGES.get(metric, (0.0, 1.0))
        metrics[metric] = Figure.of(mine, share, least=least, greatest=greatest)
        pairs = zip(mine, whole, strict=True)
        differences[metric] = Figure.of([None if a is None or b is None else a - b for a, b in pairs], share)
    chosen = Counter(at for each in tried.folds for at in each[method].kept)
    scores = {} if final.scores is None else dict(zip(names, map(_number, final.scores), strict=True))
    return MethodResult(
        method,
        METHODS[method].family if method != ALL else None,
        tuple(names[at] for at in final.kept),
        tuple(len(each[method].kept) for each in tried.folds),
        metrics,
        differences,
        {name: chosen[at] / len(tried.folds) for at, name in enumerate(names)},
        scores,
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _notes(prepared: Prepared, tried: _Tried, names: Sequence[str], folds: int, wanted: int) -> list[str]:
    """What was done otherwise than one might think."""
    sample, found = prepared.sample, []
    if len(sample.labels) < sample.rows:
        found.append(
            f"{len(sample.labels):,} of {sample.rows:,} rows were drawn by the hash of their contents; ask "
            "for more with --rows"
        )
    if sample.unlabeled:
        found.append(f"{counted(sample.unlabeled, 'row')} without a label left out")
    if folds < wanted:
        found.append(f"dealt to {folds} folds instead of {wanted}: a class has no more different rows")
    if len(prepared.candidates.items) > WIDE:
        found.append(
            f"no method looked at more than {WIDE} columns: the first by F and by mutual information on the "
            "training rows in turn"
        )
    looking = [name for name in names if METHODS[name].is_screened]
    if tried.is_screened and looking:
        found.append(
            f"{', '.join(looking)} looked at no more than {SCREENED} columns and {SCREENED_FEATURES} "
            "features, those with the greatest F on the training rows: trying out all would take too long"
        )
    return found


def _check_numbers(count: int | None, folds: int, repeats: int | None, correlation: float, rows: int) -> None:
    least = {
        "count": (count, 1),
        "folds": (folds, 2),
        "repeats": (repeats, 1),
        "rows": (rows, LEAST_ROWS),
    }
    for name, (value, bound) in least.items():
        if value is not None and value < bound:
            raise UsageError(f"{name} is {value}", expected=f"{bound} or more")
    if not 0 <= correlation <= 1:
        raise UsageError(f"correlation is {correlation}", expected="a number from 0 to 1")
