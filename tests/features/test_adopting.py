"""scikit-learn's transformers as graphs: they do what scikit-learn does, or are refused with the reason."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from project_factory import hurried_project
from tilth.errors import FeatureError, UsageError
from tilth.features import Transform, load_features
from tilth.features.adoption import to_frame
from tilth.tables import open_table

RANDOM = np.random.default_rng(0)
N = 120


def with_gaps(values: list[Any], every: int) -> list[Any]:
    return [None if n % every == 0 else value for n, value in enumerate(values)]


COLUMNS: dict[str, list[Any]] = {
    "age": with_gaps(RANDOM.normal(40, 12, N).tolist(), 17),
    "edu num": RANDOM.normal(10, 3, N).tolist(),
    "income": RANDOM.lognormal(10, 1, N).tolist(),
    "rooms": RANDOM.integers(0, 5, N).tolist(),
    "children": with_gaps(RANDOM.integers(0, 4, N).tolist(), 3),
    "job": with_gaps(["clerk", "miner", "cook", "clerk", "pilot"] * (N // 5), 7),
    "city": ["Zürich", "Bern", "", "Genève"] * (N // 4),
    "words": ["The quick brown fox", "lazy dogs don't bark", "the QUICK one", "", "a"] * (N // 5),
    "member": [True, False, False] * (N // 3),
    "when": with_gaps([f"2024-01-{day:02}" for day in range(1, 31)] * (N // 30), 13),
    "label": [0, 1] * (N // 2),
}
TABLE = open_table(COLUMNS, types={"when": "datetime"})
NUMBERS = ["income", "rooms"]
GAPS = ["age", "children", "rooms", "when"]
TEXTS = ["job", "city"]


def on(step: Any, columns: Any, **options: Any) -> ColumnTransformer:
    return ColumnTransformer([("step", step, columns)], **options)


def made_by_both(transformer: Any, rows: Any = TABLE, marks: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """The features of rows by the graph, and by scikit-learn itself, fitted on the same frame."""
    transform = Transform(transformer).fit(TABLE)
    frame, shown = (
        to_frame(
            table.to_arrow(), {**table.columns}, dict.fromkeys(table.columns, marks or np.nan) | {"words": ""}
        )
        for table in (TABLE, open_table(rows))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theirs = transformer.fit(frame).transform(shown)
    return transform.transform(rows), theirs.toarray() if hasattr(theirs, "toarray") else np.asarray(theirs)


IGNORE = OneHotEncoder(handle_unknown="ignore")
RARE = {"handle_unknown": "infrequent_if_exist", "min_frequency": 25}
CODES: dict[str, Any] = {"handle_unknown": "use_encoded_value", "unknown_value": -1}

MIXED = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "edu num"]),
        ("texts", IGNORE, ["job"]),
        ("words", TfidfVectorizer(), "words"),
        ("rest", "passthrough", ["member", "rooms"]),
    ]
)

TRANSFORMERS = [
    *(on(step, NUMBERS) for step in ("passthrough", StandardScaler(), MinMaxScaler(), MaxAbsScaler())),
    *(
        on(step, NUMBERS)
        for step in (RobustScaler(), Normalizer(), PolynomialFeatures(2), Binarizer(threshold=3))
    ),
    *(on(step, NUMBERS) for step in (PCA(2), TruncatedSVD(2), IncrementalPCA(2), VarianceThreshold())),
    *(on(PowerTransformer(standardize=known), NUMBERS) for known in (True, False)),
    on(PowerTransformer(method="box-cox"), ["income"]),
    on(QuantileTransformer(n_quantiles=20), NUMBERS),
    *(
        on(KBinsDiscretizer(4, encode=encode, quantile_method="averaged_inverted_cdf"), ["income"])
        for encode in ("ordinal", "onehot", "onehot-dense")
    ),
    *(
        on(FunctionTransformer(function), NUMBERS)
        for function in (None, np.log1p, np.sqrt, np.square, np.abs)
    ),
    on(FunctionTransformer(np.tanh, feature_names_out="one-to-one"), NUMBERS),
    *(on(SimpleImputer(strategy=how), GAPS) for how in ("mean", "median", "most_frequent")),
    on(SimpleImputer(strategy="constant", fill_value=-1, add_indicator=True), GAPS),
    on(make_pipeline(SimpleImputer(add_indicator=True), PCA(3)), GAPS),
    on(SimpleImputer(missing_values=0), ["rooms"]),
    on(MissingIndicator(), GAPS),
    on(StandardScaler(), GAPS),
    on(IGNORE, ["children", "rooms"]),
    on(OrdinalEncoder(**CODES), ["children", "member"]),
    on(OrdinalEncoder(**{**CODES, "unknown_value": np.nan}, encoded_missing_value=-5), ["children"]),
    on(IGNORE, [*TEXTS, "rooms"]),
    on(OneHotEncoder(handle_unknown="ignore", drop="first", sparse_output=False), TEXTS),
    on(OneHotEncoder(handle_unknown="ignore", max_categories=3), TEXTS),
    on(OneHotEncoder(**RARE), TEXTS),
    on(OneHotEncoder(**RARE, drop="if_binary"), [*TEXTS, "rooms"]),
    on(OrdinalEncoder(**CODES, encoded_missing_value=-2, min_frequency=25), TEXTS),
    on(MissingIndicator(), TEXTS),
    on(make_pipeline(SimpleImputer(strategy="most_frequent"), IGNORE), TEXTS),
    on(make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), IGNORE), ["job"]),
    *(
        on(step, "words")
        for step in (CountVectorizer(), TfidfVectorizer(), TfidfVectorizer(stop_words=["the"]))
    ),
    MIXED,
    make_pipeline(on(make_pipeline(SimpleImputer(), StandardScaler()), GAPS), PCA(2)),
    FeatureUnion([("a", on(StandardScaler(), NUMBERS)), ("b", on(IGNORE, ["job"]))]),
    ColumnTransformer(
        [("a", MinMaxScaler(), NUMBERS), ("b", "passthrough", ["member"])], transformer_weights={"a": 3}
    ),
    ColumnTransformer([("a", StandardScaler(), slice("edu num", "rooms")), ("b", MinMaxScaler(), [3])]),
    on(
        ColumnTransformer([("a", StandardScaler(), ["rooms"]), ("b", IGNORE, ["job"])]),
        ["income", "job", "rooms"],
    ),
    ColumnTransformer([("o", IGNORE, TEXTS), ("d", "drop", ["words"])], remainder="passthrough"),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda each: " ".join(str(each).split())[:80])
def test_the_graph_does_what_scikit_learn_does(transformer: Any) -> None:
    got, wanted = made_by_both(transformer)
    assert got.dtype == np.float32
    assert got == pytest.approx(np.asarray(wanted, np.float64), rel=1e-5, abs=1e-5, nan_ok=True)


def test_missing_and_unseen_values_alike() -> None:
    steps = ColumnTransformer(
        [
            ("a", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["age", "rooms"]),
            ("b", make_pipeline(SimpleImputer(strategy="most_frequent"), IGNORE), ["job"]),
            ("c", IGNORE, ["city"]),
            ("d", OrdinalEncoder(**CODES, encoded_missing_value=-7), ["job"]),
        ]
    )
    rows = {
        **COLUMNS,
        "age": [None] * N,
        "rooms": [None] * N,
        "job": [None, "", "astronaut"] * 40,
        "city": [None, "Bern", "Ulm"] * 40,
    }
    got, wanted = made_by_both(steps, open_table(rows, types={"when": "datetime"}))
    assert got == pytest.approx(wanted, abs=1e-5)
    names = list(Transform(steps).fit(TABLE).feature_names)
    ordinal = got[:, names.index("d__job")]
    assert ordinal[:3].tolist() == [-7, -7, -1]
    assert got[:3, names.index("c__city_Bern")].tolist() == [0, 1, 0]


@pytest.mark.parametrize("mark", [None, ""])
def test_what_a_missing_text_is_may_be_said(mark: Any) -> None:
    """An imputer of None or of "" is given just that."""
    steps = on(make_pipeline(SimpleImputer(missing_values=mark, strategy="most_frequent"), IGNORE), ["job"])
    transform = Transform(steps).fit(TABLE)
    assert "step__job_clerk" in transform.feature_names
    seen = transform.transform({"job": [None, "", "clerk"]})
    assert (seen == seen[2]).all()


def test_one_row_is_as_in_bulk_and_inputs_are_raw_columns() -> None:
    transform = Transform(MIXED).fit(TABLE)
    graph = transform.graph
    assert graph.inputs == {
        "age": "float",
        "edu num": "float",
        "rooms": "float",
        "job": "string",
        "words": "string",
        "member": "float",
    }
    bulk = transform.transform(TABLE)
    rows = TABLE.to_arrow()
    for row in range(0, N, 17):
        assert np.array_equal(transform.transform(rows.slice(row, 1))[0], bulk[row], equal_nan=True)
    assert transform.transform(rows.slice(0, 0)).shape == (0, bulk.shape[1])
    assert transform.apply(TABLE).column_names == list(transform.feature_names)
    assert Transform(MIXED).fit(TABLE).to_onnx() == transform.to_onnx()


def test_a_fitted_one_keeps_its_constants() -> None:
    frame = pl.DataFrame({"income": [0.0, 10.0], "rooms": [0.0, 10.0], "unused": [1.0, 2.0]})
    fitted = on(MinMaxScaler(), ["income"]).fit(frame)
    transform = Transform(fitted).fit({"income": [3.0, 4.0]})  # the unused column need not be there
    assert transform.transform({"income": [5.0]}).tolist() == [[0.5]]
    whole = make_pipeline(MinMaxScaler()).fit(frame)
    assert Transform(whole).fit(frame).transform(frame)[1].tolist() == [1, 1, 1]
    with pytest.raises(FeatureError, match="fitted on an array"):
        Transform(MinMaxScaler().fit(np.ones((2, 1)))).fit(frame)


def test_columns_chosen_by_their_types() -> None:
    steps = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), make_column_selector(dtype_include=np.number)),
            ("texts", IGNORE, make_column_selector(dtype_include=object, pattern="job")),
        ],
        verbose_feature_names_out=False,
    )
    transform = Transform(steps, forbidden={"label": "it is the label"}).fit(TABLE)
    assert transform.feature_names[:6] == ("age", "edu num", "income", "rooms", "children", "job_clerk")


def test_all_columns_without_a_column_transformer() -> None:
    data = open_table({name: COLUMNS[name] for name in ("age", "children", "label")})
    transform = Transform(make_pipeline(SimpleImputer(), StandardScaler()), forbidden={"label": "no"}).fit(
        data
    )
    assert transform.feature_names == ("age", "children")
    assert transform.graph.inputs == {"age": "float", "children": "float"}


def test_a_step_that_learns_from_the_label() -> None:
    steps = on(SelectKBest(k=1), NUMBERS)
    rooms = np.array(COLUMNS["rooms"]) > 2
    assert Transform(steps).fit(TABLE, rooms).feature_names == ("step__rooms",)
    with pytest.raises(FeatureError, match="cannot be fitted"):
        Transform(steps).fit(TABLE)


class Doubled(TransformerMixin, BaseEstimator):
    """A person's own step."""

    def fit(self, X: Any, y: Any = None) -> Doubled:  # noqa: ARG002 - what scikit-learn calls
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) * 2


