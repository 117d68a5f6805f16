"""What single methods of feature selection compute, against other implementations and known answers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.feature_selection import f_classif, f_regression
from sklearn.linear_model import LogisticRegression, Ridge

from tilth.errors import UsageError
from tilth.training.selection.candidates import Candidates, FeatureBlock
from tilth.training.selection.contingency import chi_square, log_chi_square_tail, surplus_information
from tilth.training.selection.counts import candidate_counts, fewest_within_one_error
from tilth.training.selection.elimination import recursive_elimination
from tilth.training.selection.embedded import lasso, permutation_importance, tree_importance
from tilth.training.selection.figures import Figure
from tilth.training.selection.filters import anova_f, kendall, pearson, spearman
from tilth.training.selection.folds import deal_folds
from tilth.training.selection.judging import judged
from tilth.training.selection.logistic import fit_logistic
from tilth.training.selection.methods import METHODS, SCREENED, WIDE, find_methods, promising, screened
from tilth.training.selection.models import Learner, quick
from tilth.training.selection.redundancy import togetherness, without_redundant
from tilth.training.selection.stepwise import backward, forward
from tilth.training.selection.training import TrainingRows
from tilth.types import Task


def training_rows(
    X: np.ndarray, y: np.ndarray, task: Task = "binary", owners: list[int] | None = None
) -> TrainingRows:
    """Features (n, f) as they are, each a candidate unless said otherwise."""
    n, f = X.shape
    own = np.array(owners if owners is not None else range(f), np.int64)
    classes = 0 if task == "regression" else int(y.max()) + 1
    hashes = np.random.default_rng(5).integers(0, 2**63, n).astype(np.uint64)
    strata = np.zeros(n, np.int64) if task == "regression" else y.astype(np.int64)
    block = FeatureBlock(X.astype(np.float64), np.empty((0, f)), own, own)
    candidates = int(own.max()) + 1
    return TrainingRows(block, y, hashes, strata, task=task, classes=classes, candidates=candidates, seed=0)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(11)


def made(random: np.random.Generator, task: Task, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Six features, of which 0 and 2 tell of the label, 4 has ties and 5 is a number of few values."""
    X = random.normal(size=(n, 6))
    X[:, 4], X[:, 5] = np.round(X[:, 4]), random.integers(0, 3, n)
    signal = X[:, 0] + 0.6 * X[:, 2] + 0.3 * X[:, 5] + 0.5 * random.normal(size=n)
    if task == "regression":
        return X, signal
    return X, np.digitize(signal, [0.3] if task == "binary" else [-0.4, 0.8]).astype(np.int64)


