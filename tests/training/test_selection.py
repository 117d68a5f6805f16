"""Feature selection as a whole: what is chosen, how it is judged, and what it says of awkward data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import train_test_split

from tilth.errors import ColumnNotFoundError, DataError, FeatureError, TrainingError, UsageError
from tilth.features import Transform
from tilth.metrics import BinaryStatistics
from tilth.training import make_estimator
from tilth.training.selection import METHODS, select
from tilth.training.selection.choosing import choose
from tilth.training.selection.leaks import Leak
from tilth.training.selection.methods import find_methods
from tilth.training.selection.sample import label_values

QUICK = ["f", "forward", "l1"]


def people(rows: int = 200, seed: int = 0) -> dict[str, Any]:
    """Two columns that tell of `y`, a category that does, three that do not; some values are missing."""
    random = np.random.default_rng(seed)
    age, hours = random.normal(40, 10, rows).round(1), random.normal(35, 8, rows).round(1)
    job = random.choice(["clerk", "smith", "miller"], rows)
    signal = (age - 40) / 10 + (hours - 35) / 16 + (job == "smith") + random.normal(size=rows) * 0.6
    return {
        "age": [None if n % 17 == 3 else value for n, value in enumerate(age.tolist())],
        "hours": hours.tolist(),
        "job": [None if n % 29 == 5 else str(value) for n, value in enumerate(job)],
        "noise": random.normal(size=rows).tolist(),
        "dice": random.integers(1, 7, rows).tolist(),
        "coin": random.choice(["heads", "tails"], rows).tolist(),
        "y": np.where(signal > 0.4, "yes", "no").tolist(),
    }


@pytest.fixture(scope="module")
def cancer() -> dict[str, Any]:
    """Scikit-learn's breast cancer data, `diagnosis` M or B."""
    data = load_breast_cancer()
    columns = {str(name): data.data[:, at] for at, name in enumerate(data.feature_names)}
    return {**columns, "diagnosis": ["MB"[code] for code in data.target]}


# The lesson on breast cancer.


def test_about_20_columns_of_breast_cancer_do_as_well_as_30(cancer: dict[str, Any]) -> None:
    methods = ["f", "mutual_information", "redundancy", "recursive_elimination", "importance"]
    found = select(cancer, label="diagnosis", methods=methods, count=20)
    assert found.encoding.positive == "M"
    whole = found["all"].metrics
    assert len(found["all"].columns) == 30
    assert 0.96 < (whole["accuracy"].value or 0) < 0.99
    assert 0.99 < (whole["auroc"].value or 0) < 1
    for method in methods:
        line = found[method]
        assert len(line.columns) == 20
        assert set(line.counts) == {20}
        for metric in ("accuracy", "auroc"):
            lost, error = line.differences[metric].value, line.differences[metric].standard_error
            assert lost is not None
            assert error is not None
            assert lost > -2 * error - 0.002, (method, metric)
    assert len(found.recommendation.columns) == 20
    assert len(found.recommendation.drop) == 10
    assert "Keep the 20 columns of" in found.recommendation.sentence


def test_a_third_of_breast_cancer_says_what_the_rest_says_too(cancer: dict[str, Any]) -> None:
    found = select(cancer, label="diagnosis", methods=["redundancy"])["redundancy"]
    assert 18 <= len(found.columns) <= 23
    # Radius, perimeter and area are one thing.
    assert sum(name in found.columns for name in ("mean radius", "mean perimeter", "mean area")) <= 1


def test_the_often_printed_table_of_breast_cancer_with_its_columns_put_right(cancer: dict[str, Any]) -> None:
    """A random forest on one split of 455 and 114 rows, scaled with the constants of the training rows.

    The table that is printed with this lesson has 0.9673 as accuracy and 0.9649 as AUROC for all columns,
    and 0.9742 and 0.9737 for those that correlate with the label; it is the other way round. Its AUROC is
    that of the predicted classes, not of probabilities.
    """
    names = [name for name in cancer if name != "diagnosis"]
    X = np.column_stack([cancer[name] for name in names])
    y = np.array([label == "M" for label in cancer["diagnosis"]])
    strong = [n for n, column in zip(names, X.T, strict=True) if abs(np.corrcoef(column, y)[0, 1]) > 0.2]
    assert len(strong) == 25
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=123)
    table = pa.table({name: cancer[name] for name in names})
    for kept, accuracy, auroc in ((names, 110 / 114, 0.967262), (strong, 111 / 114, 0.974206)):
        transform = Transform(lambda x, kept=kept: {name: x[name].zscore() for name in kept})
        transform.fit(table.take(train))
        scaled = [transform.transform(table.take(rows)).astype(np.float64) for rows in (train, test)]
        forest = make_estimator(
            "sklearn.ensemble.RandomForestClassifier",
            {"criterion": "entropy", "random_state": 47},
            task="binary",
        )
        said = forest.fit(scaled[0], y[train]).predict(scaled[1])
        mine = BinaryStatistics()
        mine.update(y[test], scores=said.astype(np.float64))
        metrics = mine.metrics()
        assert metrics["accuracy"].value == pytest.approx(accuracy) == accuracy_score(y[test], said)
        assert metrics["auroc"].value == pytest.approx(auroc, abs=1e-6)
        assert metrics["auroc"].value == pytest.approx(roc_auc_score(y[test], said))