@pytest.mark.parametrize(
    ("transformer", "words"),
    [
        (on(StandardScaler(), ["label"]), "the column 'label' may not be a feature: it is the label"),
        (
            on(StandardScaler(), ["incme"]),
            "a column 'incme', which is not there\n(.*\n)*.*did you mean 'income'",
        ),
        (on(StandardScaler(), ["tilth.source"]), "a column 'tilth.source', which is not there"),
        (
            on(OneHotEncoder(), ["job"]),
            "the step 'step': OneHotEncoder refuses(.*\n)*.*handle_unknown='ignore'",
        ),
        (
            on(make_pipeline(SimpleImputer(), OrdinalEncoder()), ["job"]),
            "the step 'step.ordinalencoder': Ordinal",
        ),
        (on(TargetEncoder(), ["job"]), "TargetEncoder would give the training rows their own labels"),
        (on(HashingVectorizer(), "words"), "the step 'step': HashingVectorizer has no ONNX form"),
        (on(Doubled(), NUMBERS), "the step 'step': Doubled has no ONNX form"),
        (on(FunctionTransformer(lambda x: x + 1), NUMBERS), "FunctionTransformer(.*) has no ONNX form"),
        (on(StandardScaler(), ["job"]), "cannot be fitted: ValueError: could not convert string to float"),
        (on(SimpleImputer(strategy="most_frequent"), ["job"]), "does not give a table of numbers"),
        (on(KMeans(2, random_state=0), NUMBERS), "gives features of shape"),
        (on(TfidfVectorizer(ngram_range=(1, 2)), "words"), "would give 0.4.* where scikit-learn gives 0.3"),
        (on(StandardScaler(), []), "the transformer takes no column"),
        (make_pipeline(IGNORE), "takes numbers and texts together"),
    ],
)
def test_what_cannot_be_is_refused(transformer: Any, words: str) -> None:
    with pytest.raises(FeatureError, match=words):
        Transform(transformer, forbidden={"label": "it is the label"}).fit(TABLE)


