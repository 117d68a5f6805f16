"""What both forms of the Open Inference Protocol share: tensors as rows, and predictions as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tilth.errors import RequestError
from tilth.serving.predictor import Predicted
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.types import NUMBER_TASKS

__all__ = [
    "Given",
    "Output",
    "answer_parameters",
    "obey_timeout",
    "outputs_of",
    "refuse_unsupported",
    "rows_of",
    "wanted_outputs",
]

_UNSUPPORTED = {
    "classification": "the classification extension; ask for 'probabilities', which names its classes",
    "shared_memory_region": "shared memory; send the values",
}


class Given(NamedTuple):
    """One tensor of a request: its values flat and row-major, None for missing."""

    name: str
    shape: Sequence[int]
    values: Sequence[object]


class Output(NamedTuple):
    """One tensor of an answer, with the names of its classes where it has a column for each."""

    name: str
    array: np.ndarray
    classes: str | None = None


def rows_of(tensors: Iterable[Given], scorer: Scorer) -> list[object]:
    """The rows that some tensors hold: each is a column of shape [N] or [N, 1], lists [N, K].

    Raises:
        RequestError: a tensor that comes twice, is not one column, or differs from others in length.
    """
    lists = {column.name for column in scorer.validator.columns if column.is_list}
    columns: dict[str, Sequence[object]] = {}
    for name, shape, values in tensors:
        shown = name[:100]
        if name in columns:
            raise RequestError(f"tensor '{shown}' is there twice", column=shown, expected="it once")
        is_list = name in lists
        if is_list and len(shape) == 2:
            columns[name] = _lists(values, shape[1])
            continue
        if is_list or list(shape) not in ([len(values)], [len(values), 1]):
            raise RequestError(
                f"tensor '{shown}' is not one column",
                column=shown,
                got=f"the shape {list(shape)}",
                expected="the shape [N, K], K items for each of N rows"
                if is_list
                else "the shape [N] or [N, 1], one value for each of N rows",
            )
        columns[name] = values
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name[:50]}: {size}" for name, size in list(sizes.items())[:20])
        raise RequestError("the tensors differ in length", got=told, expected="one value per row in each")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _lists(values: Sequence[object], width: int) -> list[object]:
    """The items of each row that are there."""
    rows = (values[start : start + width] for start in range(0, len(values), width))
    return [[value for value in row if value is not None] for row in rows]


def wanted_outputs(names: Sequence[str], scorer: Scorer) -> tuple[str, ...]:
    """The outputs that are asked for; those of the model where none is.

    Raises:
        RequestError: there is no such output.
    """
    known = ("prediction",) if scorer.model.task in NUMBER_TASKS else ("label", "probabilities")
    for name in names:
        if name not in (*known, "prediction_id"):
            raise RequestError(
                f"there is no output '{name[:100]}'",
                got=name[:100],
                expected=f"one of {', '.join((*known, 'prediction_id'))}",
            )
    return tuple(names) or known


def outputs_of(wanted: Sequence[str], predicted: Predicted) -> list[Output]:
    """Predictions as arrays with a row for each row that was asked about."""
    return [_output(name, predicted) for name in wanted]


def _output(name: str, predicted: Predicted) -> Output:
    scored, scorer = predicted.scored, predicted.scorer
    classes = list(scorer.class_names)
    if name == "prediction_id":
        return Output(name, np.array([each or "" for each in predicted.ids], dtype=object))
    if name == "probabilities":
        return Output(name, np.array(scored.scores, dtype=np.float32), ",".join(classes))
    if scorer.model.task == "multilabel":
        said = [[each in label for each in classes] for label in scored.labels if isinstance(label, tuple)]
        return Output(name, np.array(said, np.bool_), ",".join(classes))
    kind: type = object if scorer.label_type is str else scorer.label_type
    return Output(name, np.array(scored.labels, dtype=kind))


def answer_parameters(predicted: Predicted) -> dict[str, str]:
    """What an answer says beside its tensors: the ids of the predictions, and warnings."""
    parameters = {"prediction_ids": ",".join(each or "" for each in predicted.ids)}
    if predicted.scored.unexpected:
        parameters["warnings"] = "; ".join(
            f"row {found.row}, column {found.column}: got {found.got}, expected {found.expected}"
            for found in predicted.scored.unexpected[:100]
        )
    return parameters


def refuse_unsupported(parameters: Mapping[str, object], what: str) -> None:
    """Refuse what would change an answer and is not done here.

    Raises:
        RequestError: such a parameter.
    """
    for name, words in _UNSUPPORTED.items():
        if name in parameters:
            raise RequestError(f"{what} asks for {words}", got=name, expected="a request without it")


def obey_timeout(request: Request, parameters: Mapping[str, object]) -> None:
    """Let the parameter `timeout`, in microseconds as Triton has it, bring the deadline nearer.

    Raises:
        RequestError: it is no whole number of at least 0.
    """
    asked = parameters.get("timeout")
    if asked is None or asked == 0:
        return
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 0:
        raise RequestError("the parameter 'timeout' is no time", expected="a whole number of microseconds")
    request.deadline = min(request.deadline, request.started + asked / 1e6)