# Filters, against SciPy and scikit-learn.


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_correlations_are_those_of_scipy(task: Task, random: np.random.Generator) -> None:
    X, y = made(random, task)
    rows = training_rows(X, y, task)
    for mine, theirs in ((pearson, stats.pearsonr), (spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        wanted = [abs(theirs(column, y).statistic) for column in X.T]
        assert mine(rows) == pytest.approx(wanted, abs=1e-10), mine.__name__


def test_with_several_classes_the_greatest_correlation_with_one_of_them_counts(
    random: np.random.Generator,
) -> None:
    X, y = made(random, "multiclass")
    rows = training_rows(X, y, "multiclass")
    for mine, theirs in ((pearson, stats.pearsonr), (spearman, stats.spearmanr), (kendall, stats.kendalltau)):
        wanted = [max(abs(theirs(column, y == code).statistic) for code in range(3)) for column in X.T]
        assert mine(rows) == pytest.approx(wanted, abs=1e-10), mine.__name__


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_f_is_that_of_the_analysis_of_variance(task: Task, random: np.random.Generator) -> None:
    X, y = made(random, task)
    assert anova_f(training_rows(X, y, task)) == pytest.approx(f_classif(X, y)[0], rel=1e-9)


def test_f_is_that_of_the_linear_model(random: np.random.Generator) -> None:
    X, y = made(random, "regression")
    assert anova_f(training_rows(X, y, "regression")) == pytest.approx(f_regression(X, y)[0], rel=1e-9)


def test_f_of_a_candidate_of_several_features_is_that_of_all_of_them(random: np.random.Generator) -> None:
    X, y = made(random, "regression")
    found = anova_f(training_rows(X, y, "regression", owners=[0, 0, 0, 1, 1, 1]))
    inside = np.column_stack([np.ones(len(y)), X[:, :3]])
    explained = 1 - np.var(y - inside @ np.linalg.lstsq(inside, y, rcond=None)[0]) / np.var(y)
    assert found[0] == pytest.approx((explained / 3) / ((1 - explained) / (len(y) - 4)))


def test_chi_square_ranks_as_scipy_does(random: np.random.Generator) -> None:
    X, y = made(random, "binary", 400)
    levels = np.column_stack([np.digitize(X[:, at], [-0.5, 0.5]) for at in range(6)])
    found = chi_square(training_rows(levels, y))
    tables = [np.histogram2d(c, y, (len(np.unique(c)), 2))[0] for c in levels.T]
    p_values = [stats.chi2_contingency(t[t.any(axis=1)], correction=False)[1] for t in tables]
    assert np.argsort(-found).tolist() == np.argsort(p_values).tolist()
    assert found == pytest.approx(-np.log(p_values), rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 81, 500])
def test_the_tail_of_chi_square_is_scipys_where_that_has_one(freedom: int) -> None:
    for share in (0.0, 0.2, 0.9, 1.0, 1.1, 2.0, 2.5):
        wanted = stats.chi2.logsf(share * freedom, freedom)
        assert log_chi_square_tail(share * freedom, freedom) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    far = [log_chi_square_tail(10.0**power, freedom) for power in range(4, 9)]
    assert far == sorted(far, reverse=True)
    assert far[-1] == pytest.approx(-0.5e8, rel=1e-2)


def test_information_is_that_of_the_table(random: np.random.Generator) -> None:
    y = random.integers(0, 2, 400)
    X = np.column_stack([y, 1 - y, random.integers(0, 2, 400)])
    found = surplus_information(training_rows(X, y))
    whole = stats.entropy(np.bincount(y), base=2)
    by_chance = 1 / (2 * 400 * np.log(2))
    assert found[:2] == pytest.approx([whole - by_chance] * 2, abs=1e-9)
    assert abs(found[2]) < 0.01


def test_a_one_hot_category_is_one_variable_of_the_table() -> None:
    codes = np.arange(300) % 3
    y = (codes > 0).astype(np.int64)
    one_hot = (codes[:, None] == np.arange(3)).astype(float)
    rows = training_rows(one_hot, y, owners=[0, 0, 0])
    rows.entries = np.zeros(3, np.int64)
    assert surplus_information(rows)[0] == pytest.approx(stats.entropy([1, 2], base=2), abs=0.01)


@pytest.mark.parametrize("score", [pearson, spearman, kendall, anova_f, chi_square, surplus_information])
def test_a_filter_says_nothing_of_what_does_not_vary(score: Any, random: np.random.Generator) -> None:
    X, y = made(random, "binary")
    X[:, 3] = 7.0
    assert np.isnan(score(training_rows(X, y))).tolist() == [False, False, False, True, False, False]


# Redundancy.


def test_of_two_columns_that_say_the_same_the_stronger_is_kept(random: np.random.Generator) -> None:
    X = random.normal(size=(300, 3))
    y = X[:, 0] + 0.5 * X[:, 1] + 0.1 * random.normal(size=300)
    X = np.column_stack([X[:, 0] + 0.2 * random.normal(size=300), X])  # a blurred copy of the next one
    rows = training_rows(X, y, "regression")
    assert sorted(without_redundant(rows, 0.9)) == [1, 2, 3]
    assert sorted(without_redundant(rows, 0.999)) == [0, 1, 2, 3]
    assert without_redundant(rows, 0.0) == [1]


def test_categories_that_tell_a_number_are_redundant_with_it(random: np.random.Generator) -> None:
    codes = random.integers(0, 5, 400)
    X = np.column_stack([(codes[:, None] == np.arange(5)).astype(float), codes, random.normal(size=400)])
    rows = training_rows(X, (codes > 2).astype(np.int64), owners=[0, 0, 0, 0, 0, 1, 2])
    assert len(without_redundant(rows, 0.9)) == 2


def test_columns_that_are_missing_together_are_not_redundant(random: np.random.Generator) -> None:
    missing = np.arange(200) % 25 == 0
    X = np.column_stack([random.normal(size=200), missing, random.normal(size=200), missing])
    rows = training_rows(X, (X[:, 0] > 0).astype(np.int64), owners=[0, 0, 1, 1])
    assert togetherness(rows)[0, 1] < 0.3
    assert sorted(without_redundant(rows, 0.5)) == [0, 1]


def test_many_levels_of_few_rows_are_not_redundant_by_chance(random: np.random.Generator) -> None:
    one_hot = (random.integers(0, 25, 40)[:, None] == np.arange(25)).astype(float)
    rows = training_rows(
        np.column_stack([one_hot, random.normal(size=40)]), np.arange(40) % 2, owners=[0] * 25 + [1]
    )
    assert togetherness(rows)[0, 1] < 0.6
    exact = training_rows(
        np.column_stack([one_hot, one_hot.argmax(axis=1)]), np.arange(40) % 2, owners=[0] * 25 + [1]
    )
    assert togetherness(exact)[0, 1] == pytest.approx(1.0)


# Wrappers.


def errors_by_fitting(rows: TrainingRows, features: list[int]) -> float:
    """What `forward` looks at, fitted fold by fold."""
    total = 0.0
    for fold in range(3):
        held = rows.folds == fold
        if not features:
            said = np.full((held.sum(), rows.targets.shape[1]), rows.targets[~held].mean(axis=0))
        else:
            model = Ridge(alpha=1.0).fit(rows.Z[~held][:, features], rows.targets[~held])
            said = np.asarray(model.predict(rows.Z[held][:, features])).reshape(held.sum(), -1)
        total += float(((said - rows.targets[held]) ** 2).sum())
    return total


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("owners", [None, [0, 0, 1, 2, 2, 3]])
def test_stepwise_takes_the_steps_that_fitting_each_model_would(
    task: Task, owners: list[int] | None, random: np.random.Generator
) -> None:
    X, y = made(random, task, 90)
    rows = training_rows(X, y, task, owners)
    candidates = list(range(len(rows.groups)))

    def error(members: list[int]) -> float:
        return errors_by_fitting(rows, [int(f) for at in members for f in rows.groups[at]])

    taken: list[int] = []
    while len(taken) < len(candidates):
        left = [at for at in candidates if at not in taken]
        taken.append(min(left, key=lambda at: error([*taken, at])))
    assert forward(rows, candidates) == taken
    kept, gone = list(candidates), []
    while len(kept) > 1:
        worst = min(kept, key=lambda at: error([other for other in kept if other != at]))
        kept.remove(worst)
        gone.append(worst)
    assert backward(rows, candidates) == kept + gone[::-1]


def test_forward_takes_what_is_missing_not_what_is_strong(random: np.random.Generator) -> None:
    X = random.normal(size=(400, 2))
    y = (X.sum(axis=1) > 0).astype(np.int64)
    X = np.column_stack([X[:, 0] + 1e-3 * random.normal(size=400), X[:, 0], 0.9 * X[:, 1]])
    order = forward(training_rows(X, y), [0, 1, 2])
    assert 2 in order[:2]


@pytest.mark.parametrize("name", ["linear", "lightgbm", "sklearn.neighbors.KNeighborsClassifier"])
def test_elimination_keeps_what_counts(name: str, random: np.random.Generator) -> None:
    X, y = made(random, "binary", 400)
    learner = Learner(name, "binary", 2, 0)
    found = recursive_elimination(training_rows(X, y), learner, list(range(6)))
    assert sorted(found) == list(range(6))
    assert set(found[:2]) == {0, 2}


# Embedded.


def test_embedded_methods_see_what_tells(random: np.random.Generator) -> None:
    X, y = made(random, "binary", 400)
    rows = training_rows(X, y)
    learner = Learner("linear", "binary", 2, 0)
    permuted = permutation_importance(rows, learner, list(range(6)))
    for found in (tree_importance(rows), lasso(rows), permuted):
        assert set(np.argsort(-found)[:2]) == {0, 2}
    assert tree_importance(rows).sum() == pytest.approx(1.0)
    assert np.isnan(permutation_importance(rows, learner, [0, 1])[2:]).all()


def test_features_of_one_candidate_are_shuffled_together(random: np.random.Generator) -> None:
    """A number and its negative: shuffled apart each would matter less than both do together."""
    X = random.normal(size=(300, 1))
    y = (X[:, 0] > 0).astype(np.int64)
    twice = np.column_stack([X, -X])
    learner = Learner("linear", "binary", 2, 0)
    alone = permutation_importance(training_rows(X, y), learner, [0])[0]
    together = permutation_importance(training_rows(twice, y, owners=[0, 0]), learner, [0])[0]
    assert together == pytest.approx(alone, rel=0.1)


# Folds, counts, figures, the estimator.


def test_folds_are_balanced_and_copies_share_one(random: np.random.Generator) -> None:
    hashes = random.integers(0, 2**63, 300).astype(np.uint64)
    hashes[:40] = hashes[40:80]
    classes = (np.arange(300) % 3 == 0).astype(np.int64)
    classes[:40] = classes[40:80]
    found = deal_folds(hashes, classes, 5)
    assert np.array_equal(found[:40], found[40:80])
    shuffled = random.permutation(300)
    assert np.array_equal(deal_folds(hashes[shuffled], classes[shuffled], 5), found[shuffled])
    distinct = np.unique(
        np.column_stack([hashes, classes.astype(np.uint64), found.astype(np.uint64)]), axis=0
    )
    for code in (0, 1):
        sizes = np.bincount(distinct[distinct[:, 1] == code, 2].astype(np.int64), minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert not np.array_equal(found, deal_folds(hashes, classes, 5, seed=1))


def test_counts_go_up_to_all_or_a_hundred() -> None:
    assert candidate_counts(1) == [1]
    for candidates in (2, 7, 14, 30, 100, 5000):
        counts = candidate_counts(candidates)
        assert counts == sorted(set(counts))
        assert (counts[0], counts[-1]) == (1, min(candidates, 100))


def test_the_fewest_within_one_standard_error_are_kept() -> None:
    noise = np.tile([0.1, -0.1], 50)
    losses = {1: 1.0 + noise, 2: 0.505 + noise, 3: 0.5 - noise, 4: 0.5 + 0 * noise}
    # The second differs from the least by 0.005, and the standard error of that is 0.02.
    assert fewest_within_one_error([1, 2, 3, 4], losses.__getitem__) == 2
    losses[2] = losses[2] + 0.05
    assert fewest_within_one_error([1, 2, 3, 4], losses.__getitem__) == 3


def test_a_figure_has_the_corrected_error_and_a_student_interval() -> None:
    values = [0.91, 0.95, 0.93, 0.97]
    found = Figure.of(values, 1 / 3, greatest=1.0)
    error = np.sqrt(np.var(values, ddof=1) * (1 / 4 + 1 / 3))
    assert found.value == pytest.approx(0.94)
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(0.94 - stats.t.ppf(0.975, 3) * error)
    assert found.high == 1.0
    assert Figure.of([None, None], 0.25).to_json()["value"] is None
    assert Figure.of([0.5, None], 0.25).standard_error is None


def test_the_quick_logistic_regression_is_scikit_learns(random: np.random.Generator) -> None:
    X, y = made(random, "binary")
    mine = fit_logistic(X, y.astype(float))
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y)
    assert mine == pytest.approx(np.concatenate([theirs.intercept_, theirs.coef_[0]]), abs=1e-4)


def test_the_quick_logistic_regression_bears_separable_classes_and_wide_features() -> None:
    X = np.concatenate([np.linspace(-900, -800, 20), np.linspace(800, 900, 20)])[:, None]
    weights = fit_logistic(X, (X[:, 0] > 0).astype(float))
    assert np.isfinite(weights).all()
    assert weights[1] > 0


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["linear", "lightgbm"])
def test_a_learner_predicts_what_it_says(name: str, task: Task, random: np.random.Generator) -> None:
    X, y = made(random, task)
    classes = 0 if task == "regression" else int(y.max()) + 1
    with quick():
        found = Learner(name, task, classes, 0).fit(X, y, np.array([0, 2, 5])).outputs(X)
    if task == "regression":
        assert found.shape == (200, 1)
        assert np.corrcoef(found[:, 0], y)[0, 1] > 0.8
        return
    assert found.shape == (200, classes)
    assert found.sum(axis=1) == pytest.approx(np.ones(200))
    assert (found.argmax(axis=1) == y).mean() > 0.75
    if name == "linear":
        Z = (X[:, [0, 2, 5]] - X[:, [0, 2, 5]].mean(axis=0)) / X[:, [0, 2, 5]].std(axis=0)
        theirs = LogisticRegression(tol=1e-8, max_iter=1000).fit(Z, y)
        assert found == pytest.approx(theirs.predict_proba(Z), abs=1e-3)


