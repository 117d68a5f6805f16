"""The nouns of the record store: frozen values that are read from it, never handles into it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeAlias, get_args, runtime_checkable

from tilth.types import JSONObject, JSONValue

__all__ = [
    "STATES",
    "AliasChange",
    "Artifact",
    "Direction",
    "Event",
    "Execution",
    "LineageGraph",
    "Measured",
    "Metric",
    "ModelSummary",
    "ModelVersion",
    "Move",
    "Overview",
    "Record",
    "Role",
    "Run",
    "Sample",
    "State",
    "Usage",
]

State = Literal["running", "complete", "failed", "interrupted", "skipped"]
"""How far an execution or run is. A run is never "skipped"."""

STATES: tuple[State, ...] = get_args(State)

Role = Literal["input", "output"]
"""What an artifact was to an execution."""

Move = Literal["register", "promote", "rollback", "set", "remove"]
"""What moved an alias: a run that registered, a person who promoted or went back, or something else."""

Direction = Literal["upstream", "downstream"]
"""Upstream: what it was made from. Downstream: what was made from it."""


def _seconds(started: datetime.datetime, finished: datetime.datetime | None) -> float | None:
    return None if finished is None else (finished - started).total_seconds()


@dataclass(frozen=True)
class Artifact:
    """A thing that was made or read: a data set, a profile, a model, a file.

    `digest` is the sha256 of its bytes, `fingerprint` that of its content where the two differ (a table's
    rows in any order), `size` in bytes.
    """

    id: int
    kind: str
    name: str
    digest: str
    fingerprint: str | None
    size: int
    properties: JSONObject = field(hash=False)
    created: datetime.datetime

    @property
    def reference(self) -> str:
        """What `Store.find` finds it by: the first 12 digits of its digest."""
        return self.digest[:12]


@dataclass(frozen=True)
class Execution:
    """One act: a step that ran once, or was skipped because an earlier act had done the same.

    `key` is the cache key; `reused` the id of the execution that a skipped one stands for.
    """

    id: int
    run: int
    step: str
    state: State
    key: str
    parameters: JSONObject = field(hash=False)
    code_version: str | None
    host: str
    pid: int
    started: datetime.datetime
    finished: datetime.datetime | None
    error: str | None
    reused: int | None

    @property
    def reference(self) -> str:
        """What `Store.find` finds it by."""
        return f"execution:{self.id}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to finish; None while it runs."""
        return _seconds(self.started, self.finished)


@dataclass(frozen=True)
class Run:
    """One command as users see it: `tilth run`, `tilth monitor`. Numbered 1, 2, 3 in a store."""

    number: int
    command: str
    state: State
    parameters: JSONObject = field(hash=False)
    tags: dict[str, str] = field(hash=False)
    host: str
    pid: int
    started: datetime.datetime
    finished: datetime.datetime | None
    error: str | None

    @property
    def reference(self) -> str:
        """What `Store.find` finds it by."""
        return f"run:{self.number}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to finish; None while it runs."""
        return _seconds(self.started, self.finished)


@dataclass(frozen=True)
class ModelVersion:
    """An immutable build of a named model. Versions are 1, 2, 3 without gaps."""

    name: str
    version: int
    artifact: Artifact
    run: int | None
    created: datetime.datetime
    properties: JSONObject = field(hash=False)

    @property
    def reference(self) -> str:
        """What `Store.find` finds it by."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class DatasetVersion:
    """An immutable version of a named data set. Versions are 1, 2, 3 without gaps."""

    name: str
    version: int
    artifact: Artifact
    run: int | None
    note: str
    created: datetime.datetime

    @property
    def reference(self) -> str:
        """What `Store.find` finds it by."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class AliasChange:
    """One move of an alias; `version` is None when it was removed, `previous` when it was new.

    `kind` says what moved it; `why` is what a person or a command gave as the reason, and means nothing more.
    """

    model: str
    alias: str
    version: int | None
    previous: int | None
    who: str
    why: str
    time: datetime.datetime
    kind: Move


@dataclass(frozen=True)
class Event:
    """An artifact was an input or output of an execution, under a name such as "train"."""

    execution: int
    artifact: int
    role: Role
    name: str


@dataclass(frozen=True)
class Metric:
    """A measured value of a run on a slice (empty: all rows); None when undefined.

    `low` and `high` are the ends of its 95 % confidence interval; None where it is not known.
    """

    name: str
    value: float | None
    slice: dict[str, str] = field(hash=False)
    low: float | None = None
    high: float | None = None

    def to_json(self) -> JSONObject:
        """The metric as JSON values; the slice only where it is not all rows."""
        document: JSONObject = {"name": self.name, "value": self.value, "low": self.low, "high": self.high}
        return {**document, "slice": dict(self.slice)} if self.slice else document


