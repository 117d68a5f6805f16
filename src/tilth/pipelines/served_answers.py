"""Logged predictions as answers of a model, and what their outcomes say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError
from tilth.evaluation import Evaluation, group_codes
from tilth.metrics import LabelEncoding, label_text
from tilth.pipelines.scoring import Answers, measure_rows
from tilth.tables import Label, Prediction

__all__ = ["answers_of", "is_answer", "left_out", "performance"]


def is_answer(prediction: Prediction, encoding: LabelEncoding) -> bool:
    """Whether a model of these classes can have said this."""
    label, names = prediction.label, set(encoding.names)
    if encoding.is_number:
        return prediction.scores is None and isinstance(label, int | float)
    if not names <= set(prediction.scores or ()):
        return False
    if encoding.task == "multilabel":
        return isinstance(label, tuple) and set(label) <= names
    return not isinstance(label, tuple) and label_text(label) in names


def answers_of(predictions: Sequence[Prediction], encoding: LabelEncoding) -> Answers:
    """What was said, as the same model would say it now; all must be its answers."""
    if encoding.is_number:
        return Answers(_numbers([p.label for p in predictions]), None)
    names = encoding.names
    scores = [[(p.scores or {})[name] for name in names] for p in predictions]
    probabilities = np.array(scores, np.float64).reshape(len(predictions), len(names))
    return Answers(_codes([p.label for p in predictions], encoding), probabilities)


def performance(
    predictions: Sequence[Prediction], outcomes: Mapping[str, Label], size: int, encoding: LabelEncoding
) -> tuple[Evaluation | None, tuple[str, ...]]:
    """The metrics on the newest predictions whose outcome is known, and notes on what was left out.

    Args:
        predictions: the model's answers, the oldest first.
        outcomes: what happened, by the prediction's id.
        size: how many of the newest with an outcome are looked at.
        encoding: the task and its classes.
    """
    known = [(p, outcomes[p.id]) for p in predictions if p.id in outcomes][-size:]
    judged = [(p, outcome) for p, outcome in known if _fits(outcome, encoding)]
    strange = [outcome for _, outcome in known if not _fits(outcome, encoding)]
    notes = left_out(len(strange), "outcome", f", such as '{_shown(strange[0])}'" if strange else "")
    if encoding.group is not None:
        lone = len(judged)
        judged = [pair for pair in judged if pair[0].inputs.get(encoding.group) is not None]
        lone -= len(judged)
        if lone:
            what = f"{lone:,} outcomes left out whose '{encoding.group}' did not come with the request"
            notes = (*notes, what)
    if not judged:
        return None, notes
    said, truth = [p for p, _ in judged], _truth([outcome for _, outcome in judged], encoding)
    found = measure_rows(answers_of(said, encoding), truth, encoding, groups=_groups(said, encoding))
    return found, (*notes, *found.notes)


def left_out(count: int, what: str, example: str) -> tuple[str, ...]:
    """A sentence on what does not fit the model, if there is any.

    Example:
        >>> left_out(2, "outcome", ", such as 'maybe'")
        ("2 outcomes left out that do not fit this model, such as 'maybe'",)
    """
    if not count:
        return ()
    named = f"{what} left out that does" if count == 1 else f"{what}s left out that do"
    return (f"{count:,} {named} not fit this model{example}",)


def _shown(outcome: Label) -> str:
    return (", ".join(outcome) if isinstance(outcome, tuple) else label_text(outcome))[:50]


def _fits(outcome: Label, encoding: LabelEncoding) -> bool:
    """Whether an outcome can be true of what the model predicts."""
    if encoding.task == "multilabel":
        return isinstance(outcome, tuple) and set(outcome) <= set(encoding.names)
    if isinstance(outcome, tuple):
        return False
    try:
        _truth([outcome], encoding)
    except (DataError, ValueError):
        return False
    return True


def _truth(
    outcomes: Sequence[Label], encoding: LabelEncoding
) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    if encoding.is_number:
        return encoding.encode(pa.array(_numbers(outcomes)))
    return _codes(outcomes, encoding)


def _numbers(labels: Sequence[Label]) -> npt.NDArray[np.float64]:
    return np.array([float(label_text(label)) for label in labels], np.float64)


def _codes(labels: Sequence[Label], encoding: LabelEncoding) -> npt.NDArray[np.int64]:
    if encoding.task == "multilabel":
        lists = [list(label) for label in labels if isinstance(label, tuple)]
        found = encoding.encode(pa.array(lists, pa.list_(pa.string())))
    else:
        found = encoding.encode(pa.array([label_text(label) for label in labels], pa.string()))
    return found.astype(np.int64)


def _groups(predictions: Sequence[Prediction], encoding: LabelEncoding) -> npt.NDArray[np.int64] | None:
    if encoding.group is None:
        return None
    texts = [label_text(p.inputs[encoding.group]) for p in predictions]
    return group_codes(pa.RecordBatch.from_pydict({encoding.group: texts}), encoding.group)