def test_metrics_of_several_classes_are_means_over_classes() -> None:
    from sklearn.metrics import roc_auc_score

    from tilth.metrics import LabelEncoding

    random = np.random.default_rng(0)
    outputs = random.dirichlet([1, 1, 1], 60)
    codes = np.arange(60) % 3
    found = judged(outputs, codes, LabelEncoding("multiclass", ("a", "b", "c")))
    assert found["auroc"] == pytest.approx(roc_auc_score(codes, outputs, multi_class="ovr"))
    assert found["accuracy"] == pytest.approx((outputs.argmax(axis=1) == codes).mean())


# What methods may look at.


def test_of_many_candidates_few_are_looked_at(random: np.random.Generator) -> None:
    X = random.normal(size=(120, WIDE + 60))
    y = (X[:, 7] + X[:, 230] > 0).astype(np.int64)
    rows = training_rows(X, y)
    looked_at = promising(rows)
    assert looked_at is not None
    assert len(looked_at) == WIDE
    assert {7, 230} <= set(looked_at)
    assert len(screened(rows)) == SCREENED
    assert {7, 230} <= set(screened(rows))
    assert promising(training_rows(X[:, :50], y)) is None


def test_a_method_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'pearson'"):
        find_methods(["pearsen"])
    with pytest.raises(UsageError, match="no method is named"):
        find_methods([])
    assert find_methods(None) == list(METHODS)