@runtime_checkable
class Measured(Protocol):
    """A value with its interval, such as `tilth.metrics.Estimate`."""

    @property
    def value(self) -> float | None:
        """What was measured; None when undefined."""

    @property
    def low(self) -> float | None:
        """The lower end of the interval; None where it is not known."""

    @property
    def high(self) -> float | None:
        """The upper end."""


class Sample(NamedTuple):
    """What was in use at one moment of an execution.

    Seconds since its start; seconds of CPU used until then, all cores together; memory in MB; of the GPUs the
    share of time at work, 0 to 1, and the memory in MB; None where there is none.
    """

    at_s: float
    cpu_s: float
    memory_mb: float
    gpu_share: float | None = None
    gpu_memory_mb: float | None = None


@dataclass(frozen=True)
class Usage:
    """What an execution used, in all and over time; the process's children count.

    Args:
        wall_s: seconds from start to end.
        cpu_s: seconds of CPU, all cores together.
        peak_memory_mb: the most memory that it held at once, in MB (10^6 bytes).
        gpu_share: the mean share of time that the GPUs were at work; None without one.
        peak_gpu_memory_mb: the most memory in use on the GPUs, by anybody, in MB; None without one.
        samples: about one a second, fewer if it took long.
    """

    wall_s: float
    cpu_s: float
    peak_memory_mb: float
    gpu_share: float | None = None
    peak_gpu_memory_mb: float | None = None
    samples: tuple[Sample, ...] = ()

    def to_json(self) -> JSONObject:
        """The figures as JSON values, the samples as lists in the order of `Sample`."""
        return {**asdict(self), "samples": [list(sample) for sample in self.samples]}


Record: TypeAlias = "Artifact | Execution | Run | ModelVersion | DatasetVersion"
"""What `Store.find` returns and `Store.lineage` starts from."""


@dataclass(frozen=True)
class LineageGraph:
    """The part of the graph of artifacts and executions that was reached, the start included.

    `artifacts`, `executions` and `events` are in the order in which they were recorded; `models` are the
    registered versions of the artifacts reached.
    """

    direction: Direction
    start: tuple[Record, ...]
    artifacts: tuple[Artifact, ...]
    executions: tuple[Execution, ...]
    events: tuple[Event, ...]
    models: tuple[ModelVersion, ...]

    def inputs(self, execution: Execution | int) -> dict[str, Artifact]:
        """The inputs of an execution, by name, as far as they were reached."""
        return self._of(execution, "input")

    def outputs(self, execution: Execution | int) -> dict[str, Artifact]:
        """The outputs of an execution, by name, as far as they were reached."""
        return self._of(execution, "output")

    def _of(self, execution: Execution | int, role: Role) -> dict[str, Artifact]:
        wanted = execution if isinstance(execution, int) else execution.id
        known = {artifact.id: artifact for artifact in self.artifacts}
        return {e.name: known[e.artifact] for e in self.events if e.execution == wanted and e.role == role}

    def to_json(self) -> JSONObject:
        """The graph as JSON values."""
        return {
            "direction": self.direction,
            "start": [record.reference for record in self.start],
            "artifacts": [_artifact_json(artifact) for artifact in self.artifacts],
            "executions": [_execution_json(execution) for execution in self.executions],
            "events": [
                {"execution": e.execution, "artifact": e.artifact, "role": e.role, "name": e.name}
                for e in self.events
            ],
            "models": [
                {"name": m.name, "version": m.version, "artifact": m.artifact.id, "run": m.run}
                for m in self.models
            ],
        }


def _artifact_json(artifact: Artifact) -> JSONValue:
    return {
        "id": artifact.id,
        "kind": artifact.kind,
        "name": artifact.name,
        "digest": artifact.digest,
        "fingerprint": artifact.fingerprint,
        "size": artifact.size,
        "properties": artifact.properties,
        "created": artifact.created.isoformat(),
    }


def _execution_json(execution: Execution) -> JSONValue:
    return {
        "id": execution.id,
        "run": execution.run,
        "step": execution.step,
        "state": execution.state,
        "parameters": execution.parameters,
        "code_version": execution.code_version,
        "started": execution.started.isoformat(),
        "finished": execution.finished.isoformat() if execution.finished else None,
    }


@dataclass(frozen=True)
class ModelSummary:
    """A model at a glance: its newest version, how many there are, where its aliases point."""

    name: str
    versions: int
    latest: ModelVersion
    aliases: Mapping[str, int] = field(hash=False)


@dataclass(frozen=True)
class Overview:
    """Where a store stands: what `tilth status` shows.

    `last` holds the newest run of every command, `artifacts` the number and bytes of every kind.
    """

    runs: int
    last: Mapping[str, Run] = field(hash=False)
    running: tuple[Run, ...]
    models: tuple[ModelSummary, ...]
    artifacts: Mapping[str, tuple[int, int]] = field(hash=False)
