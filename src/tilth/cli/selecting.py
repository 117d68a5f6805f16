"""The command that finds out which columns a model needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Seed, Source, read_text
from tilth.cli.output import Progress, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.errors import TrainingError, UsageError
from tilth.types import Task

if TYPE_CHECKING:
    from tilth.projects import Project
    from tilth.tables import Table

__all__ = ["select"]

_INSTEAD = {
    "missing": "say it in tilth.toml, under [data] missing",
    "exclude": "delete the lines of the column in features.py",
    "encoding": "save the project's data as UTF-8",
    "bad_rows": "correct the rows in the project's data",
}


def select(
    data: str | None = None,
    *,
    label: str | None = None,
    methods: Annotated[
        list[str] | None,
        Parameter(negative="", help="Which methods, joined by commas; default: all (see docs/selection.md)."),
    ] = None,
    count: int | None = None,
    folds: int = 5,
    repeats: int | None = None,
    seed: Seed = 0,
    estimator: str = "linear",
    features: Path | None = None,
    correlation: float = 0.9,
    rows: int | None = None,
    task: Task | None = None,
    positive: str | None = None,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Which columns a model needs: filters, wrappers and embedded methods against all columns.

    Args:
        data: A table; default: the training rows of the project in --dir, with its features.py.
        label: The column to predict.
        count: How many columns to keep; default: found out on the training folds.
        folds: How many folds the rows are dealt to.
        repeats: How often they are dealt; default: twice, once for large tables.
        seed: Another seed deals and draws otherwise.
        estimator: What columns are tried with: linear, lightgbm, or a dotted path such as
            sklearn.neighbors.KNeighborsClassifier.
        features: A features.py; default: the usual feature of each column.
        correlation: From which correlation on two columns are redundant.
        rows: How many rows to look at; default: 10,000.
        task: What is predicted; default: told from the labels.
        positive: The positive class of two.
    """
    from tilth.training.selection import MOST_ROWS
    from tilth.training.selection import select as find

    check_outputs([source.bad_rows], [data, features])
    text = None if features is None else read_text(features, "a features.py")
    options: dict[str, Any] = {"label": label, "positive": positive, "task": task, "features": text}
    if features is not None:
        options["where"] = str(features)
    if data is None:
        _check_project_options(source)
        table, found = _of_project(source.dir)
        options |= {name: value for name, value in found.items() if options.get(name) is None}
    elif label is None:
        raise UsageError(
            "which column is to be predicted?",
            expected="--label COLUMN",
            mend="tilth select DATA --label COLUMN",
        )
    else:
        table = source.table(data)
    with _named_as_given(), Progress("choices") as progress:
        selection = find(
            table,
            methods=None if methods is None else [name for text in methods for name in text.split(",")],
            count=count,
            folds=folds,
            repeats=repeats,
            seed=seed,
            estimator=estimator,
            correlation=correlation,
            rows=MOST_ROWS if rows is None else rows,
            progress=progress,
            **options,
        )
    if json:
        print_json(selection.to_json())
    else:
        print_text(selection.report())
    return 0


@contextmanager
def _named_as_given() -> Iterator[None]:
    """An estimator that is refused is named by the option that it came from, not by that of tilth.toml."""
    try:
        yield
    except TrainingError as error:
        if error.where == "[train] estimator":
            error.where = "--estimator"
        raise


def _check_project_options(source: Source) -> None:
    """A project says itself how its data are read: refuse what would be ignored."""
    for name, mend in _INSTEAD.items():
        if getattr(source, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} goes with DATA, and there is none",
                expected="tilth select DATA --label COLUMN, or the project's data as its files have them",
                mend=mend,
            )


def _of_project(folder: Path) -> tuple[Table, dict[str, Any]]:
    """The rows that a project trains on, and what it says of them. Its test rows stay unseen."""
    import numpy as np

    from tilth.projects import Project
    from tilth.tables import split

    project = Project.load(folder)
    table = project.data()
    parts = split(table, project.configuration.split.plan())
    train = table.filter(np.asarray(parts.dictionary_decode()) == "train")
    section = project.configuration.project
    return train, {
        "label": section.label,
        "task": section.task,
        "positive": section.positive,
        "features": project.read_text(project.features_path),
        "where": str(project.features_path),
        "forbidden": _forbidden(project),
    }


def _forbidden(project: Project) -> dict[str, str]:
    """The columns that are not known when a prediction is asked for."""
    reason = "the schema says that it is not known when the model is asked (not_in serving)"
    schema = project.schema()
    return {name: reason for name in schema.names if "serving" in schema[name].not_in}
