from __future__ import annotations

import tomllib

import pytest

from tilth.projects.train_section import training_lines, with_training

INLINE = """# mine
[project]
name = "a"

[train]  # how
estimator = "lightgbm" # quick
seed = 3
parameters = { n_estimators = 20, num_leaves = 7 } # few

# the rest
[split]
seed = 1
"""
OWN_TABLE = """[train.parameters]
# trees
n_estimators = 20 # few
num_leaves = 7 # small
"""


def test_only_what_changes_is_changed() -> None:
    found = with_training(INLINE, "lightgbm", {"n_estimators": 20, "learning_rate": 0.05, "boosting": "dart"})
    expected = INLINE.replace(
        "{ n_estimators = 20, num_leaves = 7 }",
        '{ n_estimators = 20, learning_rate = 0.05, boosting = "dart" }',
    )
    assert found == expected
    assert with_training(INLINE, "lightgbm", {"n_estimators": 20, "num_leaves": 7}) == INLINE


def test_another_estimator_is_written() -> None:
    found = with_training(INLINE, "sklearn.linear_model.Ridge", {"alpha": 1e-05, "fit_intercept": True})
    section = tomllib.loads(found)["train"]
    assert section == {
        "estimator": "sklearn.linear_model.Ridge",
        "seed": 3,
        "parameters": {"alpha": 1e-05, "fit_intercept": True},
    }
    assert 'Ridge" # quick\n' in found
    assert found.count("#") == INLINE.count("#")


def test_a_table_of_its_own_keeps_the_comments_beside_what_stays() -> None:
    found = with_training(OWN_TABLE, "lightgbm", {"n_estimators": 50, "learning_rate": 0.1})
    assert tomllib.loads(found)["train"]["parameters"] == {"n_estimators": 50, "learning_rate": 0.1}
    assert "# trees\nn_estimators = 50 # few\n" in found


@pytest.mark.parametrize("text", ["", "[train]\n", "[split]\nseed = 1\n", '[train]\nestimator = "xgboost"\n'])
def test_what_is_not_there_is_added(text: str) -> None:
    found = tomllib.loads(with_training(text, "xgboost", {"max_depth": 3}))
    assert found["train"] == {"estimator": "xgboost", "parameters": {"max_depth": 3}}
    assert with_training(text, "lightgbm", {}).count("parameters = {}") == 1


def test_the_ends_of_lines_and_the_mark_of_an_editor_stay() -> None:
    text = "\ufeff" + INLINE.replace("\n", "\r\n")
    found = with_training(text, "lightgbm", {"num_leaves": 8})
    assert found.startswith("\ufeff# mine\r\n")
    assert found.count("\n") == found.count("\r\n") == INLINE.count("\n")


def test_lines_to_be_copied_are_toml() -> None:
    lines = training_lines("train.py:fit", {"a b": 1, "c": [1, 2]})
    section = tomllib.loads(lines)["train"]
    assert section == {"estimator": "train.py:fit", "parameters": {"a b": 1, "c": [1, 2]}}
