"""Spaces, proposals, aims, pruning and what a search has shown, on made-up scores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tilth.errors import TrainingError
from tilth.metrics import Answered, Estimate
from tilth.training import LabelEncoding, Recipe, Rows, learn, make_estimator
from tilth.training.networks.settings import check_settings
from tilth.training.tuning import (
    STANDARD_SPACES,
    Aim,
    Choice,
    Proposal,
    Pruned,
    Pruner,
    Range,
    Space,
    Trial,
    contains,
    grid_size,
    importances,
    lead_over,
    propose,
    standard_space,
)

SPACE: Space = {
    "rate": Range(0.01, 1.0, log=True),
    "leaves": Range(2, 100, log=True, whole=True),
    "kind": Choice(("a", "b")),
    "fixed": Choice((1,)),
}


def bowl(proposal: Proposal) -> float:
    """Best, 0, at rate 0.1 and kind b; leaves hardly matter."""
    given = proposal.parameters
    missed = abs(math.log10(float(given["rate"])) + 1) + (given["kind"] == "a")
    return -missed - float(given["leaves"]) / 10_000


def searched(
    spaces: dict[str, Space],
    trials: int,
    *,
    aim: Aim | None = None,
    seed: int = 0,
    score: Callable[[Proposal], float] = bowl,
    before: list[Trial] | None = None,
) -> list[Trial]:
    found = list(before or [])
    for number in range(len(found) + 1, trials + 1):
        proposal = propose(spaces, aim or Aim("auroc"), found, number, seed)
        assert proposal is not None
        size = float(proposal.parameters.get("leaves", 1)) / 10
        found.append(Trial(number, proposal, "complete", Estimate(score(proposal)), {"size_mb": size}))
    return found


def test_proposals_lie_in_their_space_and_get_better() -> None:
    trials = searched({"x": SPACE}, 60)
    assert all(contains(SPACE, trial.proposal.parameters) for trial in trials)
    first = np.mean([bowl(trial.proposal) for trial in trials[:10]])
    last = np.mean([bowl(trial.proposal) for trial in trials[-20:]])
    assert last > first / 2
    best = Aim("auroc").best(trials)
    assert best is not None
    assert bowl(best.proposal) > -0.1


def test_a_search_that_was_interrupted_goes_on_as_if_it_had_not_been() -> None:
    whole = searched({"x": SPACE}, 25)
    assert searched({"x": SPACE}, 25, before=whole[:14]) == whole
    assert searched({"x": SPACE}, 25, seed=1) != whole


def test_a_lower_aim_is_followed_downward() -> None:
    down = Aim("rmse", upward=False)
    trials = searched({"x": SPACE}, 40, aim=down, score=lambda proposal: -bowl(proposal))
    best = down.best(trials)
    assert best is not None
    assert bowl(best.proposal) > -0.2


def test_of_several_estimators_the_better_one_is_preferred() -> None:
    other: Space = {"C": Range(0.1, 10.0)}
    trials = searched({"x": SPACE, "y": other}, 50, score=lambda p: bowl(p) if p.estimator == "x" else -1.5)
    chosen = [trial.proposal.estimator for trial in trials[-20:]]
    assert chosen.count("x") > 12
    assert {trial.proposal.estimator for trial in trials} == {"x", "y"}


def test_bounds_are_kept_to_and_the_best_is_within_them() -> None:
    aim = Aim("auroc", constraints={"size_mb": 0.5})
    trials = searched({"x": SPACE}, 50, aim=aim, score=lambda p: bowl(p) + float(p.parameters["leaves"]))
    within = [trial.costs["size_mb"] <= 0.5 for trial in trials]
    assert sum(within[-20:]) > sum(within[:10])
    best = aim.best(trials)
    assert best is not None
    assert best.costs["size_mb"] <= 0.5
    assert best.score.value == max(t.score.value for t, fits in zip(trials, within, strict=True) if fits)
    assert Aim("auroc", constraints={"size_mb": 0.01}).best(trials) is None
    assert not aim.allows(Trial(1, trials[0].proposal, "complete", Estimate(1.0)))


def test_a_second_aim_gives_a_front() -> None:
    aim = Aim("auroc", second="size_mb")
    made = [(0.9, 5.0), (0.9, 4.0), (0.8, 4.5), (0.7, 1.0), (0.95, 9.0), (0.6, 1.0)]
    trials = [
        Trial(n, Proposal("x", {}), "complete", Estimate(score), {"size_mb": size})
        for n, (score, size) in enumerate(made)
    ]
    assert [trial.number for trial in aim.front(trials)] == [4, 1, 3]
    assert Aim("auroc").front(trials) == []
    both = searched({"x": SPACE}, 30, aim=aim)
    assert aim.front(both)


def test_few_combinations_are_gone_through_once_each() -> None:
    few: Space = {"depth": Range(1, 3, whole=True), "kind": Choice(("a", "b"))}
    assert grid_size({"x": few}) == 6
    trials = searched({"x": few}, 6, score=lambda _: 0.0)
    assert len({tuple(trial.proposal.parameters.items()) for trial in trials}) == 6
    assert propose({"x": few}, Aim("auroc"), trials, 7, 0) is None
    first = Trial(0, trials[2].proposal, "complete", Estimate(0.0))
    assert propose({"x": few}, Aim("auroc"), [first], 6, 0) is None


def test_trials_that_tell_nothing_do_no_harm() -> None:
    point = Proposal("x", {"rate": 0.1, "leaves": 5, "kind": "a", "fixed": 1})
    told: list[Trial] = [
        Trial(0, Proposal("x", {}), "complete", Estimate(0.5)),
        Trial(1, point, "failed", note="no"),
        Trial(2, point, "complete", Estimate(None)),
        Trial(3, point, "running"),
        Trial(4, point, "pruned", course=((0, 1.0), (2, 0.5))),
        Trial(5, point, "pruned"),
        Trial(6, Proposal("gone", {"rate": 0.1}), "complete", Estimate(0.5)),
        Trial(7, Proposal("x", {**point.parameters, "rate": 7.0}), "complete", Estimate(0.5)),
    ]
    found = propose({"x": SPACE}, Aim("auroc"), told, 8, 0)
    assert found is not None
    assert contains(SPACE, found.parameters)
    assert Aim("auroc").ranked(told)[0].number == 0


@pytest.mark.parametrize("name", sorted(STANDARD_SPACES))
def test_every_standard_space_is_one_that_the_estimator_takes(name: str) -> None:
    task = "regression" if name.endswith(("Regressor", "Ridge", "Lasso", "ElasticNet", "SVR")) else "binary"
    space = standard_space(name, stops_early=True)
    for at in (0, -1):
        ends = {
            key: values.values[at]
            if isinstance(values, Choice)
            else values.tidied((values.low, values.high)[at])
            for key, values in space.items()
        }
        if name == "network":
            check_settings(ends)
            continue
        make_estimator(name, ends, task=task)  # type: ignore[arg-type]


def test_an_estimator_without_a_known_space_asks_for_one() -> None:
    with pytest.raises(TrainingError, match=r"not known which parameters of 'train\.py'"):
        standard_space("train.py")


def course(*losses: float) -> tuple[tuple[int, float], ...]:
    return tuple(enumerate(losses))


def others(count: int) -> list[Trial]:
    return [
        Trial(n, Proposal("x", {}), "complete", Estimate(0.9), course=course(*(0.5 + n / 100,) * 20))
        for n in range(count)
    ]


def watched(pruner: Pruner, loss: float, metric: str = "dev.log_loss") -> int | None:
    """At which iteration a fitting is ended that stays at one loss."""
    for iteration in range(20):
        try:
            pruner(iteration, {"train.log_loss": 0.1, metric: loss})
        except Pruned:
            return iteration
    return None


def test_a_trial_behind_the_median_is_pruned_and_one_ahead_is_not() -> None:
    assert watched(Pruner(others(7), Aim("auroc"), "x"), 0.54) == 3
    assert watched(Pruner(others(7), Aim("auroc"), "x"), 0.53) is None
    assert watched(Pruner(others(7), Aim("auroc"), "x"), -0.54, "dev.auc") == 3
    assert watched(Pruner(others(7), Aim("auroc"), "x"), -0.53, "dev.auc") is None
    assert watched(Pruner(others(4), Aim("auroc"), "x"), 0.9) is None
    assert watched(Pruner(others(7), Aim("auroc"), "y"), 0.9) is None
    assert watched(Pruner(others(7), Aim("auroc", second="size_mb"), "x"), 0.9) is None
    assert watched(Pruner(others(7), Aim("auroc", prune=False), "x"), 0.9) is None
    assert watched(Pruner(others(7), Aim("auroc", constraints={"size_mb": 1.0}), "x"), 0.9) is None
    assert watched(Pruner(others(7), Aim("auroc"), "x"), 0.9, "train.auc") is None


def test_the_pruned_count_as_far_as_they_came() -> None:
    """Else the bar would be that of survivors alone."""
    behind = [
        Trial(10 + n, Proposal("x", {}), "pruned", course=course(*(0.9,) * length))
        for n, length in enumerate((4, 4, 4, 4, 4, 4, 4, 2))
    ]
    assert watched(Pruner([*others(7), *behind], Aim("auroc"), "x"), 0.6) == 9
    assert watched(Pruner(others(7), Aim("auroc"), "x"), 0.6) == 3


def test_a_loss_that_is_no_number_is_no_loss() -> None:
    pruner = Pruner(others(7), Aim("auroc"), "x")
    assert watched(pruner, math.nan) == 3
    assert pruner.course == ()
    kept = Pruner([], Aim("auroc"), "x")
    for iteration, loss in enumerate([0.5, math.nan, math.inf, 0.4]):
        kept(iteration, {"dev.log_loss": loss})
    assert kept.course == ((0, 0.5), (1, 0.5), (2, 0.5), (3, 0.4))


def test_small_steps_are_not_behind_for_being_small() -> None:
    """With a tenth of the learning rate a fitting is as far after ten times the iterations."""
    fast, slow = Pruner([], Aim("auroc"), "x", 0.25), Pruner([], Aim("auroc"), "x", 0.025)
    for iteration in range(50):
        fast(iteration, {"dev.l2": 1 / (1 + 0.25 * (iteration + 1))})
    for iteration in range(500):
        slow(iteration, {"dev.l2": 1 / (1 + 0.025 * (iteration + 1))})
    assert [step for step, _ in fast.course] == [step for step, _ in slow.course]
    assert np.allclose([loss for _, loss in fast.course], [loss for _, loss in slow.course])


@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost"])
def test_boosting_is_ended_by_who_watches_it(estimator: str) -> None:
    if estimator == "xgboost":
        pytest.importorskip("xgboost")
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 3)).astype(np.float32)
    y = (X[:, 0] + random.normal(size=400) > 0).astype(np.int64)
    train, dev = Rows(X[:300], y[:300]), Rows(X[300:], y[300:])
    recipe = Recipe(LabelEncoding("binary", (0, 1)), estimator, {"n_estimators": 30})
    seen: list[tuple[int, dict[str, float]]] = []
    learned = learn(recipe, train, dev, watch=lambda at, told: seen.append((at, dict(told))))
    assert [at for at, _ in seen] == list(range(len(seen)))
    (metric,) = learned.curves["dev"]
    assert [told[f"dev.{metric}"] for _, told in seen] == learned.curves["dev"][metric]
    unwatched = learn(recipe, train, dev)
    assert np.array_equal(unwatched.scores(X), learned.scores(X))
    assert learned.estimator.get_params() == unwatched.estimator.get_params()  # type: ignore[attr-defined]
    with pytest.raises(Pruned):
        learn(recipe, train, dev, watch=Pruner(_perfect(estimator), Aim("auroc"), estimator, 0.1))


def _perfect(estimator: str) -> list[Trial]:
    steps = course(*(0.0,) * 10)
    return [Trial(n, Proposal(estimator, {}), "complete", Estimate(1.0), course=steps) for n in range(5)]


def test_what_matters_is_found() -> None:
    trials = searched({"x": SPACE}, 40)
    found = importances({"x": SPACE}, Aim("auroc"), trials, "x")
    assert set(found) == {"rate", "leaves", "kind"}
    assert list(found)[-1] == "leaves"
    assert sum(found.values()) == pytest.approx(1)
    assert importances({"x": SPACE}, Aim("auroc"), trials[:7], "x") == {}
    assert importances({"x": SPACE}, Aim("auroc"), searched({"x": SPACE}, 9, score=lambda _: 1.0), "x") == {}


def test_the_best_of_many_equal_ones_is_told_to_be_chance() -> None:
    """Of 40 models that differ by chance alone, the best one's lead seldom counts as more than chance."""
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 500)

    def guess() -> Answered:
        return Answered(truth, np.where(random.random(500) < 0.8, truth, 1 - truth))

    alone, among = 0, 0
    for _ in range(40):
        now = guess()
        best = max((guess() for _ in range(40)), key=lambda each: (each.predictions == truth).mean())
        lead = lead_over(Aim("accuracy"), now, best, 40)
        alone += (lead.difference.low or 0) > 0
        among += bool(lead.is_more_than_chance)
    assert alone > 8
    assert among <= 3
    down = lead_over(Aim("log_loss", upward=False), now, best, 40)
    assert down.is_more_than_chance is None
    assert str(down) == "how much of it is chance is not known"
