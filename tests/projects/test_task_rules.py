"""Which key goes with which task, and which metric may be declared for it."""

from __future__ import annotations

import pytest

from tilth.checks import Check
from tilth.errors import DataError, ProjectError, UsageError
from tilth.projects.declared_checks import refuse_unknown
from tilth.projects.first_checks import first_checks
from tilth.projects.first_label import first_label
from tilth.projects.task_rules import misfits
from tilth.tables import open_table
from tilth.types import Task


@pytest.mark.parametrize(
    ("task", "metrics"),
    [
        ("multilabel", ("micro_f1", "hamming_loss", "recall.sea", "auroc.sea", "macro_auroc")),
        ("ranking", ("ndcg_at_10", "ndcg", "mrr", "precision_at_5")),
    ],
)
def test_metrics_of_a_task_may_be_declared(task: Task, metrics: tuple[str, ...]) -> None:
    for metric in metrics:
        refuse_unknown(Check(metric, "model", low=0.1, baseline="linear"), task)
        refuse_unknown(Check(metric, "live", low=0.1, baseline="test"), task)


@pytest.mark.parametrize(
    ("task", "metric"),
    [("multilabel", "error_rate"), ("multilabel", "accuracy"), ("ranking", "confidence"), ("ranking", "r2")],
)
def test_metrics_of_another_task_are_refused(task: Task, metric: str) -> None:
    with pytest.raises(ProjectError, match=f"there is no metric '{metric}'"):
        refuse_unknown(Check(metric, "live", low=0.1), task)


def test_several_labels_have_a_confidence() -> None:
    refuse_unknown(Check("confidence", "live", low=0.1, baseline="test"), "multilabel")


def test_the_first_checks_of_every_task_can_be_judged() -> None:
    for task in ("binary", "multiclass", "regression", "multilabel", "ranking"):
        assert first_checks(task, small=True).count("[[checks]]") >= 7  # type: ignore[arg-type]


def test_keys_that_do_nothing_for_a_task_are_misfits() -> None:
    assert not list(misfits("ranking", group="query"))
    assert not list(misfits("multilabel", separator="|", calibration="sigmoid", threshold="f1"))
    assert [what for _, what, _ in misfits("binary", separator="|")] == ["separator does nothing for binary"]
    assert [what for _, what, _ in misfits("multilabel", separator="")] == ["separator is empty"]
    assert [where for where, _, _ in misfits("ranking", group="q", has_class_weights=True)] == ["train"]


def test_labels_of_new_data_are_found_out() -> None:
    lists = first_label(open_table({"tags": [["a"], [], None]}), "tags")
    assert (lists.task, lists.separator) == ("multilabel", None)
    assert (
        "1 rows without 'tags' are left out: a row that has none of the labels says so by an empty list"
        in (lists.notes)
    )
    texts = first_label(open_table({"tags": ["a;b", "b", ";"]}), "tags", separator=";")
    assert (texts.task, texts.classes) == ("multilabel", ("a", "b"))
    ranked = first_label(open_table({"clicks": [0, 1], "q": ["a", "a"]}), "clicks", group="q")
    assert (ranked.task, ranked.group) == ("ranking", "q")
    as_said = first_label(open_table({"clicks": [0, 1, 2]}), "clicks", task="regression")
    assert as_said.task == "regression"


def test_a_task_that_the_labels_do_not_fit_is_refused() -> None:
    table = open_table({"tags": [["a"], ["b"]], "n": [0.5, 1.5]})
    with pytest.raises(UsageError, match="the label is a list, which is not binary"):
        first_label(table, "tags", task="binary")
    with pytest.raises(UsageError, match="is not a class"):
        first_label(table, "n", task="multiclass")
    with pytest.raises(DataError, match="are no lists"):
        first_label(table, "n", task="multilabel")
