"""What a model owes by [evaluate]: fairness to groups, rows that it must pass, words that it never says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.checks import Check
from tilth.errors import DataError, ProjectError, UsageError
from tilth.evaluation import Evaluation, ScoredRows
from tilth.evaluation.fairness import Fairness, fairness_of, with_figures
from tilth.evaluation.must_pass import MustPass, must_pass
from tilth.evaluation.word_lists import Never, WordList, WordSearch
from tilth.inference import Graph
from tilth.metrics import Answered, Estimate, LabelEncoding
from tilth.pipelines.parts import Parts
from tilth.pipelines.scoring import Answers, answer, column
from tilth.pipelines.sources import digest_of_source, is_source
from tilth.pipelines.step import StepContext
from tilth.projects import Project
from tilth.projects.obligation_rules import implied_checks, set_name
from tilth.tables import Table, open_table
from tilth.types import JSONObject

__all__ = [
    "Obligations",
    "declared_and_implied",
    "must_pass_files",
    "obligation_parameters",
    "obligations",
    "with_gaps",
    "word_list_files",
]

_TOLERANCE = "tolerance"


@dataclass(frozen=True)
class Obligations:
    """What was measured of what a model owes.

    Args:
        fairness: of the protected attributes; None where none is declared.
        must_pass: one for each must-pass set.
        never: one for each word list.
    """

    fairness: Fairness | None = None
    must_pass: tuple[MustPass, ...] = ()
    never: tuple[Never, ...] = ()

    @property
    def figures(self) -> dict[str, Estimate]:
        """All that checks look up by name."""
        gaps = {} if self.fairness is None else self.fairness.metrics()
        passed = {found.metric: found.share for found in self.must_pass}
        return {**gaps, **passed, **{found.metric: found.count for found in self.never}}

    @property
    def warnings(self) -> list[str]:
        """Sentences on what went wrong, whatever a check allows."""
        failed = [f"must-pass set {found}" for found in self.must_pass if found.failed or not found.rows]
        return [*failed, *(f"word list {found}" for found in self.never if found.hits)]

    def to_json(self) -> JSONObject:
        """The outcome as JSON values, for the evaluation's document."""
        return {
            "fairness": None if self.fairness is None else self.fairness.to_json(),
            "must_pass": [found.to_json() for found in self.must_pass],
            "never": [found.to_json() for found in self.never],
        }


def obligations(
    context: StepContext,
    parts: Parts,
    encoding: LabelEncoding,
    graph: Graph,
    answers: Answers,
    found: Evaluation,
) -> Obligations:
    """Measure what a model owes.

    Args:
        context: of a step that reads the inputs "must_pass" and "never".
        parts: the dealt data.
        encoding: the task and its classes.
        graph: the model.
        answers: what it says of the test rows.
        found: what is measured of it there, on slices by the protected attributes too.

    Raises:
        ColumnNotFoundError: a must-pass set without the label or a column that the model needs.
        DataError: one that cannot be read, or whose labels are no labels of the model.
    """
    section = context.project.configuration.evaluate
    sets = zip(section.must_pass, context.files["must_pass"], strict=True)
    lists = zip(section.never, context.files["never"], strict=True)
    passed = tuple(_must_pass(context.project, name, path, parts, encoding, graph) for name, path in sets)
    _refuse_changed(context)
    return Obligations(
        _fairness(context.project, found),
        passed,
        tuple(_never(name, path, answers, encoding) for name, path in lists),
    )


def with_gaps(project: Project, found: Evaluation) -> Evaluation:
    """An evaluation with the gaps between groups among its metrics, so that a check can compare them."""
    fairness = _fairness(project, found)
    return found if fairness is None or not found.rows else with_figures(found, fairness.metrics())


def declared_and_implied(project: Project) -> list[Check]:
    """The checks on a model: those of tilth.toml, and those that must-pass sets and word lists are."""
    section, declared = project.configuration.evaluate, project.configuration.checks_at("model")
    return [*declared, *implied_checks(section.must_pass, section.never, declared)]


def must_pass_files(project: Project) -> list[Path]:
    """The must-pass sets, in order.

    Raises:
        ProjectError: one is not there.
    """
    paths = [(project.directory / path).resolve() for path in project.configuration.evaluate.must_pass]
    for path in paths:
        if not is_source(path):
            raise _missing(path, "must_pass", "a table with the label and what the model reads")
    return paths