# What is chosen.


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_finds_what_tells(method: str) -> None:
    found = select(people(), label="y", methods=[method], count=3, repeats=1)
    line = found[method]
    if method == "redundancy":
        assert line.columns[:3] == line.columns
    assert set(line.columns) >= {"age", "job"}
    assert line.chosen["age"] == 1.0
    assert line.family == METHODS[method].family


def test_how_many_to_keep_is_found_out() -> None:
    found = select(people(600), label="y", methods=QUICK, repeats=1)
    for method in QUICK:
        assert set(found[method].columns) >= {"age", "hours", "job"}
        assert len(found[method].columns) <= 5
    assert found.recommendation.method in QUICK
    assert {"age", "hours", "job"} <= set(found.recommendation.columns)
    assert set(found.recommendation.columns) | set(found.recommendation.drop) == set(found.columns)


def test_one_does_not_choose_among_noise_only() -> None:
    """Choosing on all rows and validating afterwards makes noise look good."""
    random = np.random.default_rng(3)
    noise = {f"n{at}": random.normal(size=100) for at in range(300)}
    found = select({**noise, "y": [0, 1] * 50}, label="y", methods=["f"], count=10, repeats=1)
    accuracy = found["f"].metrics["accuracy"]
    assert accuracy.low is not None
    assert accuracy.low < 0.5
    assert (accuracy.value or 1) < 0.62
    assert np.mean([found["f"].chosen[name] for name in found["f"].columns]) < 0.9


