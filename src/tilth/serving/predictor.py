"""Predict and log: nothing is answered before it is in the prediction log."""

from __future__ import annotations

import itertools
import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal, TypeAlias

from tilth.errors import DataError, RequestError
from tilth.serving.answers import Answer
from tilth.serving.layout import Values
from tilth.serving.live import LiveModel
from tilth.serving.lookups import Filled, Filling
from tilth.serving.metering import Meters
from tilth.serving.request import Request
from tilth.serving.scoring import Scored, Scorer
from tilth.serving.validation import Row, ValidRows
from tilth.tables import REDACTED, LoggedMedia, Prediction, PredictionLog, redacted_types
from tilth.types import Clock, JSONValue, utc_now

__all__ = ["Accepted", "Call", "Predicted", "Predictor", "entity_of"]

_log = logging.getLogger("tilth.serving")

_COMPLAIN_S = 10.0

Inputs: TypeAlias = "Mapping[str, JSONValue | LoggedMedia]"


@dataclass(slots=True)
class Accepted:
    """Rows of one request that the schema accepts, with the model that is to predict them.

    Args:
        predictor: what predicts and logs them.
        scorer: the model.
        valid: the rows.
        request: what brought them.
        role: which part the model plays.
        since: when they began to wait for their batch, on the clock of `time.perf_counter`.
    """

    predictor: Predictor
    scorer: Scorer
    valid: ValidRows
    request: Request
    role: str = "live"
    since: float = field(default_factory=time.perf_counter)


@dataclass(slots=True)
class Predicted:
    """Predictions that are in the log; those without an id are not, as the owner wishes."""

    scorer: Scorer
    scored: Scored
    ids: Sequence[str | None]


