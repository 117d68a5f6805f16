"""RunSide: one run as it is held against another, with what its steps were given and made."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from tilth.errors import NotFoundError, TilthError
from tilth.evaluation import Evaluation, ScoredRows
from tilth.inference import Graph
from tilth.metrics import Answered
from tilth.pipelines.parts import Parts
from tilth.pipelines.runs import part_of
from tilth.pipelines.scoring import answer, column, groups_of
from tilth.pipelines.surroundings import read_surroundings
from tilth.store import Artifact, ArtifactStore, Execution, Run, Store

__all__ = ["GAVE", "RunSide", "content"]

GAVE = ("complete", "skipped", "failed")
"""The states of executions that may have made something."""

_TESTED = ("dataset", "split")


class RunSide:
    """One run with what its steps were given and made.

    Args:
        store: where it is recorded.
        files: where the artifacts are.
        run: the run.
    """

    def __init__(self, store: Store, files: ArtifactStore, run: Run) -> None:
        self.run = run
        self._files = files
        self.executions: dict[str, Execution] = {}
        self.made: dict[str, dict[str, Artifact]] = {}
        self.artifacts: dict[str, Artifact] = {}
        for execution in store.executions(run=run):
            if execution.state in GAVE:
                did = store.execution(execution.reused) if execution.reused is not None else execution
                self.executions[did.step] = did
                self.made[did.step] = store.outputs(did)
                self.artifacts |= {**store.inputs(did), **self.made[did.step]}
        self.surroundings = read_surroundings(store, files, run)
        self.curves = store.curves(run)
        self.usage = store.usage(run)

    def text(self, name: str) -> str:
        """The text of an artifact; "" where there is none."""
        artifact = self.artifacts.get(name)
        if artifact is None:
            return ""
        suffix = str(artifact.properties.get("suffix", ""))
        return self._files.read_bytes(artifact.digest, suffix).decode()

    @cached_property
    def training_files(self) -> dict[str, str]:
        """The texts of a training function of the project's own, by their paths in the project."""
        found = {n: a for n, a in self.artifacts.items() if n.partition("[")[0] == "training_files"}
        return {artifact.name: self.text(name) for name, artifact in found.items()}

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """The model on the test part; None where the run did not come that far."""
        text = self.text("evaluation")
        return Evaluation.from_json(json.loads(text)["test"]) if text else None

    def is_tested_on_the_rows_of(self, other: RunSide) -> bool:
        """Whether both models were judged on the same rows, with the same classes."""
        if self.evaluation is None or other.evaluation is None:
            return False
        pairs = [(self.artifacts.get(name), other.artifacts.get(name)) for name in _TESTED]
        same = all(a is not None and b is not None and content(a) == content(b) for a, b in pairs)
        return same and self.evaluation.encoding.classes == other.evaluation.encoding.classes

    def answers(self) -> Answered | None:
        """What the model answers on the test part, computed again; None where something is gone for it."""
        try:
            return self.scored("test").answered
        except TilthError:
            return None  # a file that is gone, or a graph of another version: the records still compare

    def graph(self) -> Graph:
        """The model that the run made.

        Raises:
            NotFoundError: it made none.
            StoreError: its file is gone or damaged.
        """
        return Graph.from_path(self.path("model"))

    def scored(self, *names: str) -> ScoredRows:
        """The rows of some parts with what the model answers, computed again.

        Raises:
            NotFoundError: the run did not come so far as to evaluate a model.
            StoreError: a file is gone or damaged.
            DataError: the parts have no rows.
        """
        label = part_of(self.run, "project").get("label")
        if self.evaluation is None or not isinstance(label, str):
            raise NotFoundError(
                f"the model of {self.run.reference} was not evaluated", mend="tilth run, or name another run"
            )
        encoding = self.evaluation.encoding
        table = Parts(self.path("dataset"), self.path("split")).part(*names)
        found = answer(self.graph(), table, encoding)
        truth, groups = encoding.encode(column(table, label)), groups_of(table, encoding)
        answered = Answered(truth, found.predictions, found.scores, groups)
        return ScoredRows(table, label, encoding, answered)

    def path(self, name: str) -> Path:
        """The file of an artifact, whole.

        Raises:
            NotFoundError: the run has none of that name.
            StoreError: its file is gone or damaged.
        """
        if name not in self.artifacts:
            raise NotFoundError(f"{self.run.reference} has no {name}", mend="tilth run, or name another run")
        return self._files.verify(*self._address(name))

    def _address(self, name: str) -> tuple[str, str]:
        artifact = self.artifacts[name]
        return artifact.digest, str(artifact.properties.get("suffix", ""))


def content(artifact: Artifact) -> str:
    """What an artifact is known by: a table by its rows in any order, anything else by its bytes."""
    return artifact.fingerprint or artifact.digest
