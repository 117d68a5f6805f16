"""What of a run is published: parameters, tags, numbers and files in the form that MLflow has for them."""

from __future__ import annotations

import contextlib
import getpass
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tilth.evaluation import Evaluation
from tilth.pipelines.code_state import CodeState
from tilth.pipelines.code_version import code_version
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runner import RunReport
from tilth.pipelines.runs import part_of
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Execution, Store, Usage
from tilth.types import JSONValue

__all__ = ["Point", "PublishedRun", "accepted"]

_SECTIONS = ("project", "data", "split", "train", "baselines", "business")
_PLAIN = {
    "train.estimator": "estimator",
    "train.seed": "seed",
    "train.threshold": "threshold",
    "split.method": "split",
}
"""Settings that are known without their section."""

_PLACES = {
    "code": "code/state.json",
    "diff": "code/changes.patch",
    "environment": "environment/requirements.txt",
    "host": "environment/host.json",
}
_SUFFIXES = (".json", ".py", ".toml")
_LARGEST_FILE = 5_000_000
_LONGEST_VALUE = 6_000
_REFUSED = re.compile(r"[^\w./ :-]", re.ASCII)


class Point(NamedTuple):
    """A value of a metric: at which step, and when, in milliseconds since 1970."""

    name: str
    value: float
    time_ms: int
    step: int = 0


@dataclass(frozen=True)
class PublishedRun:
    """A run with what it came to.

    Args:
        project: whose run.
        store: where it is recorded.
        artifacts: where its artifacts are.
        side: the run with what its steps were given and made.
        report: how it ended.
    """

    project: Project
    store: Store
    artifacts: ArtifactStore
    side: RunSide
    report: RunReport

    @property
    def began_ms(self) -> int:
        """When the run began, in milliseconds since 1970."""
        return round(self.side.run.started.timestamp() * 1000)

    @property
    def ended_ms(self) -> int:
        """When it ended."""
        finished = self.side.run.finished
        return self.began_ms if finished is None else round(finished.timestamp() * 1000)

    def parameters(self) -> dict[str, str]:
        """Every setting that decides over the model, the estimator's own by their own names."""
        found: dict[str, JSONValue] = {}
        for section in _SECTIONS:
            for key, value in part_of(self.side.run, section).items():
                name = f"{section}.{key}"
                if name != "train.parameters":
                    found[_PLAIN.get(name, name)] = value
        own = part_of(self.side.run, "train").get("parameters")
        found |= own if isinstance(own, dict) else {}
        return {name: _text(value)[:_LONGEST_VALUE] for name, value in found.items() if value is not None}

    def tags(self) -> dict[str, str]:
        """Where the run is from, and the digests of what went in and came out."""
        run, around = self.side.run, self.side.surroundings
        tags = {
            "mlflow.runName": f"{self.project.name} run {run.number}",
            "mlflow.source.name": "tilth run",
            "mlflow.source.type": "LOCAL",
            "tilth.run": str(run.number),
            "tilth.code": code_version(),
            **_git_tags(around.code),
            **{f"tilth.{name}": digest for name, digest in self._digests().items()},
        }
        note = self._note()
        if note:
            tags["mlflow.note.content"] = note
        if around.environment is not None:
            tags["tilth.python"] = around.environment.python
        with contextlib.suppress(OSError, KeyError):  # a user without a name
            tags["mlflow.user"] = getpass.getuser()
        return tags

    def _note(self) -> str:
        """What the checks said; MLflow shows it above everything else."""
        lines = [f"- {verdict}" for verdict in self.store.verdicts(self.side.run)]
        failure = self.report.failure
        if failure is not None:
            lines.append(f"\n**Not registered**: {failure.what}")
        return "\n".join(lines)[:_LONGEST_VALUE]

    def _digests(self) -> dict[str, str]:
        """The fingerprint of the data and the digests of what was made."""
        known = {**self.side.artifacts, **self.store.surroundings(self.side.run)}
        names = ("dataset", "split", "transform", "model", "environment")
        return {n: known[n].fingerprint or known[n].digest for n in names if n in known}

    def points(self) -> Iterator[Point]:
        """All numbers: metrics with their intervals, the course of training, what was used over time."""
        yield from self._metric_points()
        for name, curve in self.side.curves.items():
            for step, number in enumerate(curve):
                if number is not None:
                    yield Point(name, number, self.ended_ms, step)
        at = 0
        for execution, used in self._own_usage():
            yield from _usage_points(execution, used, at)
            at += len(used.samples)

    def _metric_points(self) -> Iterator[Point]:
        for metric in self.store.all_metrics(self.side.run):
            where = "".join(f"/{column}={value}" for column, value in metric.slice.items())
            for ending, value in (("", metric.value), (".low", metric.low), (".high", metric.high)):
                if value is not None:
                    yield Point(f"{metric.name}{where}{ending}", value, self.ended_ms)
        text = self.side.text("training")
        document = json.loads(text) if text else {}
        for part in ("train", "dev"):
            if document.get(part):
                for name, estimate in Evaluation.from_json(document[part]).slices[0].metrics.items():
                    if estimate.value is not None:
                        yield Point(f"{part}/{name}", estimate.value, self.ended_ms)

    def _own_usage(self) -> Iterator[tuple[Execution, Usage]]:
        """What was used by the steps that the run did itself."""
        used = self.store.usage(self.side.run)
        for execution in self.store.executions(self.side.run):
            if execution.reused is None and execution.step in used:
                yield execution, used[execution.step]

    def write_files(self, folder: Path) -> None:
        """Copy what people look at later: code, environment, settings, features, schema, results.

        Raises:
            StoreError: one is damaged.
        """
        for name, artifact in self.store.surroundings(self.side.run).items():
            self._copy(artifact, folder / _PLACES.get(name, name))
        for name, artifact in self.side.artifacts.items():
            suffix = str(artifact.properties.get("suffix", ""))
            is_written_by_people = artifact.kind == "file"
            if "[" in name and not is_written_by_people:
                continue  # of the champion, which was published when it was made
            if suffix in _SUFFIXES and artifact.size <= _LARGEST_FILE:
                place = f"project/{artifact.name}" if is_written_by_people else f"results/{name}{suffix}"
                self._copy(artifact, folder / place)
        text = json.dumps(self.side.run.parameters.get("configuration"), indent=1, sort_keys=True)
        (folder / "configuration.json").write_text(text, encoding="utf-8")

    def _copy(self, artifact: Artifact, target: Path) -> None:
        suffix = str(artifact.properties.get("suffix", ""))
        if self.artifacts.holds(artifact.digest, suffix):  # a data file is recorded, but not kept
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.artifacts.verify(artifact.digest, suffix), target)

    def dataset(self) -> dict[str, str] | None:
        """The data that the run learned from, as MLflow lists inputs of runs; None where none was read."""
        artifact = self.side.artifacts.get("dataset")
        if artifact is None:
            return None
        sources = part_of(self.side.run, "data").get("sources")
        return {
            "name": self.project.name,
            "digest": (artifact.fingerprint or artifact.digest)[:36],
            "source_type": "local",
            "source": json.dumps({"uri": sources}),
            "profile": json.dumps({"num_rows": artifact.properties.get("rows")}),
        }


