"""`evaluate`: metrics of a table that holds labels and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from tilth.engines import Engine
from tilth.evaluation.differences import MINIMUM_ROWS
from tilth.evaluation.evaluator import Evaluator
from tilth.evaluation.result import Evaluation
from tilth.evaluation.scored import Scored
from tilth.metrics import CustomMetric, LabelEncoding, LabelValue
from tilth.tables import Table
from tilth.tables.concatenation import large_parts
from tilth.tables.slicings import Slicing, slicing_of
from tilth.types import Task

__all__ = ["evaluate", "measure_scored"]

_PARTS_A_WORKER = 4


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
    engine: Engine | None = None,
    minimum_rows: int = MINIMUM_ROWS,
    custom: Mapping[str, CustomMetric] | None = None,
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
        engine: where parts of the data are measured; default: in this process. The result is the same.
        minimum_rows: slices with fewer rows are marked as small.
        custom: metrics of one's own by name: functions of the task's `tilth.metrics.Counts`, such as
            `lambda counts: 5 * counts.fn + counts.fp`; in the result they are called "custom.NAME".

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
    return measure_scored(scored, slices, engine=engine, custom=custom).marked(minimum_rows)


def measure_scored(
    scored: Scored,
    slices: Sequence[Sequence[str]] = (),
    *,
    engine: Engine | None = None,
    custom: Mapping[str, CustomMetric] | None = None,
) -> Evaluation:
    """The same of rows whose labels and answers are known already."""
    sliced = slicing_of(scored.table, slices)
    if engine is None:
        evaluator, unlabeled = _counted(scored.table, scored, sliced, detailed=bool(custom))
        return evaluator.result(unlabeled=unlabeled, notes=scored.encoding.notes, custom=custom)
    evaluator, unlabeled = _evaluator(scored, sliced, bool(custom)), 0
    parts = large_parts(scored.table, _PARTS_A_WORKER * engine.workers)
    # Only what can be sent: the whole table may be a reader of this process, its parts are files.
    lean = replace(scored, table=scored.table.select([scored.label]))
    count = partial(_counted, scored=lean, sliced=sliced, detailed=bool(custom))
    for part, without in engine.map(count, parts):
        evaluator.merge(part)
        unlabeled += without
    return evaluator.result(unlabeled=unlabeled, notes=scored.encoding.notes, custom=custom)


def _evaluator(scored: Scored, sliced: Slicing, detailed: bool) -> Evaluator:
    return Evaluator(scored.encoding, sliced.slices, threshold=scored.threshold, detailed=detailed)


def _counted(
    table: Table, scored: Scored, sliced: Slicing, *, detailed: bool = False
) -> tuple[Evaluator, int]:
    """The rows of a table counted, and how many of them have no label."""
    evaluator = _evaluator(scored, sliced, detailed)
    unlabeled = 0
    for batch in replace(scored, table=table).batches(sliced.sources):
        unlabeled += batch.unlabeled
        evaluator.update(
            batch.labels,
            predictions=batch.predictions,
            scores=batch.scores,
            columns=sliced.of(batch.columns),
            groups=batch.groups,
            weights=batch.weights,
        )
    return evaluator, unlabeled
