"""`tilth tune`: a search whose trials are records, so that any process can go on with it at any time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tilth.errors import TrainingError, UsageError
from tilth.pipelines.code_version import code_version
from tilth.pipelines.learning import Material, recipe_parameters
from tilth.pipelines.pipeline import run_pipeline
from tilth.pipelines.runner import Listener, RunReport, end_early
from tilth.pipelines.step import StepContext
from tilth.pipelines.tuning_bench import unpacked
from tilth.pipelines.tuning_crew import Crew
from tilth.pipelines.tuning_records import Ledger, all_failed
from tilth.pipelines.tuning_report import TuneReport
from tilth.pipelines.tuning_search import Search, search_of
from tilth.pipelines.tuning_worker import Job, keep_rows
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Run, Store
from tilth.training import Rows
from tilth.training.tuning import Lead, Trial, importances, lead_over

__all__ = ["MOST_JOBS", "Standing", "tune"]

MOST_JOBS = 256
_INPUTS = ("dataset", "split", "transform", "training_transform")
_BEFORE = "sanity"


@dataclass(frozen=True)
class Standing:
    """How far a search is.

    Args:
        trials: those that were begun, by number.
        total: how many there shall be.
        best: the best one so far.
        metric: by which.
    """

    trials: tuple[Trial, ...]
    total: int
    best: Trial | None
    metric: str

    @property
    def done(self) -> int:
        """How many have ended."""
        return sum(trial.state not in ("running", "interrupted") for trial in self.trials)


def tune(
    project: Project,
    listener: Listener,
    tell: Callable[[Standing], None],
    *,
    trials: int | None = None,
    jobs: int = 1,
    timeout_s: float | None = None,
) -> TuneReport:
    """Search for better parameters, on the dev part; the test part is not looked at.

    The steps before the training are carried out first where something changed. Then trials are done that
    are not done yet: each is recorded when it begins and when it ends, so that after a crash at any moment
    the next call goes on, and several calls at once share the work.

    Args:
        project: whose [tune] says what is searched.
        listener: who is told of the steps.
        tell: who is told how far the search is.
        trials: how many there shall be in all; default: what [tune] says.
        jobs: how many are done at the same time, each in a process of its own.
        timeout_s: seconds after which no trial is begun, from the first on; default: no limit.

    Returns:
        What all trials so far have shown; `failure` is set when there is no trial that may be used.

    Raises:
        UsageError: a bad argument.
        CheckFailed: a step before the training found something wrong.
        TilthError: whatever keeps trials from being done.
    """
    total = _checked(project, trials, jobs, timeout_s)
    search_of(project, {})  # a mistake in [tune] is told before anything is done
    prepared = run_pipeline(project, listener, until=_BEFORE)
    if prepared.failure is not None:
        raise prepared.failure
    inputs = {name: _made(prepared, name) for name in _INPUTS}
    artifacts = project.artifacts()
    material = _material(project, artifacts, inputs)
    dev_rows = int((material.parts.names == "dev").sum())
    search = search_of(project, {name: found.digest for name, found in inputs.items()}, dev_rows)
    with project.store() as store:
        store.interrupt_stale()
        run = store.begin_run("tune", {"project": project.name, "search": search.digest, "trials": total})
        ledger = Ledger(store, search, run.number)
        with _ended(store, run):
            before = len(ledger.records())
            _search(project, ledger, artifacts, material, inputs, total, jobs, timeout_s, tell)
            report = _report(project, ledger, artifacts, material, total, before)
            best = report.best
            store.log_parameters(run, {"best": None if best is None else best.to_json()})
            failure = report.failure
            store.end_run(run, "failed" if failure else "complete", error=failure.what if failure else None)
        return report


def _checked(project: Project, trials: int | None, jobs: int, timeout_s: float | None) -> int:
    total = project.configuration.tune.trials if trials is None else trials
    if total < 1:
        where = "tilth.toml, [tune] trials" if trials is None else "--trials"
        raise UsageError(f"{total} trials are no search", where=where, expected="1 or more")
    if not 1 <= jobs <= MOST_JOBS:
        raise UsageError(f"{jobs} jobs are not possible", where="--jobs", expected=f"1 to {MOST_JOBS}")
    if timeout_s is not None and not timeout_s > 0:
        raise UsageError(f"{timeout_s:g} seconds are no time", where="--timeout", expected="more than 0")
    return total


def _made(report: RunReport, name: str) -> Artifact:
    found = report.artifact(name)
    assert found is not None, name
    return found


@contextlib.contextmanager
def _ended(store: Store, run: Run) -> Iterator[None]:
    """Record that a search was interrupted or failed, without hiding by what."""
    try:
        yield
    except BaseException as error:
        end_early(store, run, error)
        raise


def _material(project: Project, artifacts: ArtifactStore, inputs: dict[str, Artifact]) -> Material:
    files = {
        name: (artifacts.path(found.digest, str(found.properties.get("suffix", ""))),)
        for name, found in inputs.items()
    }
    given = {name: (found,) for name, found in inputs.items()}
    return Material(StepContext(project, recipe_parameters(project), given, files, {}))


def _search(
    project: Project,
    ledger: Ledger,
    artifacts: ArtifactStore,
    material: Material,
    inputs: dict[str, Artifact],
    total: int,
    jobs: int,
    timeout_s: float | None,
    tell: Callable[[Standing], None],
) -> None:
    """Have trials done until there are enough."""
    if sum(record.execution.state not in ("running", "interrupted") for record in ledger.records()) >= total:
        return
    train, dev = material.rows("train"), material.rows("dev")
    if not len(dev):
        raise TrainingError(
            "there are no dev rows to measure trials on",
            mend="give the dev part a share of the rows under [split]",
        )
    with _kept_rows(artifacts, train, dev) as rows:
        job = Job(
            directory=str(project.directory),
            configuration=project.configuration.to_json(),
            search=ledger.search.digest,
            parameters=recipe_parameters(project),
            run=ledger.run,
            trials=total,
            until=None if timeout_s is None else time.time() + timeout_s,
            inputs={
                name: (found.digest, str(found.properties.get("suffix", "")))
                for name, found in inputs.items()
            },
            rows=rows,
        )

        def stand() -> None:
            known = ledger.trials()
            tell(Standing(tuple(known), total, ledger.search.aim.best(known), ledger.search.aim.metric))

        Crew(job, min(jobs, total), ledger).work(stand)


@contextlib.contextmanager
def _kept_rows(artifacts: ArtifactStore, train: Rows, dev: Rows) -> Iterator[dict[str, dict[str, str]]]:
    """Files with the rows, while the block works."""
    rows: dict[str, dict[str, str]] = {}
    try:
        for part, found in (("train", train), ("dev", dev)):
            rows[part] = keep_rows(found, artifacts)
        yield rows
    finally:
        for kept in rows.values():
            for place in kept.values():
                if place.endswith(".npy"):
                    Path(place).unlink(missing_ok=True)


def _report(
    project: Project, ledger: Ledger, artifacts: ArtifactStore, material: Material, total: int, before: int
) -> TuneReport:
    search, trials = ledger.search, ledger.trials()
    if all_failed(trials):
        raise TrainingError(
            f"the first {len(trials)} trials all failed, the first one so: {trials[0].note}",
            where="[tune] and [train] in tilth.toml",
            mend="see that `tilth run` trains a model, and that the search keeps to values that can be",
        )
    estimators = dict.fromkeys(t.proposal.estimator for t in trials if t.proposal.estimator in search.spaces)
    return TuneReport(
        project=project,
        run=ledger.run,
        search=search,
        trials=tuple(trials),
        total=total,
        before=before,
        lead=_lead(ledger, artifacts, material, trials, search),
        importances={name: importances(search.spaces, search.aim, trials, name) for name in estimators},
        code=code_version(),
    )


def _lead(
    ledger: Ledger, artifacts: ArtifactStore, material: Material, trials: list[Trial], search: Search
) -> Lead | None:
    """How far the best trial is ahead of what tilth.toml says now; None where one of them is not there."""
    best = search.aim.best(trials)
    if best is None or best.number == 0:
        return None
    records = {record.number: record for record in ledger.records()}
    answers = []
    for number in (0, best.number):
        kept = ledger.store.outputs(records[number].execution).get("answers")
        if kept is None or not artifacts.holds(kept.digest, ".npy", kept.size):
            return None
        stored = np.load(artifacts.path(kept.digest, ".npy"), allow_pickle=False)
        dev = material.rows("dev")
        answers.append(unpacked(stored, dev.y, dev.groups))
    now, ahead = answers
    tried = sum(trial.state in ("complete", "pruned") for trial in trials)
    return lead_over(search.aim, now, ahead, tried)
