"""POST /feedback: what really happened, joined to what was predicted."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tilth.errors import RequestError
from tilth.serving.answers import Refusal, decode
from tilth.serving.columns import describe
from tilth.serving.hub import Hub
from tilth.serving.metering import Meters
from tilth.serving.predictor import Predictor
from tilth.serving.settings import ServingSettings
from tilth.tables import FeedbackLog, Label, Prediction
from tilth.types import Clock, JSONObject, utc_now

__all__ = ["FeedbackDesk"]

_EXPECTED = '{"prediction_id": "...", "label": ...}, or a list of such objects'
_FIELDS = frozenset({"prediction_id", "label", "time"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One label that became known."""

    prediction_id: str
    label: Label
    time: datetime.datetime
    log: FeedbackLog
    model: str


class FeedbackDesk:
    """Accepts outcomes: all of a request, or none of it.

    Args:
        hub: who predicted, and where the outcomes of each project are written.
        meters: what counts.
        settings: for the number of outcomes in one request.
        clock: for outcomes that come without a time.
    """

    def __init__(self, hub: Hub, meters: Meters, settings: ServingSettings, clock: Clock = utc_now) -> None:
        self._hub = hub
        self._meters = meters
        self._max_rows = settings.max_rows
        self._clock = clock

    def accept(self, body: bytes) -> JSONObject:
        """Log the outcomes of a request.

        Raises:
            RequestError: not of the right shape, or a label that the model that answered does not know.
            Refusal: 404 for a prediction that was never answered here.
        """
        content = decode(body)
        items = content if isinstance(content, list) else [content]
        if not items or len(items) > self._max_rows:
            raise RequestError(
                f"{len(items)} outcomes in one request",
                got=f"{len(items)} outcomes",
                expected=f"1 to {self._max_rows}",
            )
        outcomes = [self._outcome(item, row) for row, item in enumerate(items)]
        for outcome in outcomes:
            outcome.log.append(outcome.prediction_id, outcome.label, outcome.time)
        for model, count in Counter(outcome.model for outcome in outcomes).items():
            self._meters.feedback(count, model)
        return {"accepted": len(outcomes)}

    def _outcome(self, item: object, row: int) -> Outcome:
        if not isinstance(item, dict):
            raise RequestError(
                f"an outcome is {describe(item)}", got=describe(item), expected=_EXPECTED, row=row
            )
        self._check_fields(item, row)
        identity = item["prediction_id"]
        if not isinstance(identity, str):
            raise _wrong("prediction_id", identity, "a text, as the prediction's answer gave it", row)
        time = self._time(item.get("time"), row)
        made, predictor, log = self._found(identity)
        label = _label(item["label"], made, row)
        scorer = predictor.live.scorer
        is_ranking = scorer is not None and scorer.model.task == "ranking"
        if is_ranking and isinstance(label, float) and label < 0:
            raise _wrong("label", item["label"], "how relevant the row is, a number of at least 0", row)
        return Outcome(identity, label, time, log, made.model)

    def _found(self, identity: str) -> tuple[Prediction, Predictor, FeedbackLog]:
        """The prediction of an id, who made it, and where its outcome belongs."""
        for predictor, log in zip(self._hub.predictors, self._hub.feedback, strict=True):
            made = predictor.find(identity)
            if made is not None:
                return made, predictor, log
        raise Refusal(404, f"no prediction '{identity[:100]}' was answered here")

    def _check_fields(self, item: JSONObject, row: int) -> None:
        for name in ("prediction_id", "label"):
            if name not in item:
                raise RequestError(f"'{name}' is missing", column=name, expected=_EXPECTED, row=row)
        for name in item:
            if name not in _FIELDS:
                raise RequestError(
                    f"unknown field '{name[:100]}'", got=name[:100], expected=_EXPECTED, row=row
                )

    def _time(self, value: object, row: int) -> datetime.datetime:
        if value is None:
            return self._clock()
        try:
            time = datetime.datetime.fromisoformat(value if isinstance(value, str) else "")
            if time.tzinfo is None:
                return time.replace(tzinfo=datetime.UTC)
            return time.astimezone(datetime.UTC)
        except (ValueError, OverflowError):
            raise _wrong("time", value, "an ISO 8601 time", row) from None


def _label(value: object, made: Prediction, row: int) -> Label:
    """The outcome as a label of the model that made the prediction, be it live still or not."""
    if isinstance(made.label, tuple):
        return _labels(value, tuple(made.scores or ()), row)
    if made.scores is None:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**1023:
            raise _wrong("label", value, "a number", row)
        return float(value)
    known = _classes(made.scores, type(made.label))
    for label in known:
        if isinstance(value, bool) is isinstance(label, bool) and value == label:
            return label
    classes = ", ".join(describe(label).removeprefix("the ") for label in known[:20])
    raise _wrong("label", value, f"one of {classes}", row)


def _labels(value: object, known: tuple[str, ...], row: int) -> tuple[str, ...]:
    """Several labels, in the order of the model's."""
    if isinstance(value, list) and all(isinstance(each, str) and each in known for each in value):
        return tuple(name for name in known if name in value)
    raise _wrong("label", value, f"a list of labels, of {', '.join(map(repr, known[:20]))}", row)


def _classes(names: Iterable[str], kind: type) -> list[Label]:
    """The classes that the scores name, in the type of the predicted one."""
    if kind is bool:
        return [name == "true" for name in names]
    return [int(name) for name in names] if kind is int else list(names)


def _wrong(field: str, value: object, expected: str, row: int) -> RequestError:
    return RequestError(
        f"'{field}' wants {expected}; got {describe(value)}",
        column=field,
        got=describe(value),
        expected=expected,
        row=row,
    )
