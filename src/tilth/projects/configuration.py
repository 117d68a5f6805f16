"""The contents of tilth.toml, typed and checked."""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Iterator
from typing import Literal, get_args, get_origin

import msgspec

from tilth.checks import Check, Moment
from tilth.errors import ProjectError, TilthError, closest
from tilth.metrics import perfect
from tilth.projects.declared_checks import refuse_unknown
from tilth.projects.deployment_section import DeploymentSection, deployment_misfits
from tilth.projects.lookup_section import LookupSection, lookup_misfits
from tilth.projects.obligation_rules import OwnMetrics, obligation_misfits
from tilth.projects.rival_rules import number_misfits, rival_misfits
from tilth.projects.serve_section import LogSection, ServeSection, serve_misfits
from tilth.projects.task_rules import Misfit, misfits
from tilth.projects.train_rules import estimator_misfits, history_misfits, threshold_misfits, weight_misfits
from tilth.tables import SplitPlan
from tilth.tables.slicings import split_keys
from tilth.types import JSONObject, Task

__all__ = [
    "NAME",
    "AuditSection",
    "BaselinesSection",
    "BusinessSection",
    "CheckSection",
    "Configuration",
    "DataSection",
    "DeploymentSection",
    "EvaluateSection",
    "LookupSection",
    "MonitorSection",
    "ProjectSection",
    "SearchSpace",
    "ServeSection",
    "SplitSection",
    "TrainSection",
    "TuneSection",
]


NAME = re.compile(r"\w[\w.-]{0,254}")
"""A project's name is its model's, so it follows the store's rule for those."""


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all sections share: no unknown keys, no later change."""


class ProjectSection(_Section, frozen=True):
    """What is predicted."""

    name: str
    label: str
    task: Task
    positive: str | int | bool | None = None
    group: str | None = None
    separator: str | None = None


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


ParameterValue = str | int | float | bool | list[str | int | float]
Calibration = Literal["none", "sigmoid", "isotonic", "temperature"]
History = Literal["all", "weighted", "recent"]


class TrainSection(_Section, frozen=True):
    """Which estimator is fitted, with which parameters, on which rows, and how its scores become answers."""

    estimator: str = "lightgbm"
    seed: int = 0
    parameters: dict[str, ParameterValue] = {}
    weight: str | None = None
    class_weights: Literal["balanced"] | dict[str, float] | None = None
    early_stopping_rounds: int = 25
    calibration: Calibration = "none"
    threshold: float | str = 0.5
    history: History = "all"
    time: str | None = None
    half_life: str | None = None
    recent: str | None = None
    sanity_checks: bool = True
    allow: list[str] = []
    learning_curve: tuple[float, ...] = (0.125, 0.25, 0.5)


class BaselinesSection(_Section, frozen=True):
    """What else a model is held against: an older system's answers, people's answers."""

    older: str | None = None
    older_model: str | None = None
    human: str | None = None
    human_level: float | None = None
    human_metric: str | None = None
    human_source: str | None = None


class BusinessSection(_Section, frozen=True):
    """What an answer is worth: the value of one row by its true and its predicted class."""

    metric: str | None = None
    unit: str | None = None
    target: float | None = None
    values: dict[str, dict[str, float]] = {}


class SearchSpace(_Section, frozen=True):
    """The values that a parameter may take: between two numbers, or one of several."""

    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    choices: list[str | int | float | bool] = []


class TuneSection(_Section, frozen=True):
    """The search for better parameters."""

    trials: int = 50
    metric: str | None = None
    estimators: list[str] = []
    parameters: dict[str, SearchSpace] = {}
    constraints: dict[str, float] = {}
    second: Literal["latency_us", "memory_mb", "size_mb"] | None = None
    prune: bool = True


class EvaluateSection(_Section, frozen=True):
    """On which slices a model is measured, what counts more than the rest, and what must not happen."""

    slices: list[list[str]] = []
    weight: str | None = None
    importance: dict[str, float] = {}
    protected: list[str] = []
    must_pass: list[str] = []
    never: list[str] = []
    metrics: str | None = None
    minimum_rows: int = 30
    discover: bool = True

    @property
    def attributes(self) -> list[list[str]]:
        """The protected attributes, and those slices that cross several of them."""
        named = [split_keys(text) for text in self.protected]
        single = {keys[0] for keys in named if len(keys) == 1}
        crossed = [keys for keys in self.slices if len(keys) > 1 and set(keys) <= single]
        return _each_once([*named, *crossed])

    @property
    def sliced(self) -> list[list[str]]:
        """All that a model is measured on slices by."""
        return _each_once([*self.slices, *self.attributes])


class AuditSection(_Section, frozen=True):
    """The audit that goes before a release."""

    risks: str = "audit.toml"
    required: bool = False


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
    baselines: BaselinesSection = BaselinesSection()
    business: BusinessSection = BusinessSection()
    tune: TuneSection = TuneSection()
    evaluate: EvaluateSection = EvaluateSection()
    audit: AuditSection = AuditSection()
    serve: ServeSection = ServeSection()
    monitor: MonitorSection = MonitorSection()
    deployment: DeploymentSection = DeploymentSection()
    checks: list[CheckSection] = []
    lookups: list[LookupSection] = []

    @classmethod
    def from_toml(cls, text: str, where: str = "tilth.toml") -> Configuration:
        """Read and check the text of a tilth.toml.

        Raises:
            ProjectError: not TOML, an unknown key, a value of the wrong type or out of range, a check that
                cannot be judged.
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

    @classmethod
    def from_json(cls, document: JSONObject) -> Configuration:
        """What `to_json` gave.

        Raises:
            ProjectError: it is of another version of Tilth that knew other keys.
        """
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise _explain(str(error), "the recorded configuration") from error

    def to_json(self) -> JSONObject:
        """All of it as JSON values, for the record of a run."""
        document: JSONObject = msgspec.to_builtins(self)
        return document

    def checks_at(self, moment: Moment) -> list[Check]:
        """The declared checks of one moment, in order."""
        return [section.check() for section in self.checks if section.moment == moment]


