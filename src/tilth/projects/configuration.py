"""The contents of tilth.toml, typed and checked."""

from __future__ import annotations

import re
import tomllib
from typing import Literal

import msgspec

from tilth.checks import Check, Moment
from tilth.errors import ProjectError, closest
from tilth.tables import SplitPlan
from tilth.types import Task

__all__ = [
    "CheckSection",
    "Configuration",
    "DataSection",
    "EvaluateSection",
    "MonitorSection",
    "ProjectSection",
    "ServeSection",
    "SplitSection",
    "TrainSection",
]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all sections share: no unknown keys, no later change."""


class ProjectSection(_Section, frozen=True):
    """What is predicted."""

    name: str
    label: str
    task: Task
    positive: str | int | bool | None = None


class DataSection(_Section, frozen=True):
    """Where the data comes from, relative to tilth.toml."""

    sources: list[str]
    missing: list[str] = []
    types: dict[str, Literal["int", "float", "string", "bool", "datetime"]] = {}


class SplitSection(_Section, frozen=True):
    """How rows are dealt to train, dev and test."""

    method: Literal["hash", "random", "group", "time", "balanced"] = "hash"
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    columns: list[str] = []
    seed: int = 0

    def plan(self) -> SplitPlan:
        """The same as a plan for `tilth.tables.split`."""
        return SplitPlan(self.method, self.fractions, tuple(self.columns), self.seed)


class TrainSection(_Section, frozen=True):
    """Which estimator is fitted, with which parameters."""

    estimator: str = "lightgbm"
    seed: int = 0
    threshold: float = 0.5
    parameters: dict[str, str | int | float | bool | list[str | int | float]] = {}


class EvaluateSection(_Section, frozen=True):
    """The slices on which metrics are reported: each a list of columns."""

    slices: list[list[str]] = []


class ServeSection(_Section, frozen=True):
    """The prediction server."""

    host: str = "127.0.0.1"
    port: int = 8080
    unexpected_values: Literal["accept", "reject"] = "accept"


class MonitorSection(_Section, frozen=True):
    """How much of what was served is looked at, and when a column counts as drifted."""

    window: int = 1000
    minimum_rows: int = 30
    drift_threshold: float = 0.1
    significance: float = 0.01


class CheckSection(_Section, frozen=True):
    """One declared bound; see `tilth.checks.Check`."""

    metric: str
    moment: Moment
    min: float | None = None
    max: float | None = None
    slice: dict[str, str] = {}
    baseline: str | None = None

    def check(self) -> Check:
        """The same as a Check."""
        return Check(
            self.metric,
            self.moment,
            low=self.min,
            high=self.max,
            slice=self.slice,
            baseline=self.baseline,
            optional_baseline=self.baseline == "champion",
        )


class Configuration(_Section, frozen=True):
    """Everything that tilth.toml says.

    Example:
        >>> project = 'project = {name = "a", label = "y", task = "binary"}'
        >>> text = project + chr(10) + 'data = {sources = ["a.csv"]}'
        >>> Configuration.from_toml(text).split.method
        'hash'
    """

    project: ProjectSection
    data: DataSection
    split: SplitSection = SplitSection()
    train: TrainSection = TrainSection()
    evaluate: EvaluateSection = EvaluateSection()
    serve: ServeSection = ServeSection()
    monitor: MonitorSection = MonitorSection()
    checks: list[CheckSection] = []

    @classmethod
    def from_toml(cls, text: str, where: str = "tilth.toml") -> Configuration:
        """Read and check the text of a tilth.toml.

        Raises:
            ProjectError: not TOML, an unknown key, a value of the wrong type or out of range.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProjectError(f"this is not valid TOML: {error}", where=where) from error
        try:
            configuration = msgspec.convert(raw, cls)
        except msgspec.ValidationError as error:
            raise _explain(str(error), where) from error
        _check_values(configuration, where)
        return configuration

    def checks_at(self, moment: Moment) -> list[Check]:
        """The declared checks of one moment, in order."""
        return [section.check() for section in self.checks if section.moment == moment]


def _explain(message: str, where: str) -> ProjectError:
    """Msgspec's message in the words of tilth.toml."""
    what, _, path = message.partition(" - at `")
    place = path.rstrip("`").removeprefix("$").removeprefix(".")
    found = re.search(r"unknown field `(.*)`", what)
    if found:
        section: type[msgspec.Struct] = Configuration
        for name in re.findall(r"[a-z_]+", place):
            section = _SECTIONS.get(name, section)
        known = [field.name for field in msgspec.structs.fields(section)]
        near = closest(found.group(1), known)
        return ProjectError(
            f"unknown key '{found.group(1)}'",
            where=f"{where}, [{place}]" if place else where,
            expected=f"one of {', '.join(known)}",
            mend=f"did you mean '{near}'?" if near else None,
        )
    missing = re.search(r"missing required field `(.*)`", what)
    if missing:
        return ProjectError(
            f"the key '{missing.group(1)}' is missing", where=f"{where}, [{place}]" if place else where
        )
    return ProjectError(what.replace("`", "'"), where=f"{where}, {place}")


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "project": ProjectSection,
    "data": DataSection,
    "split": SplitSection,
    "train": TrainSection,
    "evaluate": EvaluateSection,
    "serve": ServeSection,
    "monitor": MonitorSection,
    "checks": CheckSection,
}


def _check_values(configuration: Configuration, where: str) -> None:
    """Bounds that types cannot say."""
    rules = [
        (bool(configuration.data.sources), "data", "sources is empty", "at least one path"),
        (
            all(f >= 0 for f in configuration.split.fractions)
            and abs(sum(configuration.split.fractions) - 1) < 1e-9,
            "split",
            f"fractions are {list(configuration.split.fractions)}",
            "three shares for train, dev and test that add up to 1",
        ),
        (min(configuration.split.fractions) > 0, "split", "a fraction is 0", "every part with some rows"),
        (0 < configuration.train.threshold < 1, "train", "threshold is out of range", "between 0 and 1"),
        (0 <= configuration.serve.port <= 65535, "serve", "port is out of range", "0 to 65535"),
        (configuration.monitor.window > 0, "monitor", "window is not positive", "a number of predictions"),
        (
            0 < configuration.monitor.significance < 1,
            "monitor",
            "significance is out of range",
            "between 0 and 1",
        ),
        (
            bool(re.fullmatch(r"[\w.-]{1,100}", configuration.project.name)),
            "project",
            f"name {configuration.project.name!r} cannot be used",
            "letters, digits, '.', '_' and '-'",
        ),
    ]
    for holds, section, what, expected in rules:
        if not holds:
            raise ProjectError(what, where=f"{where}, [{section}]", expected=expected)
    for declared in configuration.checks:
        declared.check()