def word_list_files(project: Project) -> list[Path]:
    """The word lists, in order.

    Raises:
        ProjectError: one is not there, or no text.
        DataError: one has no words.
    """
    paths = [(project.directory / path).resolve() for path in project.configuration.evaluate.never]
    for path in paths:
        if not path.is_file():
            raise _missing(path, "never", "a text with a word or phrase a line")
        WordList.from_text(path.stem, project.read_text(path), where=str(path))
    return paths


def obligation_parameters(project: Project) -> JSONObject:
    """The part of the configuration that changes what is measured here."""
    section = project.configuration.evaluate
    return {
        "weight": section.weight,
        "importance": dict(section.importance),
        "attributes": [list(keys) for keys in section.attributes],
        "must_pass": list(section.must_pass),
        "never": list(section.never),
        "small": section.minimum_rows,
    }


def _missing(path: Path, key: str, expected: str) -> ProjectError:
    return ProjectError(
        f"the file {path} is not there",
        where=f"tilth.toml, [evaluate] {key}",
        expected=expected,
        mend=f"put the file back or change {key}",
    )


def _refuse_changed(context: StepContext) -> None:
    """A set that changed while it was read is neither what was recorded nor what is there."""
    for artifact, path in zip(context.artifacts["must_pass"], context.files["must_pass"], strict=True):
        if digest_of_source(path)[0] != artifact.digest:
            raise DataError("the must-pass set changed while it was read", where=str(path), mend="run again")


def _fairness(project: Project, found: Evaluation) -> Fairness | None:
    section = project.configuration.evaluate
    return fairness_of(found, section.attributes, section.minimum_rows) if section.attributes else None


def _must_pass(
    project: Project, name: str, path: Path, parts: Parts, encoding: LabelEncoding, graph: Graph
) -> MustPass:
    table = _read(project, path, parts, graph)
    named, label = set_name(name), project.label
    if not table.rows:
        return MustPass(named, 0, 0, ())
    given = answer(graph, table, encoding)
    answered = Answered(_truth(table, label, encoding, path), given.predictions, given.scores)
    rows = ScoredRows(table, label, encoding, answered)
    return must_pass(named, rows, _tolerance(table) if encoding.is_number else None)


def _read(project: Project, path: Path, parts: Parts, graph: Graph) -> Table:
    """The table with its columns in the types that the model learned from."""
    wanted = [*graph.inputs, project.label]
    missing = project.configuration.data.missing
    open_table(str(path), missing=missing).select(wanted)
    types = {name: parts.table.columns[name] for name in wanted}
    return open_table(str(path), missing=missing, types=types)


def _truth(
    table: Table, label: str, encoding: LabelEncoding, path: Path
) -> npt.NDArray[np.int64] | npt.NDArray[np.float64]:
    values, where = column(table, label), f"{path}, column '{label}'"
    if values.null_count:
        raise DataError(f"{values.null_count:,} rows of a must-pass set have no label", where=where)
    try:
        return encoding.encode(values)
    except (DataError, UsageError) as error:
        raise DataError(error.what, where=where, expected=error.expected, mend=error.mend) from error


def _tolerance(table: Table) -> npt.NDArray[np.float64] | None:
    """By how much each number may be off, NaN where it is not said; None where the column is not there."""
    if table.columns.get(_TOLERANCE) not in ("int", "float"):
        return None
    values = column(table, _TOLERANCE).cast(pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), np.float64)


def _never(name: str, path: Path, answers: Answers, encoding: LabelEncoding) -> Never:
    """What of a word list is in the model's answers on the test rows."""
    search = WordSearch(WordList.from_text(set_name(name), path.read_text("utf-8-sig"), where=str(path)))
    search.update(_texts(answers, encoding))
    return search.result()


def _texts(answers: Answers, encoding: LabelEncoding) -> pa.Array:
    """What is said of each row in words."""
    if encoding.task == "multilabel":
        return pa.array(encoding.labels_of(answers.predictions), pa.list_(pa.string()))
    codes = pa.array(np.asarray(answers.predictions, np.int64))
    return pa.DictionaryArray.from_arrays(codes, pa.array(list(encoding.names), pa.string()))
