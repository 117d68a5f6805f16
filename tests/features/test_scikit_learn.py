"""Transform inside scikit-learn: its own checks, pipelines, searches, and what they hand around."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.validation import check_is_fitted

from tilth.errors import FeatureError, GraphError, UsageError
from tilth.features import Expression, Inputs, Transform


def standardized(x: Inputs) -> dict[str, Expression]:
    return {name: x[name].zscore() for name in x}


def categories(x: Inputs) -> dict[str, Expression]:
    return {"age": x["age"].fill_missing("median").zscore(), "job": x["job"].one_hot()}


ROWS = {"age": [20.0, None, 40.0, 60.0, 30.0, 50.0] * 5, "job": ["cook", "clerk", None] * 10}
LABEL = [0, 1, 0, 1, 1, 0] * 5


def scikit_learn_checks() -> Iterator[Any]:
    # Transform does not inherit from BaseEstimator: importing tilth.features must not import scikit-learn.
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimator Transform does not inherit")
        yield from estimator_checks_generator(Transform(standardized), mark="skip")


@pytest.mark.parametrize(
    ("estimator", "check"),
    [pytest.param(*each, id=getattr(each[1], "func", each[1]).__name__) for each in scikit_learn_checks()],
)
@pytest.mark.filterwarnings("ignore:Estimator Transform does not inherit")
def test_scikit_learn_finds_nothing_amiss(estimator: Any, check: Any) -> None:
    """All of its checks; none is expected to fail."""
    check(estimator)


def test_there_are_many_checks() -> None:
    assert len(list(scikit_learn_checks())) > 40


@pytest.mark.parametrize("rows", [pl.DataFrame(ROWS), pa.table(ROWS)], ids=["polars", "arrow"])
def test_a_pipeline_and_a_search_on_tables(rows: Any) -> None:
    pipeline = Pipeline([("features", Transform(categories)), ("model", LogisticRegression())])
    assert pipeline.fit(rows, LABEL).predict(rows).shape == (30,)
    assert pipeline[:-1].get_feature_names_out().tolist() == ["age", "job=cook", "job=clerk", "job=missing"]
    grid = {"features__features": [categories, standardized_age], "model__C": [0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(rows, LABEL)  # in other processes: pickled
    assert len(search.cv_results_["params"]) == 4
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert search.best_estimator_["features"].n_features_in_ == 2


def standardized_age(x: Inputs) -> dict[str, Expression]:
    return {"age": x["age"].fill_missing("mean").zscore()}


def test_constants_come_from_the_training_folds_alone() -> None:
    """What a scaler inside of a pipeline learns, and so each fold's score, is what scikit-learn's learns."""
    X, y = load_breast_cancer(return_X_y=True)
    ours, theirs = (
        cross_val_score(make_pipeline(step, LogisticRegression(max_iter=500)), X[:, :8], y, cv=4)
        for step in (Transform(standardized), StandardScaler())
    )
    assert ours == pytest.approx(theirs)


def test_a_search_over_the_steps_of_a_transformer() -> None:
    """Parameters of a transformer within are reached by their names, as in a pipeline."""
    steps = ColumnTransformer([("age", StandardScaler(), ["number"])])
    pipeline = make_pipeline(Transform(steps), LogisticRegression())
    rows = pl.DataFrame({"number": np.arange(30.0)})
    name = "transform__features__age__with_mean"
    search = GridSearchCV(pipeline, {name: [True, False]}, cv=2).fit(rows, LABEL)
    assert {params[name] for params in search.cv_results_["params"]} == {True, False}
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_as_a_part_of_others() -> None:
    rows = pl.DataFrame(ROWS)
    columns = ColumnTransformer([("t", Transform(standardized_age), ["age"]), ("u", "drop", ["job"])])
    assert columns.fit(rows).get_feature_names_out().tolist() == ["t__age"]
    union = FeatureUnion([("a", Transform(standardized_age)), ("b", Transform(categories))])
    assert union.fit_transform(rows).shape == (30, 5)


def test_set_output() -> None:
    rows = pl.DataFrame(ROWS)
    transform = Transform(categories).set_output(transform="polars").fit(rows)
    found = transform.transform(rows)
    assert isinstance(found, pl.DataFrame)
    assert found.columns == list(transform.feature_names)
    assert isinstance(clone(transform).fit_transform(rows), pl.DataFrame)
    assert isinstance(transform.set_output(transform="default").transform(rows), np.ndarray)
    with sklearn.config_context(transform_output="polars"):
        assert isinstance(Transform(categories).fit_transform(rows), pl.DataFrame)
    assert isinstance(Transform(categories).fit_transform(rows), np.ndarray)


def test_pickled_and_cloned() -> None:
    transform = Transform(standardized_age, forbidden={"label": "it is the label"}).fit(ROWS)
    again = pickle.loads(pickle.dumps(transform))
    assert np.array_equal(again.transform(ROWS), transform.transform(ROWS))
    assert again.to_onnx() == transform.to_onnx()
    copied = clone(transform)
    assert copied.get_params() == transform.get_params()
    with pytest.raises(FeatureError, match="the transform is not fitted"):
        copied.transform(ROWS)


def test_not_fitted_is_what_scikit_learn_calls_it() -> None:
    transform = Transform(standardized_age)
    with pytest.raises(NotFittedError):
        check_is_fitted(transform)
    for use in (transform.to_onnx, transform.get_feature_names_out, lambda: transform.transform(ROWS)):
        with pytest.raises(NotFittedError) as caught:
            use()
        assert isinstance(caught.value, FeatureError)
        assert "call fit(data) first" in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    check_is_fitted(transform.fit(ROWS))


def test_parameters() -> None:
    transform = Transform(standardized_age)
    assert transform.set_params(where="mine.py").get_params()["where"] == "mine.py"
    with pytest.raises(UsageError, match=r"no parameter 'wher'\n.*\n.*did you mean 'where'"):
        transform.set_params(wher="mine.py")
    assert repr(transform) == "Transform(features=standardized_age, where='mine.py', forbidden=None)"


def test_matrices_have_columns_x0_x1() -> None:
    matrix = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 7.0]])
    transform = Transform(lambda x: {"sum": x["x0"] + x["x1"], "gone": x["x1"].is_missing()}).fit(matrix)
    assert transform.transform(matrix)[:, 1].tolist() == [0, 1, 0]
    assert transform.transform(matrix.tolist())[[0, 2], 0].tolist() == [3, 12]
    assert transform.transform(matrix.astype(np.float32))[0, 0] == 3
    assert transform.transform({"x0": [1], "x1": [1]})[0, 0] == 2
    assert transform.get_feature_names_out(["a", "b"]).tolist() == ["sum", "gone"]
    with pytest.raises(ValueError, match="X has 3 features, but Transform is expecting 2"):
        transform.transform(np.ones((1, 3)))
    with pytest.raises(ValueError, match="input_features should have length"):
        transform.get_feature_names_out(["a"])
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        transform.transform(csr_array(matrix))
    texts = np.array([["a", 1.0], ["b", 2.0], [None, None]], dtype=object)
    mixed = Transform(lambda x: {"s": x["x0"].one_hot(), "n": x["x1"]}).fit(texts)
    assert mixed.feature_names == ("s=b", "s=a", "s=missing", "n")
    assert mixed.transform(texts)[0].tolist() == [0, 1, 0, 1]


def test_names_of_columns_are_kept() -> None:
    transform = Transform(standardized_age).fit(pl.DataFrame(ROWS))
    assert (transform.n_features_in_, transform.feature_names_in_.tolist()) == (2, ["age", "job"])
    assert transform.get_feature_names_out(["age", "job"]).tolist() == ["age"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transform.get_feature_names_out(["job", "age"])
    with pytest.raises(GraphError, match="needs the column 'age'"):
        transform.transform(pl.DataFrame({"job": ["cook"]}))


def test_importing_features_does_not_import_scikit_learn() -> None:
    code = (
        "import sys, tilth.features as f; t = f.Transform(lambda x: {'y': x['x']}).fit({'x': [1, 2]}); "
        "t.transform({'x': [1]}); t.apply({'x': [1]}); t.get_params(); repr(t); "
        "print('sklearn' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