def _each_once(groups: list[list[str]]) -> list[list[str]]:
    return [list(keys) for keys in dict.fromkeys(map(tuple, groups))]


def _explain(message: str, where: str) -> ProjectError:
    """Msgspec's message in the words of tilth.toml."""
    what, _, path = message.partition(" - at `")
    place = path.rstrip("`").removeprefix("$").removeprefix(".")
    found = re.search(r"unknown field `(.*)`", what)
    if found:
        known = [field.name for field in msgspec.structs.fields(_section(place))]
        return _unknown(f"unknown key '{found.group(1)}'", found.group(1), known, _within(where, place))
    missing = re.search(r"missing required field `(.*)`", what)
    if missing:
        return ProjectError(f"the key '{missing.group(1)}' is missing", where=_within(where, place))
    choice = re.search(r"Invalid enum value '(.*)'", what)
    if choice:
        return _no_choice(choice.group(1), place, where)
    if place == "tune.parameters[...]" and what.startswith("Expected `object`"):
        expected = "{ low = 0.01, high = 0.3, log = true } or { choices = [...] } for each"
        what = "a parameter to search is not given as a range or as choices"
        return ProjectError(what, where=f"{where}, [tune.parameters]", expected=expected)
    return ProjectError(what.replace("`", "'"), where=f"{where}, {_numbered(place)}")


def _unknown(what: str, name: str, known: list[str], where: str) -> ProjectError:
    near = closest(name, known)
    return ProjectError(
        what,
        where=where,
        expected=f"one of {', '.join(known)}",
        mend=f"did you mean '{near}'?" if near else None,
    )


def _no_choice(value: str, place: str, where: str) -> ProjectError:
    at = f"{where}, {_numbered(place)}"
    if value == "data" and place.endswith("].moment"):
        return ProjectError(
            "checks of the moment 'data' are not available yet",
            where=at,
            expected=f"one of {', '.join(get_args(Moment))}",
            mend="say in schema.toml what the data must be like",
        )
    types = {field.name: field.type for field in msgspec.structs.fields(_section(place))}
    names = re.findall(r"[a-z_]+", place)
    key = names[2 if ".".join(names[:2]) in _SECTIONS else 1]
    return _unknown(f"unknown value '{value}'", value, _choices(types[key]), at)