def accepted(names: Iterable[str]) -> dict[str, str]:
    """Names that MLflow accepts, each for one that it may not.

    Example:
        >>> accepted(["auroc", "recall.<=50K", "recall.>=50K"])
        {'auroc': 'auroc', 'recall.<=50K': 'recall.__50K', 'recall.>=50K': 'recall.__50K_2'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = _REFUSED.sub("_", name)[:240].strip("/ ") or "_"
        number, unique = 1, plain
        while unique in taken:
            number += 1
            unique = f"{plain}_{number}"
        taken.add(unique)
        found[name] = unique
    return found


def _git_tags(code: CodeState | None) -> dict[str, str]:
    if code is None or code.commit is None:
        return {}
    known = {"branch": code.branch, "repoURL": code.remote}
    return {
        "mlflow.source.git.commit": code.commit,
        "mlflow.source.git.dirty": str(code.dirty).lower(),
        **{f"mlflow.source.git.{name}": value for name, value in known.items() if value},
    }


def _usage_points(execution: Execution, used: Usage, at: int) -> Iterator[Point]:
    """What one step used; MLflow shows names under `system/` on a page of their own."""
    begun = round(execution.started.timestamp() * 1000)
    in_all = {
        "seconds": used.wall_s,
        "cpu_seconds": used.cpu_s,
        "peak_memory_megabytes": used.peak_memory_mb,
        "peak_gpu_memory_megabytes": used.peak_gpu_memory_mb,
    }
    for name, value in in_all.items():
        if value is not None:
            yield Point(f"steps/{execution.step}/{name}", value, begun)
    before = used.samples[0] if used.samples else None
    for step, sample in enumerate(used.samples, at):
        took = sample.at_s - before.at_s if before is not None else 0.0
        share = (sample.cpu_s - before.cpu_s) / took if before is not None and took > 0 else None
        over_time = {
            "process_memory_megabytes": sample.memory_mb,
            "process_cpu_percentage": None if share is None else 100 * share,
            "gpu_utilization_percentage": None if sample.gpu_share is None else 100 * sample.gpu_share,
            "gpu_memory_usage_megabytes": sample.gpu_memory_mb,
        }
        for name, value in over_time.items():
            if value is not None:
                yield Point(f"system/{name}", value, begun + round(sample.at_s * 1000), step)
        before = sample


def _text(value: JSONValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
