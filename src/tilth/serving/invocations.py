"""POST /invocations: requests as clients of MLflow's scoring server send them, and its answers.

    {"dataframe_split": {"columns": [...], "data": [[...], ...]}}     {"dataframe_records": [{...}, ...]}
    {"inputs": {"age": [39, ...], ...}}                               {"instances": [{...}, ...]}

or CSV with a header row -> {"predictions": [label, ...], "prediction_ids": [...], "model", "version"}.
Clients of MLflow read `predictions`; the ids are there for POST /feedback. `params` may stand beside and says
nothing to a graph. The names are those of the scoring protocol of MLflow 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tilth.errors import RequestError
from tilth.serving.answers import Answer, decode, json_answer
from tilth.serving.columns import describe
from tilth.serving.predict import predictions_of, rows_of_table
from tilth.serving.predictor import Call, Predicted, Predictor
from tilth.serving.request import Request
from tilth.serving.scoring import Scorer
from tilth.serving.validation import RequestValidator

__all__ = ["invoke"]


def invoke(predictor: Predictor, scorer: Scorer, request: Request) -> Call:
    """Understand a request of MLflow's protocol.

    Args:
        predictor: what predicts and logs.
        scorer: the model.
        request: the request.

    Raises:
        RequestError: a body that cannot be read, or rows that the schema does not accept.
        Refusal: 415 for a body of another type.
    """
    rows = rows_of_table(request, scorer)
    if rows is None:
        rows = _rows(decode(request.body), scorer.validator)
    return Call(predictor.accept(rows, request, scorer), _answer)


def _answer(predicted: Predicted) -> Answer:
    found, model = predictions_of(predicted), predicted.scorer.model
    warnings = {str(row): each["warnings"] for row, each in enumerate(found) if "warnings" in each}
    return json_answer(
        {
            "predictions": [each["label"] for each in found],
            "prediction_ids": predicted.ids,
            "model": model.name,
            "version": model.version,
            **({"warnings": warnings} if warnings else {}),
        }
    )


def _rows(content: Any, validator: RequestValidator) -> list[object]:
    if not isinstance(content, dict):
        raise _wrong("the request", content, "an object")
    given = [name for name in content if name != "params"]
    if len(given) != 1 or given[0] not in _READERS:
        shown = ", ".join(name[:50] for name in given[:5]) or "none of them"
        raise RequestError(
            "the request does not have exactly one table", got=shown, expected=f"one of {', '.join(_READERS)}"
        )
    return _READERS[given[0]](content[given[0]], validator)


def _split(content: Any, validator: RequestValidator) -> list[object]:
    """As pandas writes a frame with `to_json(orient="split")`; its row labels say nothing."""
    if not isinstance(content, dict) or not {"columns", "data"} <= content.keys() <= {
        "columns",
        "data",
        "index",
    }:
        raise _wrong("dataframe_split", content, 'an object of "columns" and "data"')
    columns, data = content["columns"], content["data"]
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _wrong("columns", columns, "a list of column names")
    if len(set(columns)) < len(columns):
        raise RequestError("a column is there twice", expected="each column once")
    if not isinstance(data, list):
        raise _wrong("data", data, "a list of rows")
    validator.check_count(len(data))
    return [_named(columns, row, position) for position, row in enumerate(data)]


def _records(content: Any, _: RequestValidator) -> list[object]:
    if not isinstance(content, list):
        raise _wrong("dataframe_records", content, "a list of rows")
    return content


def _instances(content: Any, validator: RequestValidator) -> list[object]:
    """Rows as objects, or as lists in the order of the schema; of one column also its values alone."""
    if not isinstance(content, list):
        raise _wrong("instances", content, "a list of rows")
    validator.check_count(len(content))
    names = validator.schema.names
    return [
        row
        if isinstance(row, dict)
        else _named(names, row if isinstance(row, list) and not _is_list(validator, names) else [row], at)
        for at, row in enumerate(content)
    ]


def _inputs(content: Any, validator: RequestValidator) -> list[object]:
    """Columns as an object of lists, or rows as a list."""
    if isinstance(content, list):
        return _instances(content, validator)
    if not isinstance(content, dict) or not content:
        raise _wrong("inputs", content, "an object of columns, each a list of values")
    for name, values in content.items():
        if not isinstance(values, list):
            raise _wrong(f"the column '{name[:100]}'", values, "a list with a value for each row")
    sizes = {len(values) for values in content.values()}
    if len(sizes) > 1:
        shown = ", ".join(f"{name[:50]}: {len(values)}" for name, values in list(content.items())[:20])
        raise RequestError("the columns differ in length", got=shown, expected="one value per row in each")
    validator.check_count(sizes.pop())
    lists = {column.name for column in validator.columns if column.is_list}
    columns = [
        values if name in lists else [_alone(value) for value in values] for name, values in content.items()
    ]
    return [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]


def _alone(value: Any) -> Any:
    """The value of a tensor of shape (n, 1)."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _is_list(validator: RequestValidator, names: Sequence[str]) -> bool:
    """Whether the only column holds lists, so that a list is a value and no row."""
    return len(names) == 1 and validator.columns[0].is_list


def _named(columns: Sequence[str], row: Any, position: int) -> dict[str, Any]:
    if not isinstance(row, list) or len(row) != len(columns):
        got = f"{len(row)} values" if isinstance(row, list) else describe(row)
        raise RequestError(
            f"row {position} does not have a value for each column",
            got=got,
            expected=f"a list of {len(columns)} values, for {', '.join(columns)[:500]}",
            row=position,
        )
    return dict(zip(columns, row, strict=True))


def _wrong(what: str, value: object, expected: str) -> RequestError:
    return RequestError(f"{what} is {describe(value)}", got=describe(value), expected=expected)


_READERS: dict[str, Callable[[Any, RequestValidator], list[object]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
