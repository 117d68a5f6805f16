"""The command that measures predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tilth
from tilth.cli.evaluation_pages import NO_PAGE, Page
from tilth.cli.inputs import AS_FOUND, Json, SliceKeys, Source, TaskOption, groups, named
from tilth.cli.output import print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.owing import NOTHING_OWED, Owing
from tilth.cli.own_metrics import OwnMetrics, read_metrics
from tilth.cli.seeking import NOTHING_SOUGHT, Seeking
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.evaluation import Evaluation, ScoredRows
    from tilth.metrics import LabelEncoding
    from tilth.pipelines import RecordedEvaluation
    from tilth.tables import Table
    from tilth.types import JSONObject

__all__ = ["evaluate"]


def evaluate(
    data: str | None = None,
    *,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    weight: str | None = None,
    slices: SliceKeys = None,
    positive: str | None = None,
    task: TaskOption = None,
    group: str | None = None,
    separator: str | None = None,
    model: str | None = None,
    engine: Literal["local", "ray"] = "local",
    metrics: OwnMetrics = None,
    owing: Owing = NOTHING_OWED,
    seeking: Seeking = NOTHING_SOUGHT,
    page: Page = NO_PAGE,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Metrics with intervals, by slice: of predictions that any model made, or of a registered model.

    Args:
        data: A table with labels and predictions; with --model one with labels, or none for the evaluation
            with which the model was registered.
        label: The column of true labels.
        prediction: The column of predictions.
        score: The column of the positive class's probability.
        weight: The column that says how much each row counts.
        positive: The positive class.
        group: For ranking, the column whose rows are ranked together.
        separator: For several labels in one text, what stands between them.
        model: A registered model: "census@champion", "census@3", "champion".
        engine: Where a table is measured: on this machine, or on a Ray cluster.
    """
    if model is not None:
        other = None if label is None or _is_label(label, source.dir) else label
        of_rows = {"--label": other, "--prediction": prediction, "--score": score, "--weight": weight}
        meaning = {"--positive": positive, "--task": task, "--group": group, "--separator": separator}
        _refuse_beside_model(of_rows | meaning, "the model says what it predicts, and from what")
        if data is None:
            _refuse_beside_model({"--slice": slices}, "what was recorded is not measured again: name DATA")
    seeking.check(data=data is not None or model is None)
    page.check()
    written = [page.html, seeking.flips, source.bad_rows]
    check_outputs(written, [data, metrics, *(owing.never or [])])
    if model is not None and any(written):
        check_outputs(written, project_files(source.dir))
    if model is not None and data is None:
        owing.refuse_without_data()
        if metrics is not None:
            raise UsageError("--metrics needs DATA: what was recorded is not measured again")
        recorded = _recorded(model, source.dir)
        page.write(recorded.to_json(), recorded.model, None)
        return _show(recorded.to_json(), [recorded.report()], json=json)
    if model is None and (data is None or label is None or (prediction is None and score is None)):
        if data is not None and label is None and owing.is_of_words_alone:
            page.refuse_without_labels()
            words = owing.search(source.table(data), None)
            return _show({"slices": [], **words.to_json()}, words.report(), json=json, failed=words.found)
        raise UsageError(
            "evaluate needs DATA with --label and --prediction (or --score), or --model",
            mend="tilth evaluate DATA --label y --prediction said, or tilth evaluate --model champion",
        )
    assert data is not None
    if model is not None:
        found = _evaluate_model(model, data, owing.slices(groups(slices)), metrics, source.dir)
        rows = partial(_model_rows, model, data, source.dir)
    else:
        from tilth.engines import find_engine

        assert label is not None
        table = source.table(data)
        found = tilth.evaluate(
            table,
            label=label,
            prediction=prediction,
            score=score,
            weight=weight,
            slices=owing.slices(groups(slices)),
            positive=positive,
            task=task,
            group=group,
            separator=separator,
            engine=None if engine == "local" else find_engine(engine),
            custom=read_metrics(metrics),
        )
        roles = {"label": label, "prediction": prediction, "score": score, "weight": weight}
        rows = partial(_rows, table, found.encoding, roles)
    found, fairness, told = owing.with_gaps(found.marked(seeking.minimum_rows), seeking.minimum_rows)
    sought, seen = seeking.find(rows, groups(slices))
    words = owing.search(source.table(data) if owing.never else None, prediction)
    document = {**found.to_json(), **fairness, **words.to_json(), **sought}
    page.write(document, named(data) if model is None else f"{model} on {named(data)}", rows)
    return _show(document, [found.report(), *told, *seen, *words.report()], json=json, failed=words.found)


def _is_label(column: str, folder: Path) -> bool:
    from tilth.projects import Project

    return Project.load(folder).label == column


def _refuse_beside_model(given: Mapping[str, object], why: str) -> None:
    """What would do nothing is a mistake."""
    unused = [name for name, value in given.items() if value]
    if unused:
        raise UsageError(f"{', '.join(unused)} beside --model: {why}", mend="leave it out")


def _show(document: JSONObject, told: Sequence[str], *, json: bool, failed: bool = False) -> int:
    """One JSON document, or text for people; the exit status."""
    if json:
        print_json(document)
    else:
        print_text("\n\n".join(told))
    return 1 if failed else 0


def _rows(table: Table, encoding: LabelEncoding, roles: Mapping[str, str | None]) -> ScoredRows:
    from tilth.evaluation import Scored

    return Scored.of(table, encoding=encoding, **roles).rows()  # type: ignore[arg-type] # a label there is


def _model_rows(model: str, data: str, folder: Path) -> ScoredRows:
    from tilth.pipelines.scored_parts import scored_data
    from tilth.projects import Project

    return scored_data(Project.load(folder), data, model).rows


def _recorded(model: str, folder: Path) -> RecordedEvaluation:
    from tilth.pipelines import recorded_evaluation
    from tilth.projects import Project

    return recorded_evaluation(Project.load(folder), model)


def _evaluate_model(
    model: str, data: str, slices: list[list[str]], metrics: Path | None, folder: Path
) -> Evaluation:
    from tilth.pipelines import evaluate_model
    from tilth.projects import Project

    custom = None if metrics is None else read_metrics(metrics)
    return evaluate_model(Project.load(folder), data, reference=model, slices=slices, custom=custom)