def test_no_data_and_no_profile_will_do() -> None:
    with pytest.raises(UsageError, match="cannot be fitted from a profile"):
        Transform(on(StandardScaler(), NUMBERS)).fit(None)


def test_precision_is_double_where_it_can_be() -> None:
    """Single precision would lose the seconds of a date, and all of a small difference of large numbers."""
    large = {"x": [1e9 + n for n in range(10)]}
    transform = Transform(on(StandardScaler(), ["x"])).fit(large)
    assert transform.transform(large)[:, 0] == pytest.approx((np.arange(10) - 4.5) / np.std(np.arange(10)))


HEAD = """
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

"""
BODY = """ColumnTransformer([
    ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["income", "age"]),
    ("plan", OneHotEncoder(handle_unknown="ignore"), ["plan"]),
])
"""


def test_a_project_whose_features_are_a_transformer(
    tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    hurried_project(tmp_path)
    (tmp_path / "features.py").write_text(HEAD + "transformer = " + BODY)
    status, _, err = ask("run", "--dir", tmp_path)
    assert (status, "6 features, constants from" in err) == (0, True), err
    status, _, err = ask("predict", tmp_path / "customers.csv", "-o", tmp_path / "out.csv", "--dir", tmp_path)
    assert (status, len((tmp_path / "out.csv").read_text().splitlines())) == (0, 401), err
    (tmp_path / "features.py").write_text(HEAD + "transformer = " + BODY.replace('"age"', '"bought"'))
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 2
    assert "the column 'bought' may not be a feature: it is the label" in err
    assert "features.py" in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def transformer():\n    return " + BODY.replace('"age"', '"bought"'),
            "'bought' may not be a feature: it is the label",
        ),
        ("transformer = " + BODY + "def features(x): return {}\n", "both 'features' and 'transformer'"),
        (
            "transformer = StandardScaler\n",
            "'transformer' is the class StandardScaler(.*\n)*.*write StandardScaler()",
        ),
        ("transformer = 3\n", "'transformer' is a int"),
        ("def transformer():\n    return 1 / 0\n", "ZeroDivisionError(.*\n)*.*where: features.py, line 8"),
    ],
)
def test_mistakes_in_features_py_are_told(text: str, words: str) -> None:
    with pytest.raises(FeatureError, match=words) as caught:
        Transform(HEAD + text, forbidden={"bought": "it is the label, which is not known"}).fit(
            {"income": [1.0], "age": [2], "plan": ["a"], "bought": [1]}
        )
    assert (caught.value.where or "").startswith("features.py")