def test_nothing_of_the_test_rows_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen in a fold stays the same when values and labels of its test rows are others."""
    from tilth.training.selection import selecting

    seen: list[Any] = []

    def watched(sample: Any, train: Any, block: Any, rules: Any, told: Any) -> Any:
        chosen = choose(sample, train, block, rules, told)
        if train.all():
            return chosen
        random = np.random.default_rng(0)
        other = sample.table.to_pydict()
        for name, values in other.items():
            order = random.permutation(len(values))
            mixed = [
                values[at] if not use else values[here]
                for here, (at, use) in enumerate(zip(order, train, strict=True))
            ]
            other[name] = mixed
        labels = np.where(train, sample.labels, 1 - sample.labels)
        changed = type(sample)(
            sample.name,
            pa.table(other, schema=sample.table.schema),
            sample.hashes,
            sample.encoding,
            labels,
            sample.rows,
            sample.unlabeled,
        )
        again = choose(
            changed,
            train,
            rules.candidates.fit(changed.table, train, label_values(labels, sample.encoding)),
            rules,
        )
        assert {name: each.kept for name, each in again.items()} == {n: c.kept for n, c in chosen.items()}
        seen.append(train)
        return chosen

    monkeypatch.setattr(selecting, "choose", watched)
    select(people(120), label="y", methods=["f", "forward", "importance"], folds=3, repeats=1)
    assert len(seen) == 3


def test_the_order_of_rows_and_the_kind_of_source_change_nothing(tmp_path: Path) -> None:
    data = pa.table(people(100))
    options: dict[str, Any] = {"label": "y", "folds": 3, "repeats": 1}
    first = select(data, **options).to_json()
    shuffled = data.take(pa.array(np.random.default_rng(1).permutation(100)))
    assert select(shuffled, **options).to_json() == first
    path = tmp_path / "people.parquet"
    pq.write_table(shuffled, path)
    assert select(str(path), **options).to_json() == first
    assert select(data, seed=4, methods=["f"], **options).to_json()["methods"] != first["methods"][:2]
    json.dumps(first, allow_nan=False)


def test_the_order_of_rows_changes_nothing_where_a_sample_is_drawn() -> None:
    data = pa.table(people(400))
    options: dict[str, Any] = {"label": "y", "methods": ["f"], "rows": 100, "repeats": 1}
    first = select(data, **options)
    assert (first.rows, first.used_rows) == (400, 100)
    assert any("100 of 400 rows were drawn" in note for note in first.notes)
    shuffled = data.take(pa.array(np.random.default_rng(1).permutation(400)))
    assert select(shuffled, **options).to_json() == first.to_json()


# Tasks.


def test_several_classes() -> None:
    iris = load_iris()
    data = {name: iris.data[:, at] for at, name in enumerate(iris.feature_names)}
    found = select(
        {**data, "species": iris.target_names[iris.target].tolist()}, label="species", folds=3, repeats=1
    )
    assert found.encoding.task == "multiclass"
    assert found.metric == "accuracy"
    assert (found["all"].metrics["accuracy"].value or 0) > 0.93
    assert (found["all"].metrics["auroc"].value or 0) > 0.98
    for method in find_methods(None):
        assert {name[:5] for name in found[method].columns[:2]} & {"petal"}


def test_numbers() -> None:
    diabetes = load_diabetes()
    data = {name: diabetes.data[:, at] for at, name in enumerate(diabetes.feature_names)}
    found = select({**data, "progress": diabetes.target}, label="progress", folds=3, repeats=1)
    assert found.encoding.task == "regression"
    assert list(found["all"].metrics) == ["r2", "rmse", "mae"]
    assert 0.4 < (found["all"].metrics["r2"].value or 0) < 0.55
    for method in find_methods(None):
        kept = set(found[method].columns)
        assert {"bmi", "s5"} <= kept, method
    assert len(found.recommendation.columns) < 10


def test_an_estimator_of_ones_own() -> None:
    data = people(100)
    found = select(
        data, label="y", methods=["recursive_elimination"], count=3, estimator="lightgbm", folds=3, repeats=1
    )
    assert found.estimator == "lightgbm"
    assert "age" in found["recursive_elimination"].columns
    with pytest.raises(TrainingError, match="no class 'Nope'"):
        select(data, label="y", estimator="sklearn.linear_model.Nope")


# Features of one's own.


def test_features_of_ones_own_are_grouped_by_column() -> None:
    text = (
        "def features(x):\n"
        "    return {\n"
        '        "age": x["age"].fill_missing("mean").zscore(),\n'
        '        "old": x["age"] > 50,\n'
        '        "age x hours": x["age"].fill_missing(40) * x["hours"],\n'
        '        "job": x["job"].one_hot(),\n'
        "    }\n"
    )
    found = select(people(), label="y", features=text, methods=["f"], repeats=1)
    assert found.columns == ("age", "age x hours", "job")
    assert found.left_out["noise"] == "features.py does not use it"
    with pytest.raises(FeatureError, match="the column 'y' may not be a feature"):
        select(people(), label="y", features=lambda x: {"y": x["y"].one_hot()})


def test_features_made_of_labels_are_made_of_those_of_other_rows() -> None:
    """A code of 60 values that says nothing would tell all, were a row's own label in its mean."""
    random = np.random.default_rng(4)
    code = [f"c{n}" for n in random.integers(0, 60, 150)]
    data = {"code": code, "x": random.normal(size=150), "y": random.choice(["no", "yes"], 150)}
    found = select(
        data,
        label="y",
        features=lambda x: {"code": x["code"].target_mean(smoothing=0.1), "x": x["x"]},
        methods=["pearson", "importance"],
        repeats=1,
    )
    assert found["pearson"].scores["code"] is not None
    assert abs(found["pearson"].scores["code"]) < 0.3
    assert (found["all"].metrics["auroc"].value or 1) < 0.65
    assert found.leaks == ()


def test_a_column_that_is_forbidden_is_left_out_and_named() -> None:
    found = select(people(), label="y", methods=["f"], forbidden={"age": "known later"}, repeats=1)
    assert "age" not in found.columns
    assert found.left_out == {"age": "known later"}


# What is told beside.


def test_a_leak_is_named() -> None:
    data = people()
    data["paid"] = [{"yes": 1.5, "no": 0.5}[label] for label in data["y"]]
    data["stamp"] = [label.upper() for label in data["y"]]
    found = select(data, label="y", methods=["f"], repeats=1)
    assert [leak.column for leak in found.leaks] == ["paid", "stamp"]
    assert found.leaks[0].value == pytest.approx(1.0)
    assert found.recommendation.sentence.startswith("First make sure that 'paid', 'stamp' may be known")
    assert "'paid' alone tells the label" in found.report()
    assert select(people(), label="y", methods=["f"], repeats=1).leaks == ()


