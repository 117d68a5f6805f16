"""A run of every kind of estimator is reproduced bit for bit from its record."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from project_factory import hurried_project
from tilth.pipelines import reproduce, run_pipeline
from tilth.projects import Project

ESTIMATORS = {
    "lightgbm": "n_estimators = 15, subsample = 0.7, subsample_freq = 1, colsample_bytree = 0.7",
    "xgboost": "n_estimators = 15, subsample = 0.7, colsample_bytree = 0.7",
    "network": "epochs = 3",
    "sklearn.linear_model.LogisticRegression": "max_iter = 200",
    "sklearn.linear_model.SGDClassifier": 'loss = "log_loss"',
    "sklearn.ensemble.RandomForestClassifier": "n_estimators = 15, n_jobs = 2",
    "sklearn.ensemble.ExtraTreesClassifier": "n_estimators = 15",
    "sklearn.ensemble.GradientBoostingClassifier": "n_estimators = 15, subsample = 0.7",
    "sklearn.ensemble.HistGradientBoostingClassifier": "max_iter = 15",
    "sklearn.ensemble.BaggingClassifier": "n_estimators = 5",
    "sklearn.ensemble.AdaBoostClassifier": "n_estimators = 5",
    "sklearn.neural_network.MLPClassifier": "hidden_layer_sizes = [8], max_iter = 200, early_stopping = true",
    "sklearn.neighbors.KNeighborsClassifier": "n_neighbors = 5",
    "sklearn.naive_bayes.GaussianNB": "",
    "sklearn.svm.SVC": "probability = true",
}
NEEDS = {"xgboost": "xgboost", "network": "torch"}

FUNCTION = """
import numpy as np
from sklearn.ensemble import RandomForestClassifier

from settings import TREES


def train(data, params):
    return RandomForestClassifier(TREES, random_state=data.seed).fit(data.X, data.y)
"""


class Quiet:
    """A listener that is told nothing."""

    def started(self, step: str) -> None:
        """A step begins."""

    def ended(self, report: object) -> None:
        """A step ended."""


def with_estimator(folder: Path, estimator: str, parameters: str) -> Project:
    """A small project that trains this estimator, whatever its checks would say."""
    hurried_project(folder)
    toml = folder / "tilth.toml"
    text = toml.read_text()
    text = text.replace('estimator = "lightgbm"', f'estimator = "{estimator}"')
    text = text.replace("parameters = { n_estimators = 20 }", f"parameters = {{ {parameters} }}")
    text = text.replace("seed = 0\nthreshold", "seed = 7\nthreshold")
    assert "seed = 7" in text
    assert estimator in text
    toml.write_text(text)
    return Project.load(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:.*convergence.*", "ignore:.*Stochastic.*")
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_makes_the_same_graph_again(tmp_path: Path, estimator: str) -> None:
    needed = NEEDS.get(estimator)
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not here")
    project = with_estimator(tmp_path, estimator, ESTIMATORS[estimator])
    run_pipeline(project, Quiet(), until="train")
    found = reproduce(project, "1", Quiet())
    assert found.steps["train"] == ("identical", "")
    assert found.is_identical


@pytest.mark.slow
def test_a_training_function_is_done_again_as_it_was(tmp_path: Path) -> None:
    project = with_estimator(tmp_path, "train.py", "")
    (tmp_path / "train.py").write_text(FUNCTION)
    (tmp_path / "settings.py").write_text("TREES = 11\n")
    run_pipeline(project, Quiet(), until="train")
    (tmp_path / "settings.py").write_text("TREES = 12\n")
    found = reproduce(project, "1", Quiet())
    assert found.steps["train"] == ("identical", "")
    (tmp_path / "train.py").unlink()
    assert reproduce(project, "1", Quiet()).is_identical