class Predictor:
    """Validates, predicts and logs rows with the models of one project; safe to use from several threads.

    Args:
        live: the project's models.
        log: where each prediction is written before it is answered.
        meters: what counts.
        entity: the column with the key of whom a prediction is about; None where there is none.
        clock: for the time of predictions.
        sample: the share of requests whose predictions are logged; those of the others have no id.
        when_full: what becomes of predictions that cannot be logged: "stop" does not answer them, "count"
            answers them without an id and counts them.
    """

    def __init__(
        self,
        live: LiveModel,
        log: PredictionLog,
        meters: Meters,
        *,
        entity: str | None = None,
        clock: Clock = utc_now,
        sample: float = 1.0,
        when_full: Literal["stop", "count"] = "stop",
    ) -> None:
        self.live = live
        self._log = log
        self._meters = meters
        self._entity = entity
        self._clock = clock
        self._sample = sample
        self._complained = -math.inf
        self._answers_unlogged = when_full == "count"
        # Which requests are logged is nobody's secret, but must not follow the requests' own rhythm.
        self._random = Random(os.getpid())  # noqa: S311
        live.on_load = self._declare

    def _declare(self, scorer: Scorer) -> None:
        """Tell the log which columns a version has, as they are logged."""
        types = {column.name: column.type for column in scorer.validator.columns}
        if scorer.redaction is not None:
            types = redacted_types(types, scorer.redaction.personal)
        self._log.columns(scorer.model.name, scorer.model.version, types)

    def scorer(self, version: str | None = None) -> Scorer:
        """The scorer that is live, or that of a version.

        Raises:
            Refusal: 404 for a version that is not served, 503 while there is none at all.
        """
        return self.live.find(version)

    def accept(
        self,
        rows: Sequence[object],
        request: Request,
        scorer: Scorer | None = None,
        *,
        sift: bool = False,
    ) -> Accepted:
        """Judge the rows of a request, by the model that is live or the one given.

        Args:
            rows: the rows.
            request: what brought them.
            scorer: the model.
            sift: leave out the rows that the schema does not accept, instead of refusing the request.

        Raises:
            RequestError: rows that the schema does not accept.
            Refusal: 503 while there is no model.
        """
        scorer = scorer or self.scorer()
        filled = None
        if scorer.filling is not None:
            filled = self._filled(scorer.filling, rows)
            rows = filled.rows
        try:
            if not sift:
                valid = scorer.validator.validate(rows)
                return Accepted(self, scorer, valid if filled is None else valid.told(filled.found), request)
            valid = scorer.validator.sift(rows)
        except RequestError as error:
            self._rejected(error, scorer)
            raise
        for refused in valid.refused:
            self._rejected(refused, scorer)
        return Accepted(self, scorer, valid if filled is None else valid.told(filled.found), request)

    def _filled(self, filling: Filling, rows: Sequence[object]) -> Filled:
        """The rows with what they leave out, as far as it is known."""
        filled = filling.fill(rows)
        for name, count in (filled.missing or {}).items():
            self._meters.lookup_missing(name, count)
        return filled

    def _rejected(self, error: RequestError, scorer: Scorer) -> None:
        known = error.column in scorer.validator.known
        self._meters.rejected(error.column if known and error.column else "", scorer.model.name)

    def complete(self, requests: Sequence[Accepted]) -> list[Predicted]:
        """Predict the rows of several requests and log the predictions in one write.

        Raises:
            DataError: the log cannot be written; nothing was logged.
            GraphError: a graph fails; nothing was logged.
        """
        begun = time.perf_counter()
        scored: list[Scored] = []
        for scorer, group in itertools.groupby(requests, key=_scorer):
            scored += self._scored(scorer, list(group))
        pairs = list(zip(requests, scored, strict=True))
        ids = self._logged(pairs)
        done = time.perf_counter()
        predicted = []
        end = 0
        for accepted, one in pairs:
            start, end = end, end + len(one.rows)
            predicted.append(Predicted(accepted.scorer, one, ids[start:end]))
            self._count(accepted, one, begun, done)
        return predicted

    def _scored(self, scorer: Scorer, group: Sequence[Accepted]) -> list[Scored]:
        """One run of a graph, timed."""
        model, rows = scorer.model, len(group[0].valid.rows)
        if len(group) > 1:
            rows = sum(len(accepted.valid.rows) for accepted in group)
        spans = [a.request.span for a in group if a.request.span is not None]
        span = spans[0].tracer.batch(spans, model.name, model.version, rows) if spans else None
        begun = time.perf_counter()
        try:
            scored = scorer.score([accepted.valid for accepted in group])
        except Exception as error:
            if span is not None:
                span.end(type(error).__name__)
            raise
        self._meters.batch(model.name, model.version, rows, time.perf_counter() - begun)
        if span is not None:
            span.end()
        return scored

    def _logged(self, pairs: Sequence[tuple[Accepted, Scored]]) -> Sequence[str | None]:
        if self._sample < 1.0:
            return self._sampled(pairs)
        return self._append(pairs)

    def _append(self, pairs: Sequence[tuple[Accepted, Scored]]) -> Sequence[str | None]:
        if not pairs:
            return []
        try:
            return self._log.append(self._entries(pairs))
        except DataError as error:
            name = pairs[0][0].scorer.model.name
            self._meters.log_failed(name)
            if not self._answers_unlogged:
                raise
            lost = sum(len(scored.rows) for _, scored in pairs)
            self._meters.lost(lost, name)
            self._complain(error)
            return [None] * lost

    def _sampled(self, pairs: Sequence[tuple[Accepted, Scored]]) -> Sequence[str | None]:
        """Log the predictions of some requests."""
        chosen = [self._random.random() < self._sample for _ in pairs]
        ids = iter(self._append(list(itertools.compress(pairs, chosen))))
        return [
            next(ids) if is_logged else None
            for is_logged, (_, scored) in zip(chosen, pairs, strict=True)
            for _ in scored.rows
        ]

    def _complain(self, error: DataError) -> None:
        """Say that predictions are lost; now and then, not for each of them."""
        now = time.monotonic()
        if now >= self._complained + _COMPLAIN_S:
            self._complained = now
            _log.error("predictions are answered that are not logged: %s", error)

    def _count(self, accepted: Accepted, scored: Scored, begun: float, done: float) -> None:
        model, request = accepted.scorer.model, accepted.request
        self._meters.predicted(
            model.name,
            model.version,
            len(scored.rows),
            role=accepted.role,
            waited_s=max(begun - accepted.since, 0.0),
            seconds=done - request.started,
        )
        if request.span is not None:
            request.span.served(model.name, model.version, accepted.role, len(scored.rows))
        for found in scored.unexpected:
            self._meters.unexpected(found.column, model.name)

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
            media, redaction = accepted.scorer.validator.layout.media, accepted.scorer.redaction
            for position, (row, label) in enumerate(zip(scored.rows, scored.labels, strict=True)):
                inputs: Inputs = _with_media(row, accepted.valid.values[position], media) if media else row
                by_class = None if scores is None else dict(zip(names, scores[position], strict=True))
                if redaction is not None:
                    inputs = redaction.inputs(inputs)
                entity = None if self._entity is None else entity_of(inputs, self._entity)
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


def entity_of(row: Inputs, column: str) -> str | None:
    """The key of whom a row is about, as text.

    Example:
        >>> entity_of({"customer": 7}, "customer"), entity_of({"customer": None}, "customer")
        ('7', None)
    """
    value = row.get(column)
    if value == REDACTED:
        return None
    return value if isinstance(value, str) or value is None else str(value)


def _with_media(row: Row, values: Values, media: Mapping[str, int]) -> dict[str, JSONValue | LoggedMedia]:
    """A row as it is logged: images and recordings as their bytes, which the log keeps apart."""
    found = {name: values[place] for name, place in media.items()}
    return {**row, **{name: LoggedMedia(value) for name, value in found.items() if isinstance(value, bytes)}}


def _scorer(accepted: Accepted) -> Scorer:
    return accepted.scorer


@dataclass(slots=True)
class Call:
    """A request of one of the protocols: what it asks, and how its answer is written.

    Args:
        accepted: its rows.
        answer: makes the answer from their predictions.
        is_slow: making the answer takes so long that it is done in a thread.
    """

    accepted: Accepted
    answer: Callable[[Predicted], Answer]
    is_slow: bool = False
