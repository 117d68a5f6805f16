"""`tilth report`: what a recorded run has come to, as lines and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tilth.pipelines.report_page import Facts, page
from tilth.pipelines.report_sections import metric_names
from tilth.pipelines.run_looks import look
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runs import find_run, model_of, part_of
from tilth.pipelines.telling import DOCUMENTS, Telling, tell
from tilth.projects import Project
from tilth.projects.configuration import Configuration
from tilth.store import Run, Store
from tilth.types import JSONObject, JSONValue

__all__ = ["RunTelling", "tell_run"]


@dataclass(frozen=True)
class RunTelling:
    """A recorded run, told.

    Args:
        run: which one.
        told: what it has come to.
        facts: what is said of the run itself.
        project: whose run it is.
        side: the run with its files.
        configuration: with which it was carried out.
    """

    run: Run
    told: Telling
    facts: Facts
    project: Project
    side: RunSide
    configuration: Configuration

    def to_json(self) -> JSONObject:
        """The telling as JSON values, with the run's number."""
        return {"run": self.run.number, **self.told.to_json()}

    def report(self) -> str:
        """The telling for people."""
        return f"{self.facts.title}\n\n{self.told.report()}"

    def html(self, *, hidden: Sequence[str] = ()) -> str:
        """The page of the run: one file that needs nothing else.

        The model answers once more for it, to show its mistakes.

        Args:
            hidden: columns whose values the page does not show, beside the identifiers.
        """
        names = metric_names(self.told.test, self.told.metrics)
        looked = look(self.project, self.side, self.configuration, names, hidden=hidden)
        return page(self.told, self.facts, looked)


def tell_run(project: Project, reference: str | None = None) -> RunTelling | None:
    """What a run has come to; None where its model was not evaluated.

    Args:
        project: whose run.
        reference: a run ("run:4" or "4"), or a model whose run is meant ("census@champion"); default: the
            newest run whose model was evaluated.

    Raises:
        UsageError: no such run, or not one of `tilth run`.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        runs = [find_run(store, project, reference)] if reference is not None else _newest(project, store)
        for run in runs:
            side = RunSide(store, artifacts, run)
            configuration = _configuration(project, side)
            told = tell(configuration, _documents(side))
            if told is not None:
                return RunTelling(run, told, _facts(project, store, side, told), project, side, configuration)
    return None


def _newest(project: Project, store: Store) -> list[Run]:
    runs = store.runs(command="run")
    return [run for run in runs if run.parameters.get("project") == project.name]


def _configuration(project: Project, side: RunSide) -> Configuration:
    """What tilth.toml said when the run was carried out."""
    found = side.run.parameters.get("configuration")
    return Configuration.from_json(found) if isinstance(found, dict) else project.configuration


def _documents(side: RunSide) -> dict[str, JSONObject]:
    texts = {name: side.text(name) for name in DOCUMENTS}
    return {name: json.loads(text) for name, text in texts.items() if text}


def _facts(project: Project, store: Store, side: RunSide, told: Telling) -> Facts:
    run, train, around = side.run, part_of(side.run, "train"), side.surroundings
    model, data = model_of(project, store, run), side.artifacts.get("dataset")
    lines = {
        "started": f"{run.started:%Y-%m-%d %H:%M} UTC",
        "state": run.state,
        "model": "not registered" if model is None else model.reference,
        "estimator": f"{train.get('estimator')} {json.dumps(train.get('parameters'))}",
        "seeds": f"train {train.get('seed')}, split {part_of(run, 'split').get('seed')}",
        "features": str(told.documents.get("training", {}).get("features", "")),
        "decision": _spelled(told.documents.get("training", {}).get("decision")),
        "data": "" if data is None else f"fingerprint {(data.fingerprint or data.digest)[:16]}",
        "code": "" if around.code is None else around.code.summary,
        "environment": "" if around.environment is None else around.environment.python,
    }
    title = f"{project.name}, run {run.number}"
    return Facts(title, {name: value for name, value in lines.items() if value}, side.usage)


def _spelled(found: JSONValue) -> str:
    return "" if found is None else json.dumps(found).strip("{}").replace('"', "")
