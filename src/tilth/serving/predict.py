"""POST /predict: rows in, predictions out.

    {"age": 39, ...}           ->  {"prediction_id", "label", "score", "scores", "model", "version"}
    [{"age": 39, ...}, ...]    ->  {"predictions": [{"prediction_id", "label", "score", "scores"}, ...],
    {"rows": [{...}, ...]}          "model", "version"}
    CSV with a header row      ->  the same
    an Arrow stream or file    ->  the same

`score` is the probability of the predicted class and `scores` that of each class; both are null where the
label is a predicted number. Several labels are a list, and `score` is null. `warnings` appears where a value
was unexpected, `explanation` where it is asked for. With `?errors=rows` a row that is refused has `error`,
`column`, `got` and `expected` in the place of its prediction. By `Accept` answers are CSV or Arrow too.
"""

from __future__ import annotations

import itertools
from functools import partial

from tilth.errors import RequestError
from tilth.serving.answers import Answer, decode, json_answer, told
from tilth.serving.columns import describe
from tilth.serving.manners import USUAL, Manner, form_of_body, manner_of
from tilth.serving.predictor import Accepted, Call, Predicted, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.types import JSONObject, JSONValue

__all__ = ["predict", "predictions_of", "rows_of_table"]

_EXPECTED = 'one row as an object, a list of rows, or {"rows": [...]}'


def predict(predictor: Predictor, scorer: Scorer, request: Request) -> Call:
    """Understand a predict request.

    Args:
        predictor: what predicts and logs.
        scorer: the model that the request named, or the live one.
        request: the request.

    Raises:
        RequestError: a body that cannot be read, or rows that the schema does not accept.
        Refusal: 415 for a body of another type.
    """
    manner = manner_of(request)
    rows, is_alone = _rows(request, scorer)
    if manner is USUAL:
        return Call(predictor.accept(rows, request, scorer), _one if is_alone else _many)
    if manner.explains:
        _check_explained(scorer, len(rows), manner)
    accepted = predictor.accept(rows, request, scorer, sift=manner.by_row and not is_alone)
    return Call(accepted, partial(_answer, manner, is_alone, accepted), is_slow=manner.explains)


def rows_of_table(request: Request, scorer: Scorer) -> list[object] | None:
    """The rows of a body that is a table; None for one of JSON.

    Raises:
        RequestError: a body that cannot be read.
        Refusal: 415 for a body of another type.
    """
    form = form_of_body(request)
    if form == "json":
        return None
    if form == "csv":
        from tilth.serving.tables_in import csv_rows

        return [*csv_rows(request.body, scorer.validator)]
    from tilth.serving.tables_in_arrow import arrow_rows

    return [*arrow_rows(request.body, scorer.validator)]


def _rows(request: Request, scorer: Scorer) -> tuple[list[object], bool]:
    """The rows of a request, and whether there is one that stands alone."""
    table = rows_of_table(request, scorer)
    if table is not None:
        return table, False
    content = decode(request.body)
    if isinstance(content, dict):
        rows = content.get("rows")
        if not isinstance(rows, list):
            return [content], True
        _check_alone(content)
        return rows, False
    if isinstance(content, list):
        return content, False
    raise RequestError(f"the request is {describe(content)}", got=describe(content), expected=_EXPECTED)


def _check_alone(content: JSONObject) -> None:
    if len(content) > 1:
        other = next(name for name in content if name != "rows")
        raise RequestError(f"'{other[:100]}' beside 'rows'", got=other[:100], expected=_EXPECTED)


def _one(predicted: Predicted) -> Answer:
    model = predicted.scorer.model
    return json_answer({**predictions_of(predicted)[0], "model": model.name, "version": model.version})


def _many(predicted: Predicted) -> Answer:
    model = predicted.scorer.model
    return json_answer(
        {"predictions": predictions_of(predicted), "model": model.name, "version": model.version}
    )


def _answer(manner: Manner, is_alone: bool, accepted: Accepted, predicted: Predicted) -> Answer:
    """An answer in a manner of its own."""
    scorer, model = predicted.scorer, predicted.scorer.model
    found = predictions_of(predicted)
    if manner.explains and scorer.model.explainer is not None and found:
        validator = scorer.validator
        values = accepted.valid.values
        explained = scorer.model.explainer.explain(values, validator.layout.names, validator.columns)
        for prediction, explanation in zip(found, explained, strict=True):
            prediction["explanation"] = explanation
    for error in accepted.valid.refused:  # in the order of their rows
        found.insert(error.row or 0, told(error))
    if manner.form != "json":
        from tilth.serving.tables_out import table_answer

        return table_answer(found, scorer, manner.form)
    about: JSONObject = {"model": model.name, "version": model.version}
    return json_answer({**found[0], **about} if is_alone else {"predictions": [*found], **about})


def _check_explained(scorer: Scorer, rows: int, manner: Manner) -> None:
    """Refuse what cannot be explained, or not within the time of a request."""
    explainer = scorer.model.explainer
    if explainer is None:
        raise RequestError(
            "this server explains no predictions", expected="[serve] explain = true in tilth.toml"
        )
    if manner.form != "json":
        raise RequestError(
            "explanations are answered as JSON only", got=manner.form, expected="Accept: application/json"
        )
    if rows > explainer.most_rows:
        raise RequestError(
            f"too many rows to explain in one request: {rows}",
            got=f"{rows} rows",
            expected=f"at most {explainer.most_rows} rows",
        )


def predictions_of(predicted: Predicted) -> list[JSONObject]:
    """The predictions of a request's rows, as they stand in its answer."""
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
