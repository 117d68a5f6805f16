"""Trials as the store records them, and as the search sees them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from tilth.errors import ConflictError
from tilth.metrics import Estimate
from tilth.pipelines.code_version import code_version
from tilth.pipelines.tuning_search import Search
from tilth.store import Artifact, Store, TrialRecord
from tilth.training.tuning import Proposal, Trial, propose
from tilth.training.tuning.trials import TrialState
from tilth.types import JSONObject, JSONValue

__all__ = ["Ledger", "Tried", "trial_of"]

_MOST_ATTEMPTS = 2
_ALL_FAILED = 5


@dataclass(frozen=True)
class Tried:
    """What came of a trial, before it is recorded.

    `state` is "complete", "pruned" or "failed", the last with a note that says why.
    """

    state: TrialState
    score: Estimate
    seconds: float
    costs: Mapping[str, float]
    course: Sequence[tuple[int, float]]
    note: str | None = None

    def to_json(self) -> JSONObject:
        """All of it as JSON values; see `trial_of`."""
        return {
            "state": self.state,
            "score": self.score.to_json(),
            "seconds": round(self.seconds, 3),
            "costs": dict(self.costs),
            "course": [[step, loss] for step, loss in self.course],
            "note": self.note,
        }

    def as_trial(self, record: TrialRecord) -> Trial:
        """The trial of a record that has ended so."""
        proposal, course = Proposal.from_json(record.proposal), tuple(self.course)
        return Trial(
            record.number, proposal, self.state, self.score, self.costs, course, self.seconds, self.note
        )

    @classmethod
    def from_json(cls, document: Mapping[str, JSONValue]) -> Tried:
        """What `to_json` gave."""
        score, course, note = document["score"], document["course"], document["note"]
        assert isinstance(score, dict)
        assert isinstance(course, list)
        return cls(
            _state(document["state"]),
            Estimate.from_json(score),
            float(str(document["seconds"])),
            _numbers(document["costs"]),
            [(int(str(pair[0])), float(str(pair[1]))) for pair in course if isinstance(pair, list)],
            None if note is None else str(note),
        )


def trial_of(record: TrialRecord) -> Trial:
    """A recorded trial as the search sees it."""
    if record.outcome is not None:
        return Tried.from_json(record.outcome).as_trial(record)
    proposal, execution = Proposal.from_json(record.proposal), record.execution
    return Trial(record.number, proposal, _state(execution.state), note=execution.error)


def _state(name: JSONValue) -> TrialState:
    states: tuple[TrialState, ...] = get_args(TrialState)
    return next(state for state in states if state == name)


def _numbers(value: JSONValue) -> dict[str, float]:
    assert isinstance(value, dict)
    return {name: float(str(number)) for name, number in value.items()}


@dataclass(frozen=True)
class Ledger:
    """The records of one search, which several processes may write in.

    Args:
        store: where they are.
        search: which one.
        run: the number of the run that trials are done in.
    """

    store: Store
    search: Search
    run: int

    def records(self) -> tuple[TrialRecord, ...]:
        """All trials by number."""
        return self.store.trials(self.search.digest)

    def trials(self) -> list[Trial]:
        """The same as the search sees them."""
        return [trial_of(record) for record in self.records()]

    def claim(self, trials: int) -> TrialRecord | None:
        """Begin the next trial: one whose process ended early, or a new one.

        Args:
            trials: how many the search shall have.

        Returns:
            None when there is none left, or when the first five all failed.
        """
        while True:
            records = self.records()
            for record in records:
                if record.execution.state == "interrupted":
                    again = self._again(record)
                    if again is not None:
                        return again
            known = [trial_of(record) for record in records]
            number = len(records)
            if number >= trials or all_failed(known):
                return None
            proposal = self._proposal(known, number)
            if proposal is None:
                return None
            begun = self.store.begin_trial(
                self.run, self.search.digest, number, proposal.to_json(), code_version=code_version()
            )
            if begun is not None:  # else another process was first
                return begun

    def end(
        self, record: TrialRecord, tried: Tried, outputs: Mapping[str, Artifact] | None = None
    ) -> TrialRecord:
        """Record what came of a trial."""
        failed = tried.state == "failed"
        return self.store.end_trial(
            record,
            "failed" if failed else "complete",
            tried.to_json(),
            outputs=outputs,
            error=tried.note if failed else None,
        )

    def amend(self, record: TrialRecord, tried: Tried) -> None:
        """Record more of what came of a trial."""
        self.store.amend_trial(record, tried.to_json())

    def give_up(self, record: TrialRecord, why: str) -> None:
        """Record that a trial cannot be done, unless another process has."""
        tried = Tried("failed", Estimate(None), 0.0, {}, (), why)
        with contextlib.suppress(ConflictError):
            self.end(record, tried)

    def _proposal(self, known: Sequence[Trial], number: int) -> Proposal | None:
        search = self.search
        if number == 0:
            return search.first
        return propose(search.spaces, search.aim, known, number, search.seed)

    def _again(self, record: TrialRecord) -> TrialRecord | None:
        if record.attempts < _MOST_ATTEMPTS:
            return self.store.retry_trial(self.run, record, code_version=code_version())
        self.give_up(record, "its process ended early twice, perhaps for lack of memory")
        return None


def all_failed(trials: Sequence[Trial]) -> bool:
    """Whether there is nothing to hope for: five trials, and each one failed."""
    return len(trials) >= _ALL_FAILED and all(trial.state == "failed" for trial in trials)
