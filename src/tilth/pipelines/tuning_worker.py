"""A process that does trials, one after the other, until there are none left or its parent is gone.

Trials are done apart from the process that people talk to, so that one that takes all memory, or crashes the
interpreter, fails alone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from tilth.errors import TilthError
from tilth.metrics import Answered, Estimate
from tilth.pipelines.learning import Material
from tilth.pipelines.step import StepContext
from tilth.pipelines.tuning_bench import Bench, Made, packed
from tilth.pipelines.tuning_records import Ledger, Tried
from tilth.pipelines.tuning_search import search_of
from tilth.projects import Configuration, Project
from tilth.settings import Settings
from tilth.store import Artifact, ArtifactStore, TrialRecord
from tilth.training import Rows
from tilth.training.tuning import Proposal

__all__ = ["PROGRAM", "Job", "keep_rows", "main", "read_rows"]

PROGRAM = "from tilth.pipelines.tuning_worker import main; main()"
"""What the process carries out; it reads a `Job` from its standard input."""

REFUSED = 2
"""The exit status when no trial can be begun at all; the error is told on standard output."""


@dataclass(frozen=True)
class Job:
    """What a worker is told, as one line of JSON.

    Args:
        directory: the project's folder.
        configuration: what tilth.toml said when the search began.
        search: the digest of the search.
        parameters: what `recipe_parameters` gave then.
        run: the number of the run that trials are done in.
        trials: how many the search shall have.
        until: the time (seconds since 1970) after which no trial is begun; None for none.
        inputs: name -> digest and suffix of the artifacts that are learned from.
        rows: part -> what `keep_rows` gave.
    """

    directory: str
    configuration: Mapping[str, Any]
    search: str
    parameters: Mapping[str, Any]
    run: int
    trials: int
    until: float | None
    inputs: Mapping[str, tuple[str, str]]
    rows: Mapping[str, Mapping[str, str]]

    def to_line(self) -> str:
        """The job as a line."""
        return json.dumps(asdict(self)) + "\n"


def keep_rows(rows: Rows, artifacts: ArtifactStore) -> dict[str, str]:
    """Write rows to files that several processes can map into their memory.

    Returns:
        field -> path; the files are drafts, to be removed by who wrote them.
    """
    found = {}
    for each in fields(Rows):
        value = getattr(rows, each.name)
        if isinstance(value, np.ndarray):
            path = artifacts.draft(".npy")
            found[each.name] = str(path)
            np.save(path, value, allow_pickle=False)
        elif isinstance(value, Path):
            found[each.name] = str(value)
    return found


def read_rows(kept: Mapping[str, str]) -> Rows:
    """The rows that `keep_rows` wrote; features stay in their file until they are used."""
    values: dict[str, Any] = {
        name: np.load(place, mmap_mode="r" if name == "X" else None, allow_pickle=False)
        if place.endswith(".npy")
        else Path(place)
        for name, place in kept.items()
    }
    return Rows(**values)


def main() -> None:
    """Do trials as the job on standard input says; tell each on standard output, as a line of JSON."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as told:
        os.dup2(2, 1)  # what estimators print is none of the parent's business
        job = Job(**json.loads(sys.stdin.readline()))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
        threading.Thread(target=_end_with_parent, daemon=True).start()

        def tell(document: Mapping[str, object]) -> None:
            print(json.dumps(document), file=told, flush=True)

        try:
            work(job, tell)
        except TilthError as error:
            parts = {name: getattr(error, name) for name in ("what", "where", "expected", "mend")}
            tell({"refused": parts})
            sys.exit(REFUSED)


def work(job: Job, tell: Callable[[Mapping[str, object]], None]) -> None:
    """Do trials until there are none left, or the time is over.

    Args:
        job: which.
        tell: is told of each trial how it ended.

    Raises:
        TilthError: whatever keeps all trials from being done.
    """
    configuration = Configuration.from_json(dict(job.configuration))
    project = Project(Path(job.directory), configuration, Settings.from_environment())
    artifacts = project.artifacts()
    train, dev = (read_rows(job.rows[part]) for part in ("train", "dev"))
    search = replace(search_of(project, {}, len(dev)), digest=job.search)
    bench = Bench(_material(project, artifacts, job), search, train, dev)
    with project.store() as store:
        ledger = Ledger(store, search, job.run)
        leader: tuple[TrialRecord, Tried, Made] | None = None
        while job.until is None or time.time() < job.until:
            record = ledger.claim(job.trials)
            if record is None:
                break
            tell({"began": record.number})
            others = [trial for trial in ledger.trials() if trial.number != record.number]
            tried, made = bench.try_out(Proposal.from_json(record.proposal), others)
            leads = search.aim.leads(tried.as_trial(record), others)
            kept = {}
            if made is not None and (leads or record.number == 0):
                kept["answers"] = _kept(ledger, artifacts, record, made.answered)
            ended = ledger.end(record, tried, kept)
            if made is not None and leads:
                leader = (ended, tried, made)
            tell({"ended": record.number, "state": tried.state})
        if leader is not None and not search.aim.costs:
            _price(ledger, bench, *leader)


def _price(ledger: Ledger, bench: Bench, record: TrialRecord, tried: Tried, made: Made) -> None:
    """Measure what the best trial costs; where the search depends on costs, that was done of each trial."""
    best = ledger.search.aim.best(ledger.trials())
    if best is None or best.number != record.number:
        return
    try:
        found = replace(tried, costs=bench.costs(made))
    except TilthError as error:  # what has no graph cannot be served
        found = replace(tried, state="failed", score=Estimate(None), note=f"cannot be compiled: {error.what}")
    ledger.amend(record, found)


def _material(project: Project, artifacts: ArtifactStore, job: Job) -> Material:
    """What is learned from, apart from the rows, which are there already."""
    files = {name: (artifacts.path(digest, suffix),) for name, (digest, suffix) in job.inputs.items()}
    none: dict[str, tuple[Artifact, ...]] = dict.fromkeys(job.inputs, ())
    return Material(StepContext(project, dict(job.parameters), none, files, {}))


def _kept(ledger: Ledger, artifacts: ArtifactStore, record: TrialRecord, answered: Answered) -> Artifact:
    """What a trial says of the dev rows: of trial 0 and of those that lead, to compare them row by row."""
    draft = artifacts.draft(".npy")
    np.save(draft, packed(answered), allow_pickle=False)
    digest, size = artifacts.put_draft(draft)
    name = f"trial {record.number}"
    return ledger.store.record_artifact("answers", name, digest, size, properties={"suffix": ".npy"})


def _end_with_parent() -> None:
    """Nobody waits for this process any more: what it is doing is done again by the next."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when the interpreter ends
        pass
    os._exit(1)
