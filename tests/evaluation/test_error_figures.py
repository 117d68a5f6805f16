"""The four figures of a tag and the table of priorities, on numbers that are known."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.errors import UsageError
from tilth.evaluation.errors import (
    Circumstances,
    TagFigures,
    Tagged,
    checked_weight,
    prioritize,
    priority_table,
    tag_figures,
)
from tilth.metrics import Estimate


def _figures(tag: str, accuracy: float, share: float) -> TagFigures:
    rate = 1 - accuracy
    return TagFigures(tag, 0, 0, Estimate(0.1), Estimate(rate), Estimate(share), Estimate(rate * share), 1)


SPEECH = {
    # tag: accuracy, level of people, share of the data, room in points (E3)
    "clean": (0.94, 0.95, 0.60, 0.6),
    "car noise": (0.89, 0.93, 0.04, 0.16),
    "people noise": (0.87, 0.89, 0.30, 0.6),
    "low bandwidth": (0.70, 0.70, 0.06, 0.0),
}


def test_the_room_is_the_gap_to_people_times_the_share_of_the_data() -> None:
    figures = [_figures(tag, accuracy, share) for tag, (accuracy, _, share, _) in SPEECH.items()]
    said = {tag: {"hlp": hlp} for tag, (_, hlp, _, _) in SPEECH.items()}
    found = prioritize(figures, said, Circumstances(unstructured=True, error_rate=0.1))
    assert {each.tag: round(100 * (each.room or 0), 6) for each in found} == {
        tag: room for tag, (*_, room) in SPEECH.items()
    }
    assert [each.tag for each in found][-2:] == ["car noise", "low bandwidth"]
    assert found[-1].actions == ()  # nothing can be gained there


def test_ease_and_importance_move_a_tag() -> None:
    figures = [_figures("a", 0.9, 0.5), _figures("b", 0.9, 0.5)]
    said = {"a": {"hlp": 1.0, "ease": 1.0}, "b": {"hlp": 1.0, "ease": 3.0, "importance": 3.0}}
    first, second = prioritize(figures, said)
    assert (first.tag, first.room) == ("b", second.room)
    assert first.worth == pytest.approx(0.05 * 1.5 * 1.5)


def test_without_a_level_of_people_the_room_is_undefined_and_only_bounded() -> None:
    [found] = prioritize([_figures("a", 0.9, 0.5)], {})
    assert found.room is None
    assert found.worth is None
    assert found.most == pytest.approx(0.05)
    assert "<= 5.00" in priority_table([found])[1]


def test_a_model_better_than_people_has_no_room() -> None:
    [found] = prioritize([_figures("a", 0.9, 0.5)], {"a": {"hlp": 0.8}})
    assert found.room == 0


@pytest.mark.parametrize(("name", "value"), [("hlp", 95), ("ease", 0), ("importance", 4), ("hlp", -0.1)])
def test_figures_that_cannot_be_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} {value:g}"):
        checked_weight(name, value)


def _masks(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random(1000) < 0.2, random.random(1000) < 0.3


def test_four_figures_of_a_rule() -> None:
    wrong, rows = _masks()
    [found] = tag_figures(wrong, {"dark": Tagged(rows, np.ones(1000, bool), ("light < 3",))})
    assert found.share_of_errors.value == pytest.approx((rows & wrong).sum() / wrong.sum())
    assert found.error_rate.value == pytest.approx((rows & wrong).sum() / rows.sum())
    assert found.share_of_data.value == pytest.approx(rows.mean())
    assert found.room.value == pytest.approx((rows & wrong).mean())


def test_of_a_tag_for_mistakes_alone_two_figures_are_undefined() -> None:
    wrong, rows = _masks()
    [found] = tag_figures(wrong, {"dark": Tagged(rows & wrong, np.zeros(1000, bool))})
    assert found.error_rate.value is None
    assert found.share_of_data.value is None
    assert found.share_of_errors.value == pytest.approx((rows & wrong).sum() / wrong.sum())


def test_a_sample_of_right_rows_stands_for_all() -> None:
    wrong, rows = _masks()
    right = np.flatnonzero(~wrong)
    looked = np.zeros(1000, bool)
    looked[np.random.default_rng(1).permutation(right)[:300]] = True
    [found] = tag_figures(wrong, {"dark": Tagged(rows & (wrong | looked), looked)})
    for estimate, truth in (
        (found.error_rate, wrong[rows].mean()),
        (found.share_of_data, rows.mean()),
    ):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= truth <= estimate.high
        assert abs((estimate.value or 0) - truth) < 0.05


def test_weights_count() -> None:
    wrong = np.array([True, False])
    [found] = tag_figures(
        wrong, {"x": Tagged(np.array([True, False]), np.ones(2, bool))}, np.array([3.0, 1.0])
    )
    assert found.room.value == 0.75


def test_advice_says_which_figures_it_follows_from() -> None:
    rare = _figures("rare", 0.5, 0.01)
    [found] = prioritize([rare], {"rare": {"hlp": 0.99}}, Circumstances(True, 0.1, {"rare": 0.7}))
    assert [action for action, _ in found.actions] == ["fix labels", "collect", "augment"]
    assert "1.0 % of the data" in found.actions[1][1]
    [table] = prioritize([_figures("old", 0.8, 0.3)], {}, Circumstances(False, 0.1))
    assert [action for action, _ in table.actions] == ["add features"]
