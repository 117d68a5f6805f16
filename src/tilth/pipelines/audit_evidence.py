"""Evidence: what is measured of the risks of one model, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from tilth.errors import TilthError
from tilth.evaluation import Evaluation
from tilth.evaluation.audit import Finding, find, unmeasured
from tilth.evaluation.importance import Weighing
from tilth.evaluation.risks import AuditedPart, Risk
from tilth.inference import Graph
from tilth.metrics import CustomMetric, LabelEncoding
from tilth.pipelines.challenge import Champion, Duel, Incomparable, challenge
from tilth.pipelines.custom_metrics import project_metrics
from tilth.pipelines.obligations import with_gaps
from tilth.pipelines.parts import Parts, weighing_in
from tilth.pipelines.scoring import Answers, answer, measure
from tilth.projects import Project
from tilth.store import ModelVersion
from tilth.tables import Table
from tilth.tables.slicings import Slicing, slicing_of
from tilth.types import JSONObject

__all__ = ["Evidence"]

Slices = tuple[tuple[str, ...], ...]

_SUFFIXES = {"dataset": ".parquet", "split": ".parquet", "evaluation": ".json"}


class Evidence:
    """What is measured of the risks of one model.

    What the model was evaluated with when it was registered is taken as it is recorded. A slice that was not
    measured then, and the champion, which may be another one by now, are measured again, on the data set and
    the parts that the model came with. No record is read and none is written.

    Args:
        project: whose model.
        graph: the digest of its graph.
        properties: what it came with, as a version is registered with it.
        champion: what it is compared with where a risk says so; None: there is nothing yet.
    """

    def __init__(
        self, project: Project, graph: str, properties: JSONObject, champion: ModelVersion | None
    ) -> None:
        self.champion = None if champion is None else champion.version
        self._project = project
        self._graph = graph
        self._properties = properties
        self._champion = champion
        self._artifacts = project.artifacts()
        self._found: dict[str, Finding] = {}
        self._answered: dict[AuditedPart, tuple[Table, Answers]] = {}
        self._fresh: dict[tuple[AuditedPart, Slices], Evaluation] = {}
        self._met: dict[Slices, Duel | Incomparable] = {}

    def finding(self, risk: Risk) -> Finding:
        """What is measured of a risk; what cannot be measured says why, and does not pass."""
        if risk.digest not in self._found:
            try:
                self._found[risk.digest] = self._find(risk)
            except TilthError as error:
                self._found[risk.digest] = unmeasured(risk, _in_words(error))
        return self._found[risk.digest]

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What the model was evaluated to when it was registered."""
        text = self._path("evaluation", self._properties).read_text(encoding="utf-8")
        return cast("Mapping[str, Any]", json.loads(text))

    @cached_property
    def test(self) -> Evaluation:
        """The recorded evaluation on the test part."""
        return Evaluation.from_json(self.document["test"])

    def _find(self, risk: Risk) -> Finding:
        check = risk.check
        if check.baseline == "champion" and self._champion is not None:
            return self._against_champion(risk, self._champion)
        known = self.test.find(check.slice) if risk.part == "test" else None
        if known is not None and (check.metric in known.metrics or check.baseline):
            return self._recorded(risk)
        if check.baseline not in (None, "champion"):
            return unmeasured(
                risk,
                f"{check.baseline} was not measured there: only on the test part, and on what "
                "[evaluate] slices names",
            )
        return find(risk, self._measured(risk))

    def _recorded(self, risk: Risk) -> Finding:
        name = risk.check.baseline
        kept = self.document["baselines"].items()
        others = {key: Evaluation.from_json(found) for key, found in kept if key != "champion"}
        known = self.test.rows if name not in others else others[name].rows
        if known not in (0, self.test.rows):
            return unmeasured(
                risk,
                f"{name} is known on {known:,} of {self.test.rows:,} test rows only, so that the two are not "
                "measured on the same; a check in tilth.toml compares them on these",
            )
        return find(risk, self.test, others)

    def _measured(self, risk: Risk) -> Evaluation:
        """The model on a risk's part, sliced by what it needs; quantiles are those of the whole data set."""
        slices = self._needed(risk)
        if (risk.part, slices) not in self._fresh:
            rows, answers = self._answers(risk.part)
            label, encoding, slicing = self._project.label, self._encoding, self._slicing(slices)
            found = measure(answers, rows, label, encoding, slicing, *self._terms)
            self._fresh[risk.part, slices] = found
        return self._with_gaps(risk, self._fresh[risk.part, slices])

    def _answers(self, part: AuditedPart) -> tuple[Table, Answers]:
        """The rows of a part and what the model says of them."""
        if part not in self._answered:
            rows = self._parts.part(part)
            self._answered[part] = rows, answer(self._model, rows, self._encoding)
        return self._answered[part]

    def _against_champion(self, risk: Risk, champion: ModelVersion) -> Finding:
        """Both on the test rows that the champion has not learned from."""
        if risk.part != "test":
            return unmeasured(risk, "the champion is compared with on the test part only")
        slices = self._needed(risk)
        if slices not in self._met:
            given = champion.properties
            files = [self._path(name, given) for name in ("dataset", "split", "evaluation")]
            theirs = Champion.read([self._artifacts.verify(champion.artifact.digest, ".onnx"), *files])
            label, encoding, slicing = self._project.label, self._encoding, self._slicing(slices)
            self._met[slices] = challenge(
                theirs, self._model, self._parts, label, encoding, slicing, *self._terms
            )
        met = self._met[slices]
        if isinstance(met, Incomparable):
            return unmeasured(risk, f"undefined: {met.reason}")
        return find(risk, self._with_gaps(risk, met.mine), {"champion": self._with_gaps(risk, met.theirs)})

    def _needed(self, risk: Risk) -> Slices:
        """What the rows are sliced by for one risk."""
        keys = tuple(risk.check.slice)
        groups = self._project.configuration.evaluate.attributes if _is_gap(risk) else ()
        return tuple(dict.fromkeys([*([keys] if keys else []), *map(tuple, groups)]))

    def _with_gaps(self, risk: Risk, found: Evaluation) -> Evaluation:
        return with_gaps(self._project, found) if _is_gap(risk) else found

    def _slicing(self, slices: Slices) -> Slicing:
        return slicing_of(self._parts.table, slices, where="the data of the model")

    @cached_property
    def _terms(self) -> tuple[Weighing | None, dict[str, CustomMetric]]:
        """How much rows count, and the project's own metrics."""
        return weighing_in(self._project, self._parts), project_metrics(self._project)

    @cached_property
    def _model(self) -> Graph:
        return Graph.from_path(self._artifacts.verify(self._graph, ".onnx"))

    @cached_property
    def _parts(self) -> Parts:
        return Parts(self._path("dataset", self._properties), self._path("split", self._properties))

    @cached_property
    def _encoding(self) -> LabelEncoding:
        return LabelEncoding.from_json(cast("JSONObject", self._properties["label"]))

    def _path(self, name: str, properties: JSONObject) -> Path:
        return self._artifacts.verify(str(properties[name]), _SUFFIXES[name])


def _is_gap(risk: Risk) -> bool:
    """Whether it is on how far groups are apart."""
    return risk.check.metric.startswith(("gap.", "ratio."))


def _in_words(error: TilthError) -> str:
    """An error in one line."""
    return "; ".join(part for part in (error.what, error.mend) if part)