def test_a_leak_that_goes_up_and_down_is_named() -> None:
    random = np.random.default_rng(0)
    tone = random.integers(0, 40, 400) / 4
    data = {"tone": tone, "x": random.normal(size=400), "y": (np.abs(tone - 5) > 3).astype(int)}
    assert [leak.column for leak in select(data, label="y", methods=["f"], repeats=1).leaks] == ["tone"]


def test_a_number_that_is_the_label_in_another_unit_is_named() -> None:
    random = np.random.default_rng(0)
    price = random.lognormal(size=200)
    found = select(
        {"cents": price * 100, "x": random.normal(size=200), "price": price}, label="price", methods=["f"]
    )
    assert [(leak.column, leak.metric) for leak in found.leaks] == [("cents", "r2")]


def test_columns_that_only_together_are_the_label_are_named() -> None:
    random = np.random.default_rng(0)
    members, guests = random.poisson(90, 120), random.poisson(30, 120)
    data = {"members": members, "guests": guests, "x": random.normal(size=120), "riders": members + guests}
    found = select(data, label="riders", methods=["f"], repeats=1)
    assert found.leaks == ()
    assert found.recommendation.sentence.startswith("r2 1.000 ± 0.000 is too good to be true of most data")
    assert "that 'members', 'guests' are known before the label" in found.recommendation.sentence
    few = {name: values[:40] for name, values in data.items()}
    assert select(few, label="riders", methods=["f"], repeats=1).recommendation.sentence.startswith("Keep")


def test_the_way_to_leave_a_leak_out_can_be_typed_in_a_shell() -> None:
    said = str(Leak("price paid", "r2", 1.0, 1.0))
    assert "--exclude 'price paid', in a project by deleting its lines in features.py" in said


def test_a_text_that_may_be_a_missing_number_is_told() -> None:
    data = people()
    data["age"] = ["NA" if value is None else str(value) for value in data["age"]]
    data["hours"] = ["NA" if at % 50 == 7 else str(value) for at, value in enumerate(data["hours"])]
    found = select(data, label="y", methods=["f"], repeats=1, count=2)
    assert "may stand for a missing value (age, hours): if so, ask again with --missing NA" in found.notes[0]
    assert found.notes[0] in found.report()
    assert not [note for note in select(people(), label="y", methods=["f"], repeats=1).notes if "NA" in note]


def test_one_column_is_not_listed_for_each_method() -> None:
    found = select({"age": people()["age"], "y": people()["y"]}, label="y", methods=["f", "l1"], repeats=1)
    assert "200 rows, 1 column\n" in found.report()
    assert "columns of the other methods" not in found.report()


def test_what_cannot_be_chosen_is_named_with_the_reason() -> None:
    data = people()
    data["id"], data["always"] = list(range(200)), ["here"] * 200
    data["words"] = [f"they came again on day {n} and asked" for n in range(200)]
    data["tags"] = [["a", "b"]] * 200
    found = select(data, label="y", methods=["f"], repeats=1)
    assert set(found.left_out) == {"id", "always", "words", "tags"}
    assert "identifier" in found.left_out["id"]
    assert "left out: id (an identifier" in found.report()


def test_row_numbers_are_left_out_although_drawn_ones_have_gaps() -> None:
    data = people()
    data["id"], data["cents"] = list(range(200)), [at * at for at in range(200)]
    found = select(data, label="y", methods=["f"], repeats=1, count=2, rows=100)
    assert found.used_rows == 100
    assert "identifier" in found.left_out["id"]
    assert "id" not in found.columns
    assert "cents" in found.columns


def test_rows_without_a_label_are_counted_and_leave_no_trace() -> None:
    data = people()
    whole = select(data, label="y", methods=["f"], repeats=1).to_json()
    more = {name: [*values, *values[:50]] for name, values in data.items()}
    more["y"][200:] = [None] * 50
    found = select(more, label="y", methods=["f"], repeats=1).to_json()
    notes = found.pop("notes")
    assert "50 rows without a label left out" in notes
    whole.pop("notes")
    assert found == whole