def _choices(annotation: object) -> list[str]:
    """The words of a Literal, however deep it lies in a type."""
    if get_origin(annotation) is Literal:
        return [str(word) for word in get_args(annotation)]
    return [word for inner in get_args(annotation) for word in _choices(inner)]


def _section(place: str) -> type[msgspec.Struct]:
    """The section that msgspec's path leads to."""
    if place.startswith("tune.parameters["):
        return SearchSpace
    found = re.match(r"[a-z_]*(\.[a-z_]*)?", place)
    name = found.group() if found else ""
    return _SECTIONS.get(name) or _SECTIONS.get(name.split(".")[0], Configuration)


def _within(where: str, place: str) -> str:
    """The file and the section."""
    numbered = _numbered(place)
    return f"{where}, {numbered if numbered.startswith('[') else f'[{numbered}]'}" if place else where


def _numbered(place: str) -> str:
    """Of several sections of one name, which: people count from 1."""
    return re.sub(
        r"^(checks|lookups)\[(\d+)\]\.?",
        lambda found: f"[[{found[1]}]] {int(found[2]) + 1}" + (", " if found[0].endswith(".") else ""),
        place.removesuffix("[...]"),
    )


_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "project": ProjectSection,
    "data": DataSection,
    "split": SplitSection,
    "train": TrainSection,
    "baselines": BaselinesSection,
    "business": BusinessSection,
    "tune": TuneSection,
    "evaluate": EvaluateSection,
    "audit": AuditSection,
    "serve": ServeSection,
    "serve.log": LogSection,
    "monitor": MonitorSection,
    "deployment": DeploymentSection,
    "checks": CheckSection,
    "lookups": LookupSection,
}


def _check_values(configuration: Configuration, where: str) -> None:
    """Bounds that types cannot say."""
    rules = (*_setting_rules(configuration), *_monitor_rules(configuration), *_baseline_rules(configuration))
    wrong = [(section, what, expected) for holds, section, what, expected in rules if not holds]
    wrong += [*_task_misfits(configuration), *_train_misfits(configuration), *_rival_misfits(configuration)]
    wrong += [*_obligation_misfits(configuration), *serve_misfits(configuration.serve)]
    wrong += deployment_misfits(configuration.deployment)
    for section, what, expected in wrong:
        raise ProjectError(what, where=f"{where}, [{section}]", expected=expected)
    for place, what, expected in lookup_misfits(configuration.lookups):
        raise ProjectError(what, where=f"{where}, {place}", expected=expected)
    with _placed(f"{where}, [split]"):
        configuration.split.plan()
    for number, declared in enumerate(configuration.checks, 1):
        with _placed(f"{where}, [[checks]] {number}"):
            own = _own_metrics(configuration)
            refuse_unknown(declared.check(), configuration.project.task, configuration.evaluate.sliced, own)


_Rule = tuple[bool, str, str, str]


def _setting_rules(configuration: Configuration) -> tuple[_Rule, ...]:
    name, fractions = configuration.project.name, configuration.split.fractions
    return (
        (bool(configuration.data.sources), "data", "sources is empty", "at least one path"),
        (
            all(f >= 0 for f in fractions) and abs(sum(fractions) - 1) < 1e-9,
            "split",
            f"fractions are {list(fractions)}",
            "three shares for train, dev and test that add up to 1",
        ),
        (min(fractions) > 0, "split", "a fraction is 0", "every part with some rows"),
        (configuration.train.seed >= 0, "train", f"seed is {configuration.train.seed}", "0 or more"),
        (
            all(configuration.evaluate.slices),
            "evaluate",
            "a slice has no column",
            "one column or more in each",
        ),
        (
            all(0 < share < 1 for share in configuration.train.learning_curve),
            "train",
            f"learning_curve is {list(configuration.train.learning_curve)}",
            "shares of the training rows, above 0 and below 1, or none",
        ),
        (bool(configuration.audit.risks.strip()), "audit", "risks is empty", 'a file, such as "audit.toml"'),
        (
            bool(NAME.fullmatch(name)),
            "project",
            f"name {name!r} cannot be used",
            "letters, digits, '_', and after the first '.' and '-', at most 255",
        ),
    )


