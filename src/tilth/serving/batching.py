"""Requests that wait at the same moment are predicted and logged together."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from tilth.errors import GraphError
from tilth.serving.predictor import Accepted, Predicted, Predictor

__all__ = ["Batcher"]

Waiting = tuple[Accepted, "asyncio.Future[Predicted]"]


class Batcher:
    """Runs a graph once, and writes a log once, for all small requests of one turn of the event loop.

    Nobody waits for others to come: a request that is alone is predicted at once. Rows do not influence each
    other in a graph, so answers do not depend on who else asked.

    Args:
        max_rows: rows predicted together; more are left for the next turn.
    """

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._waiting: list[Waiting] = []

    async def predict(self, accepted: Accepted) -> Predicted:
        """Predict and log the rows of one request.

        Raises:
            DataError: the log cannot be written; nothing was logged.
            GraphError: the graph fails.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Predicted] = loop.create_future()
        self._waiting.append((accepted, future))
        if len(self._waiting) == 1:
            loop.call_soon(self._flush, loop)
        return await future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        if self._waiting:
            loop.call_soon(self._flush, loop)
        for predictor, group in itertools.groupby(batch, key=_predictor):
            self._complete(predictor, list(group))

    def _take(self) -> list[Waiting]:
        rows = 0
        for count, (accepted, _) in enumerate(self._waiting):
            rows += len(accepted.valid.rows)
            if rows > self._max_rows and count > 0:
                break
        else:
            count = len(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _complete(self, predictor: Predictor, batch: Sequence[Waiting]) -> None:
        try:
            predicted = predictor.complete([accepted for accepted, _ in batch])
        except GraphError as error:
            if len(batch) > 1:
                for waiting in batch:
                    self._complete(predictor, [waiting])
                return
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - it belongs to the requests, which answer and log it
            _fail(batch, error)
        else:
            for (_, future), one in zip(batch, predicted, strict=True):
                if not future.done():
                    future.set_result(one)


def _predictor(waiting: Waiting) -> Predictor:
    return waiting[0].predictor


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
