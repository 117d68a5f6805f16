"""POST /predict: rows in, predictions out.

    {"age": 39, ...}           ->  {"prediction_id", "label", "score", "scores", "model", "version"}
    [{"age": 39, ...}, ...]    ->  {"predictions": [{"prediction_id", "label", "score", "scores"}, ...],
    {"rows": [{...}, ...]}          "model", "version"}

`score` is the probability of the predicted class and `scores` that of each class; both are null where the
label is a predicted number. Several labels are a list, and `score` is null. `warnings` appears where a value
was unexpected.
"""

from __future__ import annotations

import itertools

from tilth.errors import RequestError
from tilth.serving.answers import Answer, decode, json_answer
from tilth.serving.columns import describe
from tilth.serving.predictor import Call, Predicted, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.types import JSONObject, JSONValue

__all__ = ["predict"]

_EXPECTED = 'one row as an object, a list of rows, or {"rows": [...]}'


def predict(predictor: Predictor, scorer: Scorer, request: Request) -> Call:
    """Understand a predict request.

    Args:
        predictor: what predicts and logs.
        scorer: the model that the request named, or the live one.
        request: the request.

    Raises:
        RequestError: not JSON, or rows that the schema does not accept.
    """
    content = decode(request.body)
    if isinstance(content, dict):
        rows = content.get("rows")
        if not isinstance(rows, list):
            return Call(predictor.accept([content], request, scorer), _one)
        _check_alone(content)
        return Call(predictor.accept(rows, request, scorer), _many)
    if isinstance(content, list):
        return Call(predictor.accept(content, request, scorer), _many)
    raise RequestError(f"the request is {describe(content)}", got=describe(content), expected=_EXPECTED)


def _check_alone(content: JSONObject) -> None:
    if len(content) > 1:
        other = next(name for name in content if name != "rows")
        raise RequestError(f"'{other[:100]}' beside 'rows'", got=other[:100], expected=_EXPECTED)


def _one(predicted: Predicted) -> Answer:
    model = predicted.scorer.model
    return json_answer({**_predictions(predicted)[0], "model": model.name, "version": model.version})


def _many(predicted: Predicted) -> Answer:
    model = predicted.scorer.model
    return json_answer(
        {"predictions": _predictions(predicted), "model": model.name, "version": model.version}
    )


def _predictions(predicted: Predicted) -> list[JSONObject]:
    scored, names = predicted.scored, predicted.scorer.class_names
    labels: list[JSONValue] = [list(each) if isinstance(each, tuple) else each for each in scored.labels]
    answers: list[JSONObject]
    if scored.scores is None:
        answers = [
            {"prediction_id": identity, "label": label, "score": None, "scores": None}
            for identity, label in zip(predicted.ids, labels, strict=True)
        ]
    else:
        answers = [
            {
                "prediction_id": identity,
                "label": label,
                "score": confidence,
                "scores": dict(zip(names, row, strict=True)),
            }
            for identity, label, confidence, row in zip(
                predicted.ids,
                labels,
                scored.confidence or itertools.repeat(None, len(labels)),
                scored.scores,
                strict=True,
            )
        ]
    for found in scored.unexpected:
        warnings = answers[found.row].setdefault("warnings", [])
        assert isinstance(warnings, list)
        warnings.append({"column": found.column, "got": found.got, "expected": found.expected})
    return answers
