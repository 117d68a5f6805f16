"""A step: one typed function with declared inputs and outputs, and the graph that steps form by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tilth.checks import Verdict
from tilth.engines import Engine
from tilth.errors import CheckFailed, NotFoundError, UsageError
from tilth.metrics import Estimate
from tilth.projects import Project
from tilth.store import Artifact
from tilth.types import JSONObject

__all__ = ["Output", "Step", "StepContext", "StepResult", "in_order", "needed_for"]


@dataclass(frozen=True)
class Output:
    """What a step makes: the artifact's kind and the suffix of its file."""

    kind: str
    suffix: str


@dataclass(frozen=True)
class StepResult:
    """What a step says when it has written its outputs.

    Args:
        summary: one line for people.
        properties: what is worth recording with each output.
        metrics: numbers worth tracking with the run, with their intervals where they are known.
        curves: how numbers went while the step worked, iteration by iteration, under names like "dev.auc".
        verdicts: what the declared checks say, tracked with the run.
        failure: the check that did not hold; the outputs are kept, the run stops.
        unchanged: nothing had to be done; only for steps that are always carried out.
    """

    summary: str
    properties: Mapping[str, JSONObject] = field(default_factory=dict)
    metrics: Mapping[str, float | Estimate | None] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    failure: CheckFailed | None = None
    unchanged: bool = False


@dataclass(frozen=True)
class StepContext:
    """What a step may use: the project, its parameters, its input files, the places for its outputs.

    `engine` is where passes over all rows are made; None: in this process. `shared` is what the steps of one
    run need not make twice; it changes no result.
    """

    project: Project
    parameters: JSONObject
    artifacts: Mapping[str, tuple[Artifact, ...]]
    files: Mapping[str, tuple[Path, ...]]
    output: Mapping[str, Path]
    engine: Engine | None = None
    shared: dict[object, object] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """The file of an input that is exactly one artifact.

        Raises:
            NotFoundError: there is none; only where another version of Tilth recorded the inputs.
        """
        found = self.files[name]
        if not found:
            raise NotFoundError(f"this version of Tilth needs '{name}' for that")
        return found[0]

    def text(self, name: str) -> str:
        """The text of an input that is exactly one artifact."""
        return self.path(name).read_text(encoding="utf-8")

    def optional(self, name: str) -> Artifact | None:
        """The artifact of an input that may be absent."""
        found = self.artifacts[name]
        return found[0] if found else None


@dataclass(frozen=True)
class Step:
    """One node of the pipeline.

    Args:
        name: what the step does, a verb.
        inputs: the names of the artifacts that it reads.
        outputs: the names of the artifacts that it makes.
        run: the function; writes every output's file and says what it did.
        parameters: the part of the configuration that changes the result.
        always: carried out each time, since it depends on more than its inputs.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, Output]
    run: Callable[[StepContext], StepResult]
    parameters: Callable[[Project], JSONObject] = lambda _: {}
    always: bool = False


def in_order(steps: Iterable[Step]) -> list[Step]:
    """The steps so that each comes after those whose outputs it reads.

    Raises:
        UsageError: two steps make the same artifact, or steps wait for each other.

    Example:
        >>> def run(context):
        ...     return StepResult("done")
        >>> b = Step("b", ("x",), {"y": Output("file", ".txt")}, run)
        >>> a = Step("a", (), {"x": Output("file", ".txt")}, run)
        >>> [step.name for step in in_order([b, a])]
        ['a', 'b']
    """
    given = list(steps)
    makers: dict[str, Step] = {}
    for step in given:
        for output in step.outputs:
            if output in makers:
                raise UsageError(f"the steps {makers[output].name} and {step.name} both make '{output}'")
            makers[output] = step
    by_name = {step.name: step for step in given}
    waits = {step.name: {makers[name].name for name in step.inputs if name in makers} for step in given}
    try:
        names = list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        raise UsageError(f"steps wait for each other: {' -> '.join(error.args[1])}") from error
    return [by_name[name] for name in names]


def needed_for(steps: Iterable[Step], last: str) -> list[Step]:
    """The steps that `last` needs, and `last` itself, in order.

    Raises:
        UsageError: no step of that name.
    """
    ordered = in_order(steps)
    names = [step.name for step in ordered]
    if last not in names:
        raise UsageError(f"there is no step '{last}'", expected=f"one of {', '.join(names)}")
    wanted = {last}
    for step in reversed(ordered):
        if step.name in wanted:
            wanted |= {other.name for other in ordered if set(other.outputs) & set(step.inputs)}
    return [step for step in ordered if step.name in wanted]
