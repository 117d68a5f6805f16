"""Predict and log: nothing is answered before it is in the prediction log."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tilth.errors import RequestError
from tilth.serving.answers import Answer
from tilth.serving.layout import Values
from tilth.serving.live import LiveModel
from tilth.serving.metering import Meters
from tilth.serving.request import Request
from tilth.serving.scoring import Scored, Scorer
from tilth.serving.validation import Row, ValidRows
from tilth.tables import LoggedMedia, Prediction, PredictionLog
from tilth.types import Clock, JSONValue, utc_now

__all__ = ["Accepted", "Call", "Predicted", "Predictor", "entity_of"]


@dataclass(slots=True)
class Accepted:
    """Rows of one request that the schema accepts, with the model that is to predict them.

    Args:
        predictor: what predicts and logs them.
        scorer: the model.
        valid: the rows.
        request: what brought them.
        role: which part the model plays.
    """

    predictor: Predictor
    scorer: Scorer
    valid: ValidRows
    request: Request
    role: str = "live"


@dataclass(slots=True)
class Predicted:
    """Predictions that are in the log."""

    scorer: Scorer
    scored: Scored
    ids: list[str]


class Predictor:
    """Validates, predicts and logs rows with the models of one project; safe to use from several threads.

    Args:
        live: the project's models.
        log: where each prediction is written before it is answered.
        meters: what counts.
        entity: the column with the key of whom a prediction is about; None where there is none.
        clock: for the time of predictions.
    """

    def __init__(
        self,
        live: LiveModel,
        log: PredictionLog,
        meters: Meters,
        *,
        entity: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self.live = live
        self._log = log
        self._meters = meters
        self._entity = entity
        self._clock = clock

    def scorer(self, version: str | None = None) -> Scorer:
        """The scorer that is live, or that of a version.

        Raises:
            Refusal: 404 for a version that is not served, 503 while there is none at all.
        """
        return self.live.find(version)

    def accept(self, rows: Sequence[object], request: Request, scorer: Scorer | None = None) -> Accepted:
        """Judge the rows of a request, by the model that is live or the one given.

        Raises:
            RequestError: rows that the schema does not accept.
            Refusal: 503 while there is no model.
        """
        scorer = scorer or self.scorer()
        try:
            return Accepted(self, scorer, scorer.validator.validate(rows), request)
        except RequestError as error:
            known = error.column in scorer.validator.known
            self._meters.rejected(error.column if known and error.column else "")
            raise

    def complete(self, requests: Sequence[Accepted]) -> list[Predicted]:
        """Predict the rows of several requests and log the predictions in one write.

        Raises:
            DataError: the log cannot be written; nothing was logged.
            GraphError: a graph fails; nothing was logged.
        """
        scored: list[Scored] = []
        for scorer, group in itertools.groupby(requests, key=_scorer):
            scored += scorer.score([accepted.valid for accepted in group])
        pairs = list(zip(requests, scored, strict=True))
        ids = self._log.append(self._entries(pairs))
        predicted = []
        end = 0
        for accepted, one in pairs:
            start, end = end, end + len(one.rows)
            predicted.append(Predicted(accepted.scorer, one, ids[start:end]))
            self._count(accepted.scorer, one)
        return predicted

    def _count(self, scorer: Scorer, scored: Scored) -> None:
        self._meters.predicted(scorer.model.name, scorer.model.version, len(scored.rows))
        for found in scored.unexpected:
            self._meters.unexpected(found.column)

    def find(self, prediction_id: str) -> Prediction | None:
        """The logged prediction of that id, or None."""
        return self._log.find(prediction_id)

    def _entries(self, requests: Sequence[tuple[Accepted, Scored]]) -> list[Prediction]:
        now = self._clock()
        moment = time.perf_counter()
        entries = []
        for accepted, scored in requests:
            model, names = accepted.scorer.model, accepted.scorer.class_names
            scores = scored.scores
            seconds = moment - accepted.request.started
            trace_id, role = accepted.request.trace_id, accepted.role
            media = accepted.scorer.validator.layout.media
            for position, (row, label) in enumerate(zip(scored.rows, scored.labels, strict=True)):
                inputs = _with_media(row, accepted.valid.values[position], media) if media else row
                by_class = None if scores is None else dict(zip(names, scores[position], strict=True))
                entity = None if self._entity is None else entity_of(row, self._entity)
                entries.append(
                    Prediction(
                        "",
                        now,
                        model.name,
                        model.version,
                        role,
                        inputs,
                        label,
                        by_class,
                        seconds,
                        entity,
                        trace_id,
                    )
                )
        return entries


def entity_of(row: Row, column: str) -> str | None:
    """The key of whom a row is about, as text.

    Example:
        >>> entity_of({"customer": 7}, "customer"), entity_of({"customer": None}, "customer")
        ('7', None)
    """
    value = row.get(column)
    return value if isinstance(value, str) or value is None else str(value)


def _with_media(row: Row, values: Values, media: Mapping[str, int]) -> dict[str, JSONValue | LoggedMedia]:
    """A row as it is logged: images and recordings as their bytes, which the log keeps apart."""
    found = {name: values[place] for name, place in media.items()}
    return {**row, **{name: LoggedMedia(value) for name, value in found.items() if isinstance(value, bytes)}}


def _scorer(accepted: Accepted) -> Scorer:
    return accepted.scorer


@dataclass(slots=True)
class Call:
    """A request of one of the protocols: what it asks, and how its answer is written."""

    accepted: Accepted
    answer: Callable[[Predicted], Answer]