def test_a_transformer_is_no_expressions() -> None:
    with pytest.raises(FeatureError, match="defines a transformer of scikit-learn's"):
        load_features(HEAD + "transformer = " + BODY)


def test_census(shared_data: Callable[[str], Path]) -> None:
    import gzip

    names = [
        "age",
        "workclass",
        "fnlwgt",
        "education",
        "education-num",
        "marital",
        "occupation",
        "relationship",
    ]
    names += ["race", "sex", "gain", "loss", "hours", "country", "income"]
    lines = gzip.decompress(shared_data("census-adult/adult.data.gz").read_bytes()).decode().splitlines()
    cells = [line.split(", ") for line in lines if line.strip()]
    columns: dict[str, list[Any]] = {name: [row[n] for row in cells] for n, name in enumerate(names)}
    data = open_table(
        columns,
        missing=["?"],
        types=dict.fromkeys(("age", "fnlwgt", "education-num", "gain", "loss", "hours"), "int"),
    )
    steps = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(), StandardScaler()),
                make_column_selector(dtype_include="number"),
            ),
            ("texts", OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
        ]
    )
    transform = Transform(steps, forbidden={"income": "it is the label"}).fit(data)
    assert len(transform.feature_names) == 108
    assert Pipeline([("t", transform)]).transform(data).shape == (len(cells), 108)
