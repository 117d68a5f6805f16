"""Estimators by name, fitted the same for the same rows in any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import TrainingError
from tilth.training import fit_estimator, make_estimator
from tilth.training.fitting import outputs_of
from tilth.training.order import canonical_order
from tilth.types import Task

ESTIMATORS: list[tuple[str, dict[str, object], Task]] = [
    ("lightgbm", {"n_estimators": 20, "subsample": 0.5, "subsample_freq": 1}, "binary"),
    ("lightgbm", {"n_estimators": 20, "colsample_bytree": 0.5}, "regression"),
    ("xgboost", {"n_estimators": 20, "subsample": 0.5}, "binary"),
    ("sklearn.linear_model.LogisticRegression", {}, "binary"),
    ("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 10}, "binary"),
    (
        "sklearn.neural_network.MLPRegressor",
        {"hidden_layer_sizes": [4], "max_iter": 3},
        "regression",
    ),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("name", "parameters", "task"), ESTIMATORS)
def test_same_rows_in_any_order_give_the_same_model(
    name: str, parameters: dict[str, object], task: Task, features: np.ndarray, signal: np.ndarray
) -> None:
    y = signal if task == "regression" else (signal > 0).astype(np.int64)
    shuffled = np.random.default_rng(0).permutation(len(y))
    dev = {"X_dev": features[:100], "y_dev": y[:100]}
    classes = 0 if task == "regression" else 2
    said = [
        outputs_of(
            fit_estimator(make_estimator(name, parameters, task=task, seed=5), X, labels, **dev),
            features,
            classes,
        )
        for X, labels in ((features, y), (features, y), (features[shuffled], y[shuffled]))
    ]
    assert np.array_equal(said[0], said[1])
    assert np.array_equal(said[0], said[2])


def test_lightgbm_does_not_depend_on_the_number_of_threads(features: np.ndarray, signal: np.ndarray) -> None:
    y = (signal > 0).astype(np.int64)
    said = [
        outputs_of(
            fit_estimator(make_estimator("lightgbm", {"n_jobs": n}, task="binary"), features, y), features, 2
        )
        for n in (1, 2)
    ]
    assert np.array_equal(said[0], said[1])


def test_seed_matters_where_chance_does(features: np.ndarray, signal: np.ndarray) -> None:
    y = (signal > 0).astype(np.int64)
    said = [
        outputs_of(
            fit_estimator(
                make_estimator("lightgbm", {"subsample": 0.3, "subsample_freq": 1}, task="binary", seed=seed),
                features,
                y,
            ),
            features,
            2,
        )
        for seed in (1, 2)
    ]
    assert not np.array_equal(said[0], said[1])


def test_estimator_given_is_not_changed(features: np.ndarray, signal: np.ndarray) -> None:
    estimator = make_estimator("sklearn.linear_model.Ridge", task="regression")
    fit_estimator(estimator, features, signal)
    assert not hasattr(estimator, "coef_")


@pytest.mark.parametrize(
    ("name", "attribute"), [("lightgbm", "best_iteration_"), ("xgboost", "best_iteration")]
)
def test_boosting_stops_when_more_trees_do_not_help(name: str, attribute: str, features: np.ndarray) -> None:
    noise = np.random.default_rng(1).integers(0, 2, len(features))
    estimator = fit_estimator(
        make_estimator(name, task="binary"),
        features[:200],
        noise[:200],
        X_dev=features[200:],
        y_dev=noise[200:],
    )
    assert getattr(estimator, attribute) < 20


def test_dev_rows_of_unknown_classes_are_no_obstacle(features: np.ndarray, signal: np.ndarray) -> None:
    codes = np.digitize(signal, [-0.5, 0.5])
    learned = codes < 2
    estimator = fit_estimator(
        make_estimator("lightgbm", {"n_estimators": 5}, task="multiclass"),
        features[learned],
        codes[learned],
        X_dev=features,
        y_dev=codes,
    )
    assert outputs_of(estimator, features, 3)[:, 2].max() == 0


@given(st.permutations(list(range(30))))
def test_canonical_order_depends_on_contents_only(order: list[int]) -> None:
    random = np.random.default_rng(2)
    X = random.integers(0, 3, (30, 2)).astype(np.float32)
    y = random.integers(0, 2, 30)
    X[3, 0], X[4, 0] = np.nan, -0.0
    moved_X, moved_y = X[order], y[order]
    first, second = canonical_order(X, y), canonical_order(moved_X, moved_y)
    assert np.array_equal(X[first], moved_X[second], equal_nan=True)
    assert np.array_equal(y[first], moved_y[second])


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("lightgbn", "binary", "no estimator 'lightgbn'"),
        ("sklearn.linear_modle.Ridge", "regression", "no estimator 'sklearn.linear_modle.Ridge'"),
        ("sklearn.linear_model.LogisticRegresion", "binary", "has no class 'LogisticRegresion'"),
        ("os.path.join", "binary", "has no class 'join'"),
        ("sklearn.linear_model.", "binary", "has no class ''"),
        ("../../evil.X", "binary", "no estimator"),
        ("sklearn.preprocessing.StandardScaler", "binary", "is not an estimator"),
        ("sklearn.linear_model.Ridge", "binary", "is not a classifier"),
        ("sklearn.linear_model.LogisticRegression", "regression", "is not a regressor"),
        ("sklearn.svm.LinearSVC", "binary", "gives no probabilities"),
    ],
)
def test_unknown_or_unfit_estimators_are_refused(name: str, task: Task, words: str) -> None:
    with pytest.raises(TrainingError, match=words) as caught:
        make_estimator(name, task=task)
    assert caught.value.where == "[train] estimator"


def test_misspelt_class_is_corrected() -> None:
    with pytest.raises(TrainingError) as caught:
        make_estimator("sklearn.linear_model.LogisticRegresion", task="binary")
    assert caught.value.mend == "did you mean 'sklearn.linear_model.LogisticRegression'?"


@pytest.mark.parametrize(
    ("name", "parameter", "near"),
    [
        ("lightgbm", "num_leafs", "num_leaves"),
        ("sklearn.ensemble.RandomForestClassifier", "n_estimator", "n_estimators"),
    ],
)
def test_misspelt_parameter_is_corrected(name: str, parameter: str, near: str) -> None:
    with pytest.raises(TrainingError, match=f"no parameter '{parameter}'") as caught:
        make_estimator(name, {parameter: 3}, task="binary")
    assert caught.value.mend == f"did you mean '{near}'?"


def test_lightgbm_takes_its_other_names_of_parameters(features: np.ndarray, signal: np.ndarray) -> None:
    parameters = {"num_iterations": 7, "lambda_l2": 1.0}
    estimator = make_estimator("lightgbm", parameters, task="regression")
    fitted = fit_estimator(estimator, features, signal)
    assert fitted.booster_.num_trees() == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("sklearn.linear_model.LogisticRegression", {"C": -1.0}),
        ("lightgbm", {"num_leaves": 1}),
        ("lightgbm", {"objective": "nonsense"}),
    ],
)
def test_refused_parameter_values_are_told(
    name: str, parameters: dict[str, object], features: np.ndarray, signal: np.ndarray
) -> None:
    with pytest.raises(TrainingError, match="cannot be fitted") as caught:
        fit_estimator(
            make_estimator(name, parameters, task="binary"), features, (signal > 0).astype(np.int64)
        )
    assert "[train.parameters]" in str(caught.value)


def test_missing_values_that_an_estimator_cannot_take_are_told(
    features: np.ndarray, signal: np.ndarray
) -> None:
    holes = features.copy()
    holes[0, 0] = np.nan
    with pytest.raises(TrainingError, match="LogisticRegression cannot be fitted") as caught:
        fit_estimator(
            make_estimator("sklearn.linear_model.LogisticRegression", task="binary"),
            holes,
            (signal > 0).astype(np.int64),
        )
    assert "fill missing values in features.py" in str(caught.value.mend)


def test_nothing_to_learn_from_is_told(features: np.ndarray, signal: np.ndarray) -> None:
    estimator = make_estimator("lightgbm", task="binary")
    y = (signal > 0).astype(np.int64)
    with pytest.raises(TrainingError, match="no rows to learn from"):
        fit_estimator(estimator, features[:0], y[:0])
    with pytest.raises(TrainingError, match="no features to learn from"):
        fit_estimator(estimator, features[:, :0], y)
    with pytest.raises(TrainingError, match="differ in length"):
        fit_estimator(estimator, features, y[:3])
    with pytest.raises(TrainingError, match="the same class"):
        fit_estimator(estimator, features, np.ones(len(y), np.int64))
