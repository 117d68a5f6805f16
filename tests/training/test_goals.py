"""Decisions: the best threshold of all, the same in a graph, and what is said where none will do."""

from __future__ import annotations

import itertools

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from tilth.errors import CheckFailed, TrainingError
from tilth.metrics import LabelEncoding
from tilth.training.decision import Decision
from tilth.training.decision_graph import decision_nodes
from tilth.training.goals import decide
from tilth.types import Task

CREDIT = np.array([[0.0, -5.0], [0.0, 1.0]])
"""A bad applicant taken for good costs 5, a good one taken earns 1."""


def both(positive: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - positive, positive])


def cells(said: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[float, float, float, float]:
    """True and false positives, false and true negatives."""
    pairs = ((1, 1), (1, 0), (0, 1), (0, 0))
    tp, fp, fn, tn = (float(weights[(said == a) & (y == b)].sum()) for a, b in pairs)
    return tp, fp, fn, tn


def reached(said: np.ndarray, y: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    tp, fp, fn, tn = cells(said, y, weights)
    return {
        "precision": tp / (tp + fp) if tp + fp else -1.0,
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "value": tp * CREDIT[1, 1] + fp * CREDIT[0, 1] + fn * CREDIT[1, 0] + tn * CREDIT[0, 0],
    }


def all_cuts(positive: np.ndarray, y: np.ndarray, weights: np.ndarray) -> list[dict[str, float]]:
    """What every possible threshold reaches, one by one."""
    shown = positive.astype(np.float32).astype(float)
    bounds = [-1.0, *sorted(set(shown.tolist()))]
    return [reached((shown > bound).astype(int), y, weights) for bound in bounds]


def run(scores: np.ndarray, encoding: LabelEncoding, decision: Decision) -> np.ndarray:
    """The labels that a graph says."""
    classes = len(encoding.classes)
    nodes, constants, outputs = decision_nodes("scores", encoding, np.arange(classes), decision)
    given = helper.make_tensor_value_info("scores", TensorProto.DOUBLE, ["n", classes])
    graph = helper.make_graph(nodes, "decision", [given], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(["label"], {"scores": scores})[0]
    return found


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few rows with many ties, both classes among them, and whole weights."""
    size = draw(st.integers(2, 12))
    scores = draw(
        st.lists(st.sampled_from([0.0, 1e-9, 0.25, 0.25 + 1e-9, 0.3, 0.7, 1.0]), min_size=size, max_size=size)
    )
    y = draw(st.lists(st.integers(0, 1), min_size=size, max_size=size))
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=size, max_size=size))
    y[:2] = [0, 1]
    return np.array(scores), np.array(y), np.array(weights)


@given(rows())
@settings(max_examples=100)
def test_no_threshold_has_a_greater_f1(given_rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, y, weights = given_rows
    decision = decide("f1", both(scores), y, weights)
    found = reached(decision.codes(both(scores), "binary"), y, weights)
    assert found["f1"] == pytest.approx(max(cut["f1"] for cut in all_cuts(scores, y, weights)))
    assert decision.figures["f1"].value == pytest.approx(found["f1"])


@given(rows(), st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))
@settings(max_examples=100)
def test_of_the_thresholds_with_enough_recall_the_most_precise(
    given_rows: tuple[np.ndarray, np.ndarray, np.ndarray], bound: float
) -> None:
    scores, y, weights = given_rows
    decision = decide(f"recall >= {bound}", both(scores), y, weights)
    found = reached(decision.codes(both(scores), "binary"), y, weights)
    cuts = [cut for cut in all_cuts(scores, y, weights) if cut["recall"] >= bound and cut["precision"] >= 0]
    assert found["recall"] >= bound - 1e-12
    assert found["precision"] == pytest.approx(max(cut["precision"] for cut in cuts))
    best = [cut["recall"] for cut in cuts if cut["precision"] == pytest.approx(found["precision"])]
    assert found["recall"] == pytest.approx(max(best))


@given(rows(), st.sampled_from([0.1, 0.5, 0.75, 1.0]))
@settings(max_examples=100)
def test_of_the_thresholds_with_enough_precision_the_most_complete_or_none(
    given_rows: tuple[np.ndarray, np.ndarray, np.ndarray], bound: float
) -> None:
    scores, y, weights = given_rows
    cuts = [cut for cut in all_cuts(scores, y, weights) if cut["precision"] >= bound]
    if not cuts:
        with pytest.raises(CheckFailed, match=f"no threshold reaches precision >= {bound}"):
            decide(f"precision >= {bound}", both(scores), y, weights)
        return
    decision = decide(f"precision >= {bound}", both(scores), y, weights)
    found = reached(decision.codes(both(scores), "binary"), y, weights)
    assert found["precision"] >= bound - 1e-12
    assert found["recall"] == pytest.approx(max(cut["recall"] for cut in cuts))


@given(rows())
@settings(max_examples=100)
def test_no_threshold_is_worth_more(given_rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, y, weights = given_rows
    decision = decide("value", both(scores), y, weights, values=CREDIT)
    found = reached(decision.codes(both(scores), "binary"), y, weights)["value"]
    assert found == pytest.approx(max(cut["value"] for cut in all_cuts(scores, y, weights)))
    assert decision.figures["value"].value == pytest.approx(found / weights.sum())


@given(rows())
@settings(max_examples=30)
def test_order_does_not_matter_and_the_graph_says_the_same(
    given_rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    scores, y, weights = given_rows
    order = np.random.default_rng(len(scores)).permutation(len(scores))
    for goal in ("f1", "value", "recall >= 0.5"):
        decision = decide(goal, both(scores), y, weights, values=CREDIT)
        assert decision == decide(goal, both(scores)[order], y[order], weights[order], values=CREDIT)
        said = run(both(scores), LabelEncoding("binary", (0, 1)), decision)
        assert said.tolist() == decision.codes(both(scores), "binary").tolist()


def test_the_threshold_lies_in_the_middle_of_the_widest_room() -> None:
    scores = np.array([0.1, 0.2, 0.6, 0.62, 0.9])
    decision = decide("f1", both(scores), np.array([0, 0, 1, 1, 1]))
    assert decision.threshold == pytest.approx(0.4)
    # Both 0.61 and 0.76 are right for all three; the wider room is taken.
    scores, y = np.array([0.1, 0.6, 0.9]), np.array([0, 0, 1])
    assert decide("precision >= 1", both(scores), y).threshold == pytest.approx(0.75)


def test_all_or_nothing_can_be_worth_most() -> None:
    scores, y = np.array([0.0, 0.4, 1.0]), np.array([1, 1, 0])
    taking = decide("value", both(scores), y, values=np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert taking.codes(both(scores), "binary").tolist() == [1, 1, 1]
    refusing = decide("value", both(scores), y, values=np.array([[0.0, -9.0], [0.0, 1.0]]))
    assert refusing.codes(both(scores), "binary").tolist() == [0, 0, 0]


def test_one_score_for_all_rows_leaves_all_or_nothing() -> None:
    scores, y = np.full(10, 0.5), np.arange(10) % 2
    assert decide("f1", both(scores), y).codes(both(scores), "binary").tolist() == [1] * 10


def test_scores_that_single_precision_cannot_tell_apart_are_not_parted() -> None:
    scores = np.array([0.3, 0.3 + 1e-10, 0.1])
    decision = decide("precision >= 0.5", both(scores), np.array([0, 1, 0]))
    assert decision.figures["precision"].value == 0.5
    assert decision.codes(both(scores), "binary").tolist() == [1, 1, 0]


def test_an_unreachable_goal_says_what_can_be_reached() -> None:
    scores, y = np.linspace(0, 1, 101), np.arange(101) % 3 == 0
    with pytest.raises(CheckFailed) as caught:
        decide("precision >= 0.99", both(scores), (y & (scores < 1)).astype(int))
    assert "on the 101 dev rows" in caught.value.what
    assert caught.value.expected is not None
    assert "at most precision 0.5" in caught.value.expected
    assert "recall" in caught.value.expected


@pytest.mark.parametrize("goal", ["f1", "recall >= 0.9", "precision >= 0.9"])
@pytest.mark.parametrize("of", [0, 1])
def test_rows_of_one_class_tell_no_threshold(goal: str, of: int) -> None:
    with pytest.raises(TrainingError, match="all dev rows are of one class"):
        decide(goal, both(np.linspace(0, 1, 9)), np.full(9, of))


def test_rows_that_weigh_nothing_are_not_looked_at() -> None:
    scores, y = np.array([0.1, 0.4, 0.6, 0.9]), np.array([1, 0, 1, 0])
    weights = np.array([0.0, 1.0, 1.0, 0.0])
    assert decide("f1", both(scores), y, weights) == decide("f1", both(scores[1:3]), y[1:3])
    with pytest.raises(TrainingError, match="needs dev rows that count"):
        decide("f1", both(scores), y, np.zeros(4))


@pytest.mark.parametrize("goal", ["f2", "recall > 0.9", "recall >= 1.5", "recall >=", "accuracy >= 0.9", ""])
def test_what_is_no_goal_is_refused(goal: str) -> None:
    with pytest.raises(TrainingError, match="no goal"):
        decide(goal, both(np.array([0.1, 0.9])), np.array([0, 1]))


def test_value_needs_values() -> None:
    with pytest.raises(TrainingError, match="needs the value of each answer"):
        decide("value", both(np.array([0.1, 0.9])), np.array([0, 1]))


def test_of_several_classes_the_one_of_greatest_expected_value_is_said() -> None:
    random = np.random.default_rng(0)
    scores = random.dirichlet([1, 1, 1, 1], 500)
    y = np.array([random.choice(4, p=row) for row in scores])
    values = random.integers(-9, 9, (4, 4)).astype(float)
    decision = decide("value", scores, y, values=values)
    said = decision.codes(scores, "multiclass")
    assert said.tolist() == (scores @ values).argmax(axis=1).tolist()
    assert decision.figures["value"].value == pytest.approx(values[y, said].mean())
    assert values[y, said].mean() > values[y, scores.argmax(axis=1)].mean()
    assert decide("f1", scores, y).codes(scores, "multiclass").tolist() == scores.argmax(axis=1).tolist()


def test_goals_of_two_classes_are_refused_for_several() -> None:
    with pytest.raises(TrainingError, match="is for two classes, and there are 3"):
        decide("recall >= 0.5", np.full((3, 3), 1 / 3), np.array([0, 1, 2]))


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_expected_values_tie_exactly_and_alike_in_a_graph(classes: int) -> None:
    """Shares of sevenths and costs of tenths, whose plain sums would depend on their order."""
    shares = [s for s in itertools.product(range(8), repeat=classes) if sum(s) == 7]
    scores = np.array(shares[:4000]) / 7
    values = -0.1 * (1 - np.eye(classes)) * (1 + np.arange(classes)[:, None] % 2)
    decision = Decision(values=tuple(map(tuple, values.tolist())))
    task: Task = "binary" if classes == 2 else "multiclass"
    said = decision.codes(scores, task)
    labels = run(scores, LabelEncoding(task, tuple(range(classes))), decision)
    assert labels.tolist() == said.tolist()
    alone = [run(row[None], LabelEncoding(task, tuple(range(classes))), decision)[0] for row in scores[:20]]
    assert alone == said[:20].tolist()
    assert not decision.is_wrong(said, scores, np.zeros_like(scores), task).any()


def test_several_labels_have_a_threshold_each() -> None:
    scores = np.array([[0.2, 0.9], [0.3, 0.8], [0.6, 0.7], [0.7, 0.1]])
    y = np.array([[0, 1], [1, 0], [1, 0], [1, 0]])
    decision = decide("f1", scores, y)
    assert decision.thresholds == pytest.approx((0.25, 0.85))
    said = run(scores, LabelEncoding("multilabel", ("a", "b")), decision)
    assert said.tolist() == y.astype(bool).tolist()
    assert decision.codes(scores, "multilabel").tolist() == y.tolist()
    with pytest.raises(TrainingError, match="for one class a row"):
        decide("value", scores, y, values=CREDIT)


def test_a_label_without_examples_keeps_its_threshold() -> None:
    decision = decide("f1", np.array([[0.2, 0.9], [0.3, 0.8]]), np.array([[0, 0], [1, 0]]))
    assert decision.thresholds is not None
    assert decision.thresholds[1] == 0.5


def test_a_wrong_label_is_told_from_rounding() -> None:
    scores = np.array([[0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])
    slack = np.full((2, 3), 1e-5)
    assert Decision().is_wrong(np.array([2, 1]), scores, slack, "multiclass").tolist() == [False, False]
    assert Decision().is_wrong(np.array([1, -1]), scores, slack, "multiclass").tolist() == [True, True]
    near = np.array([[0.333333, 0.333331, 0.333336]])
    assert not Decision().is_wrong(np.array([0]), near, slack[:1], "multiclass").any()
    chosen = Decision(thresholds=(0.5, 0.25, 0.5))
    said = np.array([[0, 0, 1], [0, 1, 0]])
    wrong = chosen.is_wrong(said, scores, slack, "multilabel")
    assert wrong.tolist() == [[False, True, True], [False, False, False]]


def test_the_graph_says_its_rule() -> None:
    assert Decision(0.25).metadata("binary") == {"tilth.threshold": "0.25"}
    assert Decision(values=((1.0, 0.0), (0.0, 1.0))).metadata("binary") == {
        "tilth.values": "[[1.0, 0.0], [0.0, 1.0]]"
    }
    assert Decision(thresholds=(0.5, 0.25)).metadata("multilabel") == {"tilth.thresholds": "[0.5, 0.25]"}
    assert str(Decision(thresholds=(0.5, 0.25), goal="f1")) == "thresholds from 0.25 to 0.5 for f1"