def _task_misfits(configuration: Configuration) -> Iterator[Misfit]:
    project, train = configuration.project, configuration.train
    return misfits(
        project.task,
        group=project.group,
        separator=project.separator,
        has_class_weights=train.class_weights is not None,
        calibration=train.calibration,
        threshold=train.threshold,
    )


def _obligation_misfits(configuration: Configuration) -> Iterator[Misfit]:
    project, section = configuration.project, configuration.evaluate
    return obligation_misfits(
        project.task,
        project.label,
        weight=section.weight,
        importance=section.importance,
        protected=section.protected,
        must_pass=section.must_pass,
        never=section.never,
        minimum_rows=section.minimum_rows,
    )


def _own_metrics(configuration: Configuration) -> OwnMetrics:
    section = configuration.evaluate
    return OwnMetrics(
        configuration.project.task,
        section.attributes,
        section.must_pass,
        section.never,
        section.metrics,
    )


def _train_misfits(configuration: Configuration) -> Iterator[Misfit]:
    train = configuration.train
    yield from estimator_misfits(train.estimator)
    yield from threshold_misfits(train.threshold)
    yield from weight_misfits(train.class_weights, train.early_stopping_rounds)
    yield from history_misfits(train.history, train.time, train.half_life, train.recent)
    if train.threshold == "value" and not configuration.business.values:
        expected = "[business] values: true class -> predicted class -> value of one row"
        yield "train", 'threshold = "value" needs the value of each answer', expected


def _rival_misfits(configuration: Configuration) -> Iterator[Misfit]:
    project, baselines = configuration.project, configuration.baselines
    columns = {"older": baselines.older, "human": baselines.human}
    yield from rival_misfits(project.label, project.task, columns, baselines.human_metric)
    train = configuration.train
    yield from number_misfits("train", {"seed": train.seed, "parameters": train.parameters})
    yield from number_misfits("baselines", {"human_level": baselines.human_level})
    business = configuration.business
    yield from number_misfits("business", {"target": business.target, "values": business.values})


def _baseline_rules(configuration: Configuration) -> tuple[_Rule, ...]:
    section = configuration.baselines
    asked = {check.baseline for check in configuration.checks if check.moment == "model"}
    has_older = section.older is not None or section.older_model is not None
    has_human = section.human is not None or section.human_level is not None
    return (
        (
            section.older is None or section.older_model is None,
            "baselines",
            "older and older_model are two older systems",
            "one of them",
        ),
        (
            section.human is None or section.human_level is None,
            "baselines",
            "human and human_level are two figures of the same",
            "one of them",
        ),
        (
            section.human_level is None
            or section.human_level <= 1
            or perfect(section.human_metric or "") != 1,
            "baselines",
            f"human_level is {section.human_level}, and 1 is perfect",
            "a share, such as 0.667 where people are right in 66.7 %",
        ),
        (
            section.human_level is None or section.human_metric is not None,
            "baselines",
            "human_level has no metric",
            'human_metric, such as "accuracy"',
        ),
        (
            has_older or "older" not in asked,
            "baselines",
            "a check names the baseline 'older', and none is declared",
            'older = "column", or older_model = "name@3"',
        ),
        (
            has_human or "human" not in asked,
            "baselines",
            "a check names the baseline 'human', and none is declared",
            'human = "column", or human_level = 0.9 with human_metric and human_source',
        ),
    )


def _monitor_rules(configuration: Configuration) -> tuple[_Rule, ...]:
    section = configuration.monitor
    return (
        (section.window > 0, "monitor", "window is not positive", "a number of predictions"),
        (section.minimum_rows > 0, "monitor", "minimum_rows is not positive", "a number of rows"),
        (section.drift_threshold >= 0, "monitor", "drift_threshold is out of range", "0 or more"),
        (0 < section.significance < 1, "monitor", "significance is out of range", "between 0 and 1"),
    )


@contextlib.contextmanager
def _placed(where: str) -> Iterator[None]:
    """Errors of what is declared at a place name the place."""
    try:
        yield
    except TilthError as error:
        raise ProjectError(error.what, where=where, expected=error.expected, mend=error.mend) from error
