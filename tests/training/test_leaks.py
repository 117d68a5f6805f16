"""Columns that tell the label are found by name; honest ones are left alone."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from tilth.training.findings import Finding
from tilth.training.leaks import FeatureSample, Target, feature_sources, find_leaks, raw_columns
from tilth.training.leaks.words import names_in_words, resembles

ROWS = 600
RANDOM = np.random.default_rng(5)
NOISE = RANDOM.normal(size=ROWS)
Y = (NOISE + RANDOM.normal(size=ROWS) > 0.8).astype(np.int64)
SECOND = RANDOM.permutation(ROWS).astype(np.float64)


def leaks(
    columns: dict[str, object],
    y: np.ndarray = Y,
    task: str = "binary",
    *,
    label: str = "bought",
    time: str | None = None,
    allow: Sequence[str] = (),
) -> list[Finding]:
    return find_leaks(pa.table(columns), Target(task, y), label=label, time=time, allow=allow)


def found(findings: list[Finding]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(finding.check, finding.outcome, finding.columns) for finding in findings]


@pytest.mark.parametrize(
    "values",
    [
        Y * 3.0 + RANDOM.uniform(0, 2.9, ROWS),  # a number on either side of a bound
        Y == 0,  # a flag the other way round
        np.where(Y == 1, "cancelled", np.where(NOISE > 0, "new", "old")),  # a status
        np.where(Y == 1, 0.0, RANDOM.choice([-1.0, 1.0], ROWS)),  # in no order
    ],
    ids=["number", "flag", "status", "unordered"],
)
def test_a_column_that_tells_the_label_alone_is_named(values: np.ndarray) -> None:
    findings = leaks({"noise": NOISE, "told": values})
    assert found(findings) == [("leak", "failed", ("told",))]
    assert "'told' alone tells the label: auroc 1.0000" in findings[0].sentence
    assert 'allow = ["told"]' in (findings[0].mend or "")


def test_honest_columns_pass() -> None:
    findings = leaks({"noise": NOISE, "second": SECOND, "text": [f"t{i % 7}" for i in range(ROWS)]})
    assert found(findings) == [("leak", "passed", ())]
    assert findings[0].sentence == "no leak among 3 columns, on 600 rows"


def test_a_row_number_and_a_unique_text_are_no_leak() -> None:
    columns = {"number": np.arange(ROWS), "key": [f"{i:04}" for i in range(ROWS)]}
    assert found(leaks(columns)) == [("leak", "passed", ())]


def test_an_allowed_column_does_not_stop() -> None:
    findings = leaks({"noise": NOISE, "told": Y}, allow=["told"])
    assert found(findings) == [("leak", "allowed", ("told",))]


def test_a_strong_column_is_a_note_the_more_so_with_the_name_of_the_label() -> None:
    draw = np.random.default_rng(11)
    strong = Y + draw.normal(size=ROWS) * 0.28
    assert found(leaks({"score": strong})) == [("leak", "noted", ("score",))]
    fair = Y + draw.normal(size=ROWS) * 0.5
    assert found(leaks({"score": fair})) == [("leak", "passed", ())]
    (finding,) = leaks({"bought_score": fair})
    assert (finding.outcome, finding.columns) == ("noted", ("bought_score",))
    assert "named after the label 'bought'" in finding.sentence


def test_several_classes_and_their_codes() -> None:
    y = np.digitize(NOISE, [-0.5, 0.5]).astype(np.int64)
    names = np.array(["low", "middle", "high"])
    findings = leaks({"noise": SECOND, "code": (y * 2) % 3, "name": names[y]}, y, "multiclass")
    assert {(f.outcome, f.columns) for f in findings} == {("failed", ("code",)), ("failed", ("name",))}


def test_several_labels() -> None:
    y = np.column_stack([Y, NOISE > 0]).astype(np.int8)
    joined = y @ np.array([1, 2])
    assert found(leaks({"code": joined, "noise": SECOND}, y, "multilabel"))[0][1:] == ("failed", ("code",))


def test_a_number_in_another_unit_is_named() -> None:
    draw = np.random.default_rng(11)
    y = draw.lognormal(size=ROWS)
    for told in (y * 1.8 + 32, np.round(y, 2)):
        assert found(leaks({"told": told, "noise": NOISE}, y, "regression"))[0][1:] == ("failed", ("told",))
    assert found(leaks({"noise": NOISE, "second": SECOND}, y, "regression"))[0][1] == "passed"


def test_parts_of_a_sum_are_named_together() -> None:
    draw = np.random.default_rng(11)
    casual, registered = draw.poisson(30, ROWS), draw.poisson(100, ROWS)
    columns = {"hour": SECOND, "casual": casual, "registered": registered, "noise": NOISE}
    (finding,) = leaks(columns, (casual + registered).astype(np.float64), "regression", label="cnt")
    assert (finding.outcome, finding.columns) == ("failed", ("casual", "registered"))
    assert finding.sentence == "cnt = casual + registered, in all rows"
    assert "'casual' and 'registered' are not known" in (finding.mend or "")


def test_factors_and_constants_of_a_sum_are_shown() -> None:
    draw = np.random.default_rng(11)
    a, b = draw.normal(size=ROWS), draw.normal(size=ROWS)
    (finding,) = leaks({"a": a, "b": b}, 0.5 * a - b + 2, "regression", label="y")
    assert finding.sentence == "y = 0.5 * a - b + 2, in all rows"


def test_a_product_is_named() -> None:
    draw = np.random.default_rng(11)
    distance, hours = draw.uniform(1, 100, ROWS), draw.uniform(0.5, 9, ROWS)
    (finding,) = leaks({"km": distance, "hours": hours}, distance / hours, "regression", label="speed")
    assert finding.columns == ("km", "hours")
    assert finding.sentence == "speed is km * hours ** -1 up to a constant factor, in all rows"


def test_a_sum_with_noise_is_no_leak() -> None:
    draw = np.random.default_rng(11)
    a, b = draw.normal(size=ROWS), draw.normal(size=ROWS)
    y = a + b + draw.normal(size=ROWS) * 0.1
    assert found(leaks({"a": a, "b": b}, y, "regression"))[0][1] == "passed"


def test_a_comparison_of_two_columns_is_named() -> None:
    draw = np.random.default_rng(11)
    due, paid = draw.uniform(0, 9, ROWS), draw.uniform(0, 9, ROWS)
    (finding,) = leaks({"due": due, "paid": paid, "noise": NOISE}, (paid < due).astype(np.int64))
    assert (finding.check, finding.columns) == ("leak_by_function", ("due", "paid"))
    wanted, given = draw.integers(0, 4, ROWS), draw.integers(0, 4, ROWS)
    (finding,) = leaks({"wanted": wanted, "given": given}, (wanted == given).astype(np.int64))
    assert "whether they are equal" in finding.sentence


def test_presence_that_tells_the_label_is_named() -> None:
    reason = [("late" if n > 0 else "broken") if y else None for y, n in zip(Y, NOISE, strict=True)]
    (finding,) = leaks({"reason": reason, "noise": NOISE})
    assert (finding.check, finding.outcome, finding.columns) == ("leak_by_presence", "failed", ("reason",))
    often = [1.0 if y or n > 1.2 else None for y, n in zip(Y, NOISE, strict=True)]
    assert ("leak_by_presence", "noted", ("often",)) in found(leaks({"often": often}))
    seldom = [1.0 if n > 0 else None for n in SECOND - 300]
    assert found(leaks({"seldom": seldom}))[0][1] == "passed"


def days(numbers: np.ndarray) -> list[datetime.datetime | None]:
    start = datetime.datetime(2026, 1, 1)
    return [None if np.isnan(n) else start + datetime.timedelta(days=float(n)) for n in numbers]


def test_a_time_after_the_row_that_tells_the_label_is_named() -> None:
    draw = np.random.default_rng(11)
    closed = np.where(Y == 1, SECOND + 2, SECOND + draw.uniform(20, 40, ROWS))
    columns = {"made": days(SECOND), "closed": days(closed), "noise": NOISE}
    (finding,) = leaks(columns, time="made")
    assert (finding.check, finding.outcome, finding.columns) == ("leak_by_time", "failed", ("closed",))
    assert "in 100% of the rows, and it tells the label" in finding.sentence


def test_a_time_after_the_row_is_a_note_and_one_before_it_is_not() -> None:
    draw = np.random.default_rng(11)
    columns = {"made": days(SECOND), "departs": days(SECOND + draw.uniform(1, 40, ROWS))}
    assert found(leaks(columns, time="made")) == [("leak_by_time", "noted", ("departs",))]
    before = {"made": days(SECOND), "born": days(SECOND - draw.uniform(1, 40, ROWS))}
    assert found(leaks(before, time="made"))[0][1] == "passed"


def test_a_column_that_the_newest_rows_lack_is_a_note() -> None:
    draw = np.random.default_rng(11)
    late = np.where(SECOND < 500, draw.normal(size=ROWS), np.nan)
    columns = {"made": days(SECOND), "late": late}
    (finding,) = leaks(columns, time="made")
    assert (finding.check, finding.outcome, finding.columns) == ("leak_by_time", "noted", ("late",))
    early = {"made": days(SECOND), "late": np.where(SECOND > 100, 1.0 * (NOISE > 0), np.nan)}
    assert found(leaks(early, time="made"))[0][1] == "passed"


def test_few_rows_or_a_rare_label_prove_nothing() -> None:
    assert found(find_leaks(pa.table({"a": Y[:40]}), Target("binary", Y[:40]), label="y"))[0][1] == "skipped"
    rare = (np.arange(ROWS) < 9).astype(np.int64)
    assert found(leaks({"a": rare}, rare))[0][1] == "skipped"
    assert found(leaks({"a": NOISE}, np.zeros(ROWS), "regression"))[0][1] == "skipped"


def test_a_feature_made_of_several_columns_is_named_with_them() -> None:
    draw = np.random.default_rng(11)
    a = draw.normal(size=ROWS)
    X = np.column_stack([NOISE, Y + 0.0, a]).astype(np.float32)
    text = "def features(x): return {'n': x['noise'], 'both': x['a'] * x['b'], 'a': x['a']}"
    types = {"noise": "float", "a": "float", "b": "float"}
    sources = feature_sources(text, types, ["n", "both", "a"])  # type: ignore[arg-type] # literals
    assert sources == {"n": ("noise",), "both": ("a", "b"), "a": ("a",)}
    sample = FeatureSample(X, Target("binary", Y), ["n", "both", "a"], sources)
    table = pa.table({"noise": NOISE, "a": a, "b": SECOND})
    (finding,) = find_leaks(table, Target("binary", Y), label="y", features=sample)
    assert (finding.outcome, finding.columns) == ("failed", ("a", "b"))
    assert "the feature 'both' (made of a, b) alone tells the label" in finding.sentence


def test_the_sources_of_a_transformer_are_not_known() -> None:
    text = "from sklearn.preprocessing import StandardScaler\ntransformer = StandardScaler()\n"
    assert feature_sources(text, {"a": "float"}, ["a"]) == {}


def test_findings_do_not_depend_on_the_order_of_codes() -> None:
    texts = pa.array(["b", "a", None, "c", "a"])
    (one,) = raw_columns(pa.table({"t": texts}))
    (other,) = raw_columns(pa.table({"t": texts.take(pa.array([4, 3, 2, 1, 0]))}))
    assert np.array_equal(one.values[::-1], other.values, equal_nan=True)


def test_every_type_of_column_is_read() -> None:
    table = pa.table(
        {
            "flag": [True, None],
            "number": [1, 2],
            "infinite": [np.inf, 1.0],
            "day": pa.array([1, None], pa.date32()),
            "listed": [[1], [2]],
            "word": pa.array(["a", "b"]).dictionary_encode(),
        }
    )
    found = {column.name: column for column in raw_columns(table)}
    assert list(found) == ["flag", "number", "infinite", "day", "word"]
    assert found["day"].kind == "time"
    assert found["day"].values[0] == 86400
    assert np.isnan(found["infinite"].values[0])


def test_words() -> None:
    assert names_in_words(["a"]) == "'a'"
    assert resembles("churned_at", "churn")
    assert not resembles("age", "wages")
