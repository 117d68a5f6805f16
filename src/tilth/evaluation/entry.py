"""`evaluate`: metrics of a table that holds labels and predictions."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.evaluation.evaluator import Evaluator
from tilth.evaluation.result import Evaluation
from tilth.evaluation.scored import Scored
from tilth.metrics import LabelEncoding, LabelValue
from tilth.tables.slicings import slicing_of
from tilth.types import Task

__all__ = ["evaluate", "measure_scored"]


def evaluate(
    data: object,
    *,
    label: str,
    prediction: str | None = None,
    score: str | None = None,
    weight: str | None = None,
    slices: Sequence[Sequence[str]] = (),
    positive: LabelValue | None = None,
    task: Task | None = None,
    threshold: float = 0.5,
    group: str | None = None,
    separator: str | None = None,
    encoding: LabelEncoding | None = None,
) -> Evaluation:
    """Measure predictions, over all rows and on slices, with 95 % confidence intervals.

    Rows without a label are left out and counted. The result does not depend on the order of rows.

    Args:
        data: anything that `tilth.tables.open_table` takes.
        label: the column of true labels.
        prediction: the column of predicted labels or numbers; may be left out for two classes when there is
            a score.
        score: for two classes the column of the positive class's score, a probability for log loss and
            calibration to be defined.
        weight: the column that says how much each row counts, at least 0.
        slices: groups of columns whose crossed values make slices, such as [["sex"], ["sex", "race"]]; beside
            columns also `ranges(age, 30, 50)`, `quantiles(age, 4)` and SQL expressions such as `age > 60`.
        positive: the positive class of two; default: 1, true, yes, ">...", or else the rarer one.
        task: what is predicted; default: told from the labels, and "ranking" where there is a group.
        threshold: what a score must exceed to count as positive where no prediction is given.
        group: for ranking, the column whose rows are ranked together, the greatest prediction first.
        separator: what separates several labels in one text; not needed for lists of texts.
        encoding: the task and its classes where they are known, so that rows of one class only, or without
            some class, are measured on the same terms; `positive`, `task`, `group` and `separator` are not
            needed then.

    Raises:
        UsageError: neither prediction nor score, or a score where there are not two classes.
        DataError: labels or predictions that cannot be used.
        ColumnNotFoundError: a column that the table does not have.

    Example:
        >>> found = evaluate({"bought": [1, 0, 0, 1], "p": [0.8, 0.3, 0.6, 0.4]}, label="bought", score="p")
        >>> print(found.slices[0].metrics["auroc"])
        0.75 [0.06932, 0.9918]
    """
    scored = Scored.of(
        data,
        label=label,
        prediction=prediction,
        score=score,
        weight=weight,
        positive=positive,
        task=task,
        threshold=threshold,
        group=group,
        separator=separator,
        encoding=encoding,
    )
    return measure_scored(scored, slices)


def measure_scored(scored: Scored, slices: Sequence[Sequence[str]] = ()) -> Evaluation:
    """The same of rows whose labels and answers are known already."""
    sliced = slicing_of(scored.table, slices)
    evaluator = Evaluator(scored.encoding, slices, threshold=scored.threshold)
    unlabeled = 0
    for batch in scored.batches(sliced.sources):
        unlabeled += batch.unlabeled
        evaluator.update(
            batch.labels,
            predictions=batch.predictions,
            scores=batch.scores,
            columns=sliced.of(batch.columns),
            groups=batch.groups,
            weights=batch.weights,
        )
    return evaluator.result(unlabeled=unlabeled, notes=scored.encoding.notes)