# Candidates.


def test_the_features_of_one_column_are_one_candidate_and_a_cross_is_its_own() -> None:
    table = pa.table({"a": [1.0, 2.0, None, 4.0], "s": ["x", "y", "x", "x"], "b": [2.0, 2.0, 1.0, 0.0]})
    found = Candidates(
        lambda x: {
            "a": x["a"].fill_missing("mean"),
            "ab": x["a"].fill_missing(0) * x["b"],
            "s": x["s"].one_hot(),
            "no a": x["a"].is_missing(),
        },
        {"a": "float", "s": "string", "b": "float"},
    )
    assert [item.name for item in found.items] == ["a", "ab", "s"]
    assert found.items[1].columns == ("a", "b")
    train = np.array([True, True, False, False])
    labels = np.array(["no", "yes", "no", "yes"], object)
    block = found.fit(table, train, labels)
    assert block.train.shape[0] == block.test.shape[0] == 2
    own = np.flatnonzero(block.owners == 0)
    # The mean of the training rows, 1.5, is what the missing value of the other rows becomes.
    assert block.test[:, own].tolist() == [[1.5, 1.0], [4.0, 0.0]]
    alone = found.fit(table, train, labels, only=[2])
    assert set(alone.owners) == {2}


def test_a_feature_that_has_no_value_to_learn_from_is_left_out() -> None:
    table = pa.table({"a": [None, None, 3.0, 4.0], "b": [2.0, 3.0, 1.0, 0.0]})
    found = Candidates(
        lambda x: {name: x[name].fill_missing("mean").zscore() for name in ("a", "b")},
        {"a": "float", "b": "float"},
    )
    assert set(found.fit(table, np.array([True, True, False, False]), np.arange(4.0)).owners) == {1}


def test_small_fits_are_quiet() -> None:
    from sklearn.exceptions import ConvergenceWarning

    with quick():
        warnings.warn("not yet there", ConvergenceWarning, stacklevel=1)  # an error outside
