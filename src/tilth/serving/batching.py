"""Requests that wait at the same moment are predicted and logged together.

A quick graph runs on the event loop, in its next turn: nobody waits for others to come, and handing a batch
of some hundred microseconds to a thread would cost more than it brings. A slow graph runs in a thread, one
batch at a time, and what comes meanwhile is gathered for its next batch. Which one a graph is, is measured at
every batch. Rows do not influence each other in a graph, so answers do not depend on who else asked.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tilth.errors import GraphError
from tilth.serving.answers import Refusal
from tilth.serving.predictor import Accepted, Predicted, Predictor

__all__ = ["Batcher", "too_late", "too_many"]

Waiting = tuple[Accepted, "asyncio.Future[Predicted]"]

_SLOW_S = 0.010
"""A batch that takes longer on the event loop keeps all others from being read."""


class Batcher:
    """The queue of a server: bounded, and with a deadline for each request.

    Args:
        max_rows: rows predicted together; more are left for the next batch.
        max_waiting: requests that may wait at once, of all models together.
        threads: batches of slow graphs, of different projects, that run at once.
    """

    def __init__(self, max_rows: int, max_waiting: int = 1024, threads: int = 2) -> None:
        self._max_rows = max_rows
        self._max_waiting = max_waiting
        self._lanes: dict[Predictor, _Lane] = {}
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="tilth-batch")
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """One more request would be refused."""
        return self.waiting >= self._max_waiting

    async def predict(self, accepted: Accepted) -> Predicted:
        """Predict and log the rows of one request.

        Raises:
            DataError: the log cannot be written; nothing was logged.
            GraphError: the graph fails.
            Refusal: 429 where too many are waiting; 503 when the request's deadline passes before its answer.
        """
        if self.waiting >= self._max_waiting:
            raise too_many()
        lane = self._lanes.get(accepted.predictor)
        if lane is None:
            lane = self._lanes[accepted.predictor] = _Lane(accepted.predictor, self._max_rows, self._threads)
        self.waiting += 1
        try:
            return await lane.add(accepted)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Wait for the batches that are going on and end the threads."""
        self._threads.shutdown(wait=True)


class _Lane:
    """What waits for the models of one project."""

    def __init__(self, predictor: Predictor, max_rows: int, threads: ThreadPoolExecutor) -> None:
        self._predictor = predictor
        self._max_rows = max_rows
        self._threads = threads
        self._waiting: deque[Waiting] = deque()
        self._is_slow = False
        self._is_busy = False

    async def add(self, accepted: Accepted) -> Predicted:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Predicted] = loop.create_future()
        self._waiting.append((accepted, future))
        if not self._is_slow:
            if len(self._waiting) == 1:
                loop.call_soon(self._turn, loop)
            return await future
        if not self._is_busy and len(self._waiting) == 1:
            loop.call_soon(self._turn, loop)
        # A batch that is at work does not look at the clock.
        left = accepted.request.deadline - time.perf_counter()
        timer = loop.call_later(left, _fail, [(accepted, future)], too_late())
        try:
            return await future
        finally:
            timer.cancel()

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Predict the next batch, on the event loop or in a thread."""
        if self._is_busy:
            return
        batch = self._take()
        if not batch:
            return
        if self._is_slow:
            self._is_busy = True
            work = loop.run_in_executor(self._threads, self._predicted, batch)
            work.add_done_callback(lambda done: self._done(loop, batch, done))
            return
        if self._waiting:
            loop.call_soon(self._turn, loop)
        _settle(batch, self._predicted(batch))

    def _done(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting], done: asyncio.Future[_Outcomes]
    ) -> None:
        self._is_busy = False
        if done.cancelled():
            _fail(batch, too_late())
        else:
            _settle(batch, done.result())
        if self._waiting:
            self._turn(loop)

    def _take(self) -> list[Waiting]:
        """The next requests that are still of use, of so many rows as go together."""
        now = time.perf_counter()
        rows = 0
        batch: list[Waiting] = []
        waiting = self._waiting
        while waiting:
            accepted, future = waiting[0]
            if future.done():  # the client has gone, or its deadline has passed
                waiting.popleft()
            elif accepted.request.deadline <= now:
                waiting.popleft()
                future.set_exception(too_late())
            else:
                rows += len(accepted.valid.rows)
                if rows > self._max_rows and batch:
                    break
                batch.append(waiting.popleft())
        return batch

    def _predicted(self, batch: Sequence[Waiting]) -> _Outcomes:
        """Predict a batch, and note how long that takes."""
        begun = time.perf_counter()
        outcomes = self._outcomes(batch)
        seconds = time.perf_counter() - begun
        # Between the two, a graph stays what it was.
        if seconds > _SLOW_S:
            self._is_slow = True
        elif seconds < _SLOW_S / 4:
            self._is_slow = False
        return outcomes

    def _outcomes(self, batch: Sequence[Waiting]) -> _Outcomes:
        try:
            return list(self._predictor.complete([accepted for accepted, _ in batch]))
        except GraphError as error:
            if len(batch) == 1:
                return [error]
            # One of them breaks the graph; the others get their answers.
            return [outcome for waiting in batch for outcome in self._outcomes([waiting])]
        except Exception as error:  # noqa: BLE001 - it belongs to the requests, which answer and log it
            return [error] * len(batch)


_Outcomes = list[Predicted | Exception]


def _settle(batch: Sequence[Waiting], outcomes: _Outcomes) -> None:
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    _settle(batch, [error] * len(batch))


def too_late() -> Refusal:
    """The answer 503 to a request whose deadline has passed.

    Example:
        >>> too_late().status, too_late().reason
        (503, 'deadline')
    """
    what = "the deadline of the request has passed before it was predicted"
    return Refusal(503, what, headers=((b"retry-after", b"1"),), reason="deadline")


def too_many() -> Refusal:
    """The answer 429 where the queue is full.

    Example:
        >>> too_many().status, too_many().reason
        (429, 'too_many_waiting')
    """
    what = "too many requests are waiting; try again"
    return Refusal(429, what, headers=((b"retry-after", b"1"),), reason="too_many_waiting")
