"""Rivals: an older system's and people's answers, measured on the same rows as the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.evaluation import Evaluation, SliceResult
from tilth.evaluation.business import value_matrix
from tilth.evaluation.importance import Weighing
from tilth.evaluation.targets import implausible_targets, implausible_value
from tilth.inference import Graph
from tilth.metrics import CustomMetric, Estimate, LabelEncoding, find_class
from tilth.pipelines.challenge import Champion, Duel, Incomparable, challenge
from tilth.pipelines.parts import Parts
from tilth.pipelines.scoring import Answers, answer, column, measure
from tilth.pipelines.step import StepContext
from tilth.projects import Project
from tilth.tables import Table
from tilth.tables.slicings import Slicing

__all__ = ["Rival", "answers_in", "called_out", "human_level", "rivals"]


@dataclass(frozen=True)
class Rival:
    """What a model is held against beside its baselines.

    Args:
        theirs: what is measured of its answers; None where it cannot be measured.
        mine: what is measured of the model on the same rows; None: there is no model yet.
        reason: why it cannot be measured.
    """

    theirs: Evaluation | None
    mine: Evaluation | None
    reason: str | None = None


def rivals(
    context: StepContext,
    parts: Parts,
    encoding: LabelEncoding,
    graph: Graph,
    found: Evaluation,
    slices: Slicing,
    weighing: Weighing | None = None,
    custom: Mapping[str, CustomMetric] | None = None,
) -> dict[str, Rival]:
    """The older system and the people that tilth.toml names under [baselines].

    Args:
        context: of a step that reads the files of the older model as "older", if there is one.
        parts: the dealt data.
        encoding: the task and its classes.
        graph: the model.
        found: what is measured of the model on all test rows.
        slices: groups of columns to slice by.
        weighing: how much rows count; default: all alike.
        custom: metrics of the project's own.

    Raises:
        ColumnNotFoundError: a column that the data do not have.
        DataError: answers that are no labels.
    """
    section, label = context.project.configuration.baselines, context.project.label
    test = parts.part("test")
    made: dict[str, Rival] = {}
    for name, given in (("older", section.older), ("human", section.human)):
        if given is not None:
            made[name] = _of_column(test, given, label, encoding, graph, slices, weighing, custom)
    if section.older_model is not None:
        older = Champion.read(context.files["older"])
        met = challenge(older, graph, parts, label, encoding, slices, weighing, custom)
        if isinstance(met, Incomparable):
            made["older"] = Rival(None, None, met.reason.replace("the champion", "the older model"))
        if isinstance(met, Duel):
            made["older"] = Rival(met.theirs, met.mine)
    level = human_level(context.project, encoding)
    if level is not None:
        made["human"] = Rival(level, found)
    return made


def called_out(
    project: Project,
    encoding: LabelEncoding,
    found: Evaluation | None,
    others: Mapping[str, Evaluation],
    counts: npt.NDArray[np.number] | None = None,
) -> Iterator[str]:
    """Sentences on the targets of checks and of [business] that nothing makes plausible.

    Args:
        project: whose targets.
        encoding: the task and its classes.
        found: what is measured of the model, if it is there yet.
        others: what is measured of its baselines.
        counts: (c,), how many rows of each class there are; default: those of the model's test rows.
    """
    configuration = project.configuration
    source = configuration.baselines.human_source
    yield from implausible_targets(configuration.checks_at("model"), others, found, source=source)
    business = configuration.business
    confusion = None if found is None else found.slices[0].confusion
    if counts is None and confusion is not None:
        counts = np.asarray(confusion).sum(axis=1)
    if counts is not None and business.values:
        values = value_matrix(business.values, encoding)
        human = others.get("human")
        said = implausible_value(business.target, values, counts, human, metric=business.metric)
        if said:
            yield said


def human_level(project: Project, encoding: LabelEncoding) -> Evaluation | None:
    """Human-level performance as tilth.toml gives it: an evaluation of one metric, on no rows."""
    section = project.configuration.baselines
    if section.human_level is None or section.human_metric is None:
        return None
    result = SliceResult({}, 0, {section.human_metric: Estimate(section.human_level)})
    return Evaluation(encoding.without_notes(), (result,))


def answers_in(
    values: pa.Array, encoding: LabelEncoding, where: str
) -> tuple[npt.NDArray[np.bool_], Answers]:
    """Answers in a column: labels, numbers, or of two classes the probability of the positive one.

    Args:
        values: n answers, some perhaps missing.
        encoding: the task and its classes.
        where: the name of the column.

    Returns:
        Which rows have an answer, (n,), and the answers of these.

    Raises:
        DataError: an answer that is none of these.

    Example:
        >>> known, answers = answers_in(pa.array(["no", None]), LabelEncoding("binary", ("no", "yes")), "x")
        >>> known.tolist(), answers.predictions.tolist()
        ([True, False], [0])
    """
    if encoding.task == "multilabel":
        return _label_lists(values, encoding, where)
    known = np.array([value is not None and value == value for value in values.to_pylist()], bool)
    given = [value for value, there in zip(values.to_pylist(), known, strict=True) if there]
    if encoding.is_number:
        return known, Answers(_numbers(given, where), None)
    if encoding.task == "binary" and given and all(isinstance(value, float) for value in given):
        scores = _numbers(given, where)
        if not np.isin(scores, (0.0, 1.0)).all() and scores.min() >= 0 and scores.max() <= 1:
            wide = np.column_stack([1 - scores, scores])
            return known, Answers((scores > 0.5).astype(np.int64), wide)
    codes = {value: _code(value, encoding, where) for value in set(given)}
    return known, Answers(np.array([codes[value] for value in given], np.int64), None)


def _label_lists(
    values: pa.Array, encoding: LabelEncoding, where: str
) -> tuple[npt.NDArray[np.bool_], Answers]:
    """Several labels a row, as lists or as texts like those of the label."""
    known = np.asarray(values.is_valid().to_numpy(zero_copy_only=False), np.bool_)
    try:
        return known, Answers(encoding.encode(values.filter(pa.array(known))), None)
    except (DataError, UsageError) as error:
        raise DataError(
            error.what,
            where=f"column '{where}', which [baselines] in tilth.toml names",
            expected=error.expected,
            mend=error.mend,
        ) from error


def _of_column(
    test: Table,
    name: str,
    label: str,
    encoding: LabelEncoding,
    graph: Graph,
    slices: Slicing,
    weighing: Weighing | None,
    custom: Mapping[str, CustomMetric] | None,
) -> Rival:
    """The answers in a column, and the model's on the rows that have one."""
    if name not in test.columns:
        raise ColumnNotFoundError(name, test.columns, where="[baselines] in tilth.toml")
    known, answers = answers_in(column(test, name), encoding, name)
    if not known.any():
        return Rival(None, None, f"no test row has an answer in '{name}'")
    rows = test.filter(known)
    theirs = measure(answers, rows, label, encoding, slices, weighing, custom)
    mine = measure(answer(graph, rows, encoding), rows, label, encoding, slices, weighing, custom)
    return Rival(theirs, mine)


def _code(value: object, encoding: LabelEncoding, where: str) -> int:
    found = find_class(value, encoding.classes)
    if found is None:
        raise DataError(
            f"the answer {value!r} is not a class of the label",
            where=f"column '{where}', which [baselines] in tilth.toml names",
            expected="one of " + ", ".join(encoding.names[:20]),
            mend="leave it missing where there is no answer",
        )
    return encoding.classes.index(found)


def _numbers(given: Sequence[object], where: str) -> npt.NDArray[np.float64]:
    try:
        found = np.array([float(str(value)) for value in given], np.float64)
    except ValueError as error:
        raise DataError(
            f"an answer is no number: {error}",
            where=f"column '{where}', which [baselines] in tilth.toml names",
            expected="numbers, as the label has them",
        ) from error
    return found
