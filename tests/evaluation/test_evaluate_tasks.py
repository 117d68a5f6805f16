"""`evaluate` for several labels and for rankings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score, ndcg_score

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.evaluation import Evaluation, evaluate

_TAGS = {
    "tags": [["sea", "sky"], ["sky"], [], ["sun"], None],
    "said": [["sky", "sea"], [], ["sky"], ["sun", "sun"], ["sky"]],
    "place": ["a", "a", "b", "b", "b"],
}


def test_lists_are_several_labels() -> None:
    found = evaluate(_TAGS, label="tags", prediction="said", slices=[["place"]])
    assert (found.task, found.classes, found.unlabeled) == ("multilabel", ("sea", "sky", "sun"), 1)
    assert found.metric("micro_f1") == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert found.metric("subset_accuracy") == 0.5
    assert found.metric("subset_accuracy", {"place": "a"}) == 0.5
    assert found.slices[0].confusion is None
    assert Evaluation.from_json(found.to_json()) == found
    assert "micro_f1" in found.report()


def test_texts_with_a_separator_are_the_same() -> None:
    texts = {
        "tags": ["sea|sky", " sky ", "|", "sun", None],
        "said": ["sky|sea", "|", "sky", "sun", "sky"],
    }
    found = evaluate(texts, label="tags", prediction="said", separator="|")
    wanted = evaluate(_TAGS, label="tags", prediction="said")
    assert found.slices == wanted.slices
    truth, said = (
        np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]),
        np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]),
    )
    assert found.metric("micro_f1") == pytest.approx(f1_score(truth, said, average="micro"))


def test_texts_without_a_separator_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing says what separates them"):
        evaluate({"a": ["x|y"], "b": ["x"]}, label="a", prediction="b", task="multilabel")


def test_a_score_column_is_not_for_several_labels() -> None:
    with pytest.raises(UsageError, match="a score needs two classes"):
        evaluate({**_TAGS, "p": [0.1] * 5}, label="tags", prediction="said", score="p")


def _queries(seed: int = 0) -> dict[str, list[object]]:
    random = np.random.default_rng(seed)
    rows = 200
    label = random.integers(0, 3, rows)
    return {
        "query": [f"q{at}" for at in random.integers(0, 20, rows)],
        "clicks": label.tolist(),
        "said": (label + random.normal(0, 1, rows)).tolist(),
        "device": random.choice(["phone", "desk"], rows).tolist(),
    }


def test_a_group_makes_it_a_ranking() -> None:
    data = _queries()
    found = evaluate(data, label="clicks", prediction="said", group="query", slices=[["device"]])
    assert (found.task, found.classes, found.encoding.group) == ("ranking", (), "query")
    clicks, said, queries = (np.array(data[name]) for name in ("clicks", "said", "query"))
    wanted = [ndcg_score([clicks[queries == q]], [said[queries == q]], k=10) for q in np.unique(queries)]
    assert found.metric("ndcg_at_10") == pytest.approx(np.mean(wanted))
    assert {result.name for result in found.slices[1:]} == {"device=phone", "device=desk"}
    assert Evaluation.from_json(found.to_json()) == found
    shuffled = np.random.default_rng(1).permutation(len(clicks))
    again = {name: [values[at] for at in shuffled] for name, values in data.items()}
    assert evaluate(again, label="clicks", prediction="said", group="query", slices=[["device"]]) == found


def test_what_cannot_be_ranked_is_told() -> None:
    data = {"query": ["a", "a", "b"], "clicks": [1, 0, 0], "said": [0.1, -0.2, 0.3]}
    found = evaluate(data, label="clicks", prediction="said", group="query")
    assert found.notes == ("1 of 2 groups have no relevant row and are left out",)
    with pytest.raises(DataError, match="the label -1 is negative"):
        evaluate({**data, "clicks": [1, -1, 0]}, label="clicks", prediction="said", group="query")
    with pytest.raises(DataError, match="nothing in 'query'"):
        evaluate({**data, "query": ["a", None, "b"]}, label="clicks", prediction="said", group="query")
    with pytest.raises(ColumnNotFoundError, match="querry"):
        evaluate(data, label="clicks", prediction="said", group="querry")
    with pytest.raises(UsageError, match="which rows are ranked together"):
        evaluate(data, label="clicks", prediction="said", task="ranking")
    with pytest.raises(UsageError, match="a group is for ranking"):
        evaluate(data, label="clicks", prediction="said", task="regression", group="query")
    with pytest.raises(UsageError, match="a separator is for several labels"):
        evaluate(data, label="clicks", prediction="said", task="regression", separator="|")


def test_groups_may_come_apart_in_batches() -> None:
    data = _queries()
    one = pa.table(data)
    whole = evaluate(one, label="clicks", prediction="said", group="query")
    parts = pa.concat_tables([one.slice(0, 70), one.slice(70, 60), one.slice(130)])
    assert evaluate(parts, label="clicks", prediction="said", group="query") == whole