# Awkward data.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"x": [1.0], "y": ["a"]}, "1 row with a label: too few"),
        ({"x": [1.0] * 20, "y": [None] * 20}, "0 rows with a label: too few"),
        ({"x": np.arange(40.0) / 3, "y": ["a"] * 40}, "only one value, 'a'"),
        ({"x": np.arange(40.0) / 3, "y": [1] * 40}, "all rows have the same class"),
        ({"x": np.arange(40.0) / 3, "y": [2.5] * 40}, "all rows have the same value"),
        ({"x": np.arange(40.0) / 3, "y": [0] * 38 + [1] * 2}, "the class '1' has 2 different rows"),
        ({"x": [1.0] * 40, "y": [0, 1] * 20}, "there is no column to choose from"),
        ({"y": [0, 1] * 20}, "there is no column to choose from"),
        ({"x": np.arange(40.0) / 3, "y": np.arange(40) * 1e200}, "the label has numbers as large as"),
    ],
)
def test_data_that_nothing_can_be_learned_from_are_refused(data: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        select(data, label="y")


def test_a_label_that_is_not_there_is_refused() -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean 'hours'"):
        select(people(), label="hour")


@pytest.mark.parametrize("option", ["count", "folds", "repeats", "rows"])
def test_numbers_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(UsageError, match=f"{option} is 0"):
        select(people(), label="y", **{option: 0})
    with pytest.raises(UsageError, match="correlation is 2"):
        select(people(), label="y", correlation=2.0)


def test_few_rows_of_a_class_make_fewer_folds() -> None:
    data = people(60)
    data["y"] = ["yes" if n < 4 else "no" for n in range(60)]
    found = select(data, label="y", repeats=1)
    assert found.folds == 4
    assert any("4 folds instead of 5" in note for note in found.notes)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_class_of_one_row_among_several_is_borne() -> None:
    data = people(90)
    data["y"] = ["rare" if n == 7 else label for n, label in enumerate(data["y"])]
    found = select(data, label="y", repeats=1)
    assert found.encoding.task == "multiclass"
    assert all(line.metrics["accuracy"].folds == 5 for line in found.methods)


def test_names_and_values_that_could_trip_one_up() -> None:
    random = np.random.default_rng(2)
    x = random.normal(size=80)
    data = {
        'a"b': x,
        "it's left out: no": random.normal(size=80),
        "two\nlines": random.normal(size=80),
        "5:z": np.where(np.arange(80) % 9 == 0, np.inf, random.normal(size=80)),
        "tiny": x * 1e-300,
        "y": x > 0,
    }
    found = select(data, label="y", repeats=1)
    assert len(found.columns) == 5
    json.dumps(found.to_json(), allow_nan=False)
    assert "5:z" in found.report()


def test_equal_rows_are_not_learned_from_and_tested_on() -> None:
    """Fifteen rows of a hundred twice, labels at random: a tree would know the second copies."""
    random = np.random.default_rng(6)
    x, y = random.normal(size=100), random.integers(0, 2, 100)
    twice = np.concatenate([np.arange(100), np.arange(15)])
    found = select(
        {"x": x[twice], "y": y[twice]},
        label="y",
        methods=["f"],
        estimator="sklearn.tree.DecisionTreeClassifier",
    )
    assert (found["all"].metrics["accuracy"].value or 1) < 0.62


def test_wide_tables_are_bounded_and_say_so() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(80, 260))
    data = {f"c{at}": X[:, at] for at in range(260)} | {"y": X[:, 3] - X[:, 250] > 0}
    found = select(data, label="y", methods=["pearson", "backward"], folds=3)
    assert {"c3", "c250"} <= set(found["pearson"].columns) | set(found["backward"].columns)
    assert len(found["all"].columns) == 260
    assert any("no method looked at more than 200 columns" in note for note in found.notes)
    assert any(note.startswith("backward looked at no more than 40 columns") for note in found.notes)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int | None]] = []
    select(people(), label="y", methods=QUICK, folds=3, repeats=1, progress=lambda *each: told.append(each))
    assert told == [(done, 16) for done in range(1, 17)]


# Real data.


@pytest.mark.slow
def test_census(shared_data: Callable[[str], Path]) -> None:
    import gzip

    head = (
        "age workclass fnlwgt education education-num marital-status occupation relationship race sex "
        "capital-gain capital-loss hours-per-week native-country label"
    )
    lines = gzip.decompress(shared_data("census-adult/adult.data.gz").read_bytes()).decode().split("\n")
    rows = [[None if cell == "?" else cell for cell in line.split(", ")] for line in lines if line]
    table = {
        name: [float(row[at]) if name in NUMBERS else row[at] for row in rows]
        for at, name in enumerate(head.split())
    }
    found = select(
        table, label="label", methods=["f", "mutual_information", "redundancy", "forward", "importance"]
    )
    assert (found["all"].metrics["auroc"].value or 0) > 0.895
    assert found.used_rows == 10_000
    assert not {"education", "education-num"} <= set(found["redundancy"].columns)
    for method in ("f", "mutual_information", "forward", "importance"):
        assert {"capital-gain", "age"} <= set(found[method].columns)
        assert "fnlwgt" not in found[method].columns[:5]


NUMBERS = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}
