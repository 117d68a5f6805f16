"""Searches in a small project: recorded, gone on with, told, and written into tilth.toml."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project_factory import hurried_project, make_project
from tilth.errors import CheckFailed, ProjectError, TilthError, TrainingError, UsageError
from tilth.pipelines import Standing, StepReport, TuneReport, tune
from tilth.pipelines.tuning_records import Ledger
from tilth.pipelines.tuning_search import search_of
from tilth.projects import Project
from tilth.store import TrialRecord

SPACE = """
[tune]
trials = 5
parameters = { num_leaves = { low = 2, high = 12 }, learning_rate = { low = 0.02, high = 0.5, log = true } }
"""


class Quiet:
    """Whom nothing is told."""

    def started(self, step: str) -> None:
        pass

    def ended(self, report: StepReport) -> None:
        pass


class Seen(list[Standing]):
    """How far a search was, each time."""

    def __call__(self, standing: Standing) -> None:
        self.append(standing)


def rewritten(project: Project, tune_section: str, **replaced: str) -> Project:
    """The project with another section [tune], and other lines under [train]."""
    path = project.directory / "tilth.toml"
    text = path.read_text().partition("\n[tune]")[0]
    for key, value in replaced.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    path.write_text(text + tune_section)
    return Project.load(project.directory)


def small(folder: Path, tune_section: str = SPACE) -> Project:
    return rewritten(hurried_project(folder), tune_section)


def records(project: Project, report: TuneReport) -> tuple[TrialRecord, ...]:
    with project.store() as store:
        return store.trials(report.search.digest)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, TuneReport, Seen]:
    project, seen = small(tmp_path_factory.mktemp("searched")), Seen()
    return project, tune(project, Quiet(), seen), seen


Searched = tuple[Project, TuneReport, Seen]


@pytest.fixture
def copied(searched: Searched, tmp_path: Path) -> Project:
    """The same project with its records, to do with as one likes."""
    shutil.copytree(searched[0].directory, tmp_path / "copy")
    return Project.load(tmp_path / "copy")


def test_every_trial_is_a_record(searched: Searched) -> None:
    project, report, seen = searched
    kept = records(project, report)
    assert [record.number for record in kept] == [0, 1, 2, 3, 4]
    assert {record.attempts for record in kept} == {1}
    assert {record.execution.run for record in kept} == {report.run}
    assert kept[0].proposal == {"estimator": "lightgbm", "parameters": {}}
    assert all(set(r.proposal["parameters"]) == {"num_leaves", "learning_rate"} for r in kept[1:])  # type: ignore[arg-type]
    assert seen[-1].done == seen[-1].total == 5
    assert seen[-1].best == report.best
    with project.store() as store:
        run = store.run(report.run)
        assert (run.command, run.state) == ("tune", "complete")
        assert run.parameters["best"] == report.best.to_json()  # type: ignore[union-attr]
        assert store.metrics(run) == {}
    assert list((project.directory / ".tilth/artifacts/drafts").glob("*.npy")) == []


def test_the_score_is_that_of_the_dev_part(searched: Searched, copied: Project) -> None:
    """The same as an ordinary run tells of dev, for trial 0, which is what tilth.toml says."""
    from tilth.pipelines import run_pipeline

    _, report, _ = searched
    run_pipeline(copied, Quiet(), until="train")
    with copied.store() as store:
        training = store.artifacts("training", limit=1)[0]
        document = json.loads(copied.artifacts().read_bytes(training.digest, ".json"))
    (whole,) = (each for each in document["dev"]["slices"] if not each["slice"])
    assert report.trials[0].score.to_json() == whole["metrics"]["auroc"]


def test_what_was_done_is_not_done_again(searched: Searched, copied: Project) -> None:
    _, report, _ = searched
    again = tune(copied, Quiet(), Seen(), trials=4)
    assert again.search == report.search
    assert again.trials == report.trials
    assert (again.before, again.run > report.run) == (5, True)
    assert again.lead == report.lead


@pytest.mark.slow
def test_a_search_goes_on_where_it_stopped(searched: Searched, copied: Project, tmp_path: Path) -> None:
    """In two pieces, the second with more trials, as in one: the same proposals and scores."""
    _, report, _ = searched
    more = tune(copied, Quiet(), Seen(), trials=7)
    assert more.trials[:5] == report.trials
    fresh = small(tmp_path)
    whole = tune(fresh, Quiet(), Seen(), trials=7)
    assert [(t.proposal, t.score, t.course) for t in whole.trials] == [
        (t.proposal, t.score, t.course) for t in more.trials
    ]


def test_the_report_tells_the_best_trial_and_its_luck(searched: Searched) -> None:
    _, report, _ = searched
    best = report.best
    assert best is not None
    assert best.score.value == max(t.score.value for t in report.trials if t.score.value is not None)
    text = report.report()
    assert f"best: trial {best.number}, auroc {best.score} on the dev part" in text
    if best.number:
        assert "as the best of 5 trials" in text
    assert best.costs["latency_us"] > 0
    assert 0 < best.costs["size_mb"] < 1
    assert best.costs["memory_mb"] > 0
    document = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert document["best"]["trial"] == best.number
    assert len(document["trials"]) == len(report.trials)


def test_the_page_needs_nothing_else_and_shows_all_trials(searched: Searched) -> None:
    _, report, _ = searched
    page = report.html()
    assert not re.search(r'(?:src|href)="?(?!#)|https?://|@import|url\(', page)
    assert page == report.html()
    assert page.count("<tr") >= len(report.trials)
    for name in ("num_leaves", "learning_rate", "Course of the search"):
        assert name in page
    assert page.count("<title>trial ") >= len([t for t in report.trials if t.is_complete])
    hostile = dataclasses.replace(report, project=_named(report.project, "<script>alert(1)</script>"))
    assert "<script>alert" not in hostile.html()


def _named(project: Project, name: str) -> Project:
    import msgspec

    configuration = project.configuration
    section = msgspec.structs.replace(configuration.project, name=name)
    return dataclasses.replace(project, configuration=msgspec.structs.replace(configuration, project=section))


def test_the_command_writes_the_best_into_tilth_toml(
    searched: Searched, copied: Project, ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    project, report = copied, searched[1]
    path = project.directory / "tilth.toml"
    before = path.read_text()
    page = tmp_path / "search.html"
    status, out, err = ask("tune", "--trials", "5", "--dir", project.directory, "--html", page)
    assert (status, path.read_text()) == (0, before)
    assert "5 of 5 trials" in out
    assert page.read_text().startswith("<!doctype html>")
    status, out, err = ask(
        "tune", "--trials", "5", "--trial", "2", "--apply", "--json", "--dir", project.directory
    )
    assert status == 0, err
    assert json.loads(out)["states"].keys() <= {"complete", "pruned"}
    assert "trial 2 written to" in err
    section = tomllib.loads(path.read_text())["train"]
    assert section["parameters"] == {"n_estimators": 20, **report.trials[2].proposal.parameters}
    assert path.read_text().count("#") == before.count("#")
    status, out, err = ask("tune", "--trials", "1", "--trial", "9", "--dir", project.directory)
    assert status == 2
    assert "there is no complete trial 9" in err


FUNCTION = """
import os
from sklearn.linear_model import LogisticRegression

def train(data, params):
    mode = params.get("mode", "good")
    if mode == "raises":
        raise RuntimeError("no such luck")
    if mode == "memory":
        raise MemoryError
    if mode == "dies":
        os.kill(os.getpid(), 9)
    if mode == "huge":
        bytearray(1 << 62)
    return LogisticRegression(C=params.get("C", 1.0)).fit(data.X, data.y)
"""
MODES = """
[tune]
parameters = { mode = { choices = ["good", "raises", "memory", "dies", "huge"] } }
"""


@pytest.mark.slow
def test_what_goes_wrong_fails_its_trial_and_not_the_search(tmp_path: Path) -> None:
    project = rewritten(small(tmp_path), MODES, estimator='"train.py"', parameters="{}")
    (tmp_path / "train.py").write_text(FUNCTION)
    (tmp_path / "features.py").write_text(
        'def features(x):\n    return {"income": x["income"], "age": x["age"]}\n'
    )
    report = tune(project, Quiet(), Seen(), trials=20)
    assert len(report.trials) == 6
    assert "every combination was" in report.report()
    told = {t.proposal.parameters.get("mode", ""): (t.state, t.note or "") for t in report.trials}
    assert told[""] == told["good"] == ("complete", "")
    assert told["raises"][0] == told["memory"][0] == told["dies"][0] == told["huge"][0] == "failed"
    assert "no such luck" in told["raises"][1]
    assert "train.py" in told["raises"][1]
    assert "memory" in told["memory"][1].lower()
    assert "ended by SIGKILL, probably for lack of memory" in told["dies"][1]
    assert all(record.execution.state != "running" for record in records(project, report))
    assert report.best is not None


@pytest.mark.slow
def test_where_every_trial_fails_the_search_ends_and_says_why(tmp_path: Path) -> None:
    project = rewritten(small(tmp_path), MODES, estimator='"train.py"', parameters="{}")
    (tmp_path / "train.py").write_text("def train(data, params):\n    raise RuntimeError('no such luck')\n")
    with pytest.raises(TrainingError, match=r"first 5 trials all failed, the first one so: .*no such luck"):
        tune(project, Quiet(), Seen(), trials=50)
    with project.store() as store:
        (run,) = store.runs(command="tune")
        assert run.state == "failed"


@pytest.mark.slow
def test_bounds_that_nothing_keeps_to_fail_the_search(copied: Project) -> None:
    bounded = rewritten(copied, SPACE + "constraints = { size_mb = 0.000001 }\nsecond = 'latency_us'\n")
    report = tune(bounded, Quiet(), Seen(), trials=2)
    assert isinstance(report.failure, CheckFailed)
    assert "no trial keeps within size_mb <= 1e-06" in str(report.failure)
    assert all(set(t.costs) == {"latency_us", "memory_mb", "size_mb"} for t in report.trials)
    assert report.front == []
    with pytest.raises(CheckFailed):
        report.toml()
    assert "(above a bound)" in report.report()
    assert "above a bound" in report.html()


WRONG = {
    "parameters = { num_leavs = { low = 2, high = 5 } }": "lightgbm has no parameter 'num_leavs'",
    "parameters = { num_leaves = { low = 5, high = 5 } }": "low is not below high",
    "parameters = { num_leaves = { low = 5 } }": "num_leaves has no high",
    "parameters = { num_leaves = { } }": "the values of num_leaves are not told",
    "parameters = { num_leaves = { low = 1, high = 2, choices = [3] } }": "num_leaves are not told",
    "parameters = { learning_rate = { low = 0.0, high = 2.0, log = true } }": "low must be above 0",
    "parameters = { learning_rate = { low = 0.1, high = inf } }": "low is not below high",
    "parameters = { learning_rate = { low = nan, high = 1.0 } }": "low is not below high",
    "parameters = { num_leaves = { choices = [3, 3] } }": "a choice of num_leaves stands there twice",
    "parameters = { learning_rate = { low = -1e308, high = 1e308 } }": "is too wide to draw from",
    "parameters = { learning_rate = { choices = [nan, 0.1] } }": "a choice of learning_rate is not a finite",
    f"parameters = {{ num_leaves = {{ low = 1, high = {10**400} }} }}": "is too wide to draw from",
    "constraints = { latency_us = inf }": "latency_us = inf is no bound",
    "metric = 'aurok'": "there is no metric 'aurok'",
    "metric = 'prevalence'": "no value of prevalence is best",
    "constraints = { latency_ms = 3.0 }": "'latency_ms' cannot be bounded",
    "constraints = { latency_us = 0.0 }": "latency_us = 0 allows nothing",
    "estimators = ['lightgbm', 'nonsense']": "nonsense",
    "trials = 0": "0 trials are no search",
}


@pytest.mark.parametrize("line", WRONG)
def test_mistakes_in_the_section_are_told_before_anything_is_done(line: str, tmp_path: Path) -> None:
    project = rewritten(make_project(tmp_path), f"\n[tune]\n{line}\n")
    with pytest.raises(TilthError, match=re.escape(WRONG[line])):
        tune(project, Quiet(), Seen())
    assert not (tmp_path / ".tilth").exists()


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"jobs": 0}, {"jobs": 10_000}, {"timeout_s": 0.0}])
def test_bad_arguments_are_refused(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        tune(make_project(tmp_path), Quiet(), Seen(), **wrong)


def test_no_dev_rows_no_search(tmp_path: Path) -> None:
    project = small(tmp_path)
    (tmp_path / "customers.csv").write_text(
        "\n".join((tmp_path / "customers.csv").read_text().splitlines()[:4]) + "\n"
    )
    with pytest.raises((TilthError, ProjectError)):
        tune(project, Quiet(), Seen())


def test_a_space_is_shared_by_estimators_that_know_it(tmp_path: Path) -> None:
    section = """
[tune]
estimators = ["lightgbm", "sklearn.linear_model.LogisticRegression"]
parameters = { C = { low = 0.1, high = 1.0 }, num_leaves = { low = 2, high = 9 } }
"""
    search = search_of(rewritten(make_project(tmp_path), section), {})
    assert set(search.spaces["sklearn.linear_model.LogisticRegression"]) == {"C"}
    assert "C" not in search.spaces["lightgbm"]
    assert search.spaces["lightgbm"]["num_leaves"].contains(9)
    assert not search.spaces["lightgbm"]["num_leaves"].contains(10)
    assert "learning_rate" in search.spaces["lightgbm"]


def test_a_parameter_replaces_its_other_names(tmp_path: Path) -> None:
    """LightGBM knows learning_rate as eta too: one that is searched may not meet one that is fixed."""
    from tilth.pipelines.tuning_search import merged
    from tilth.training.tuning import Proposal

    project = rewritten(make_project(tmp_path), SPACE, parameters="{ eta = 0.3, max_depth = 3 }")
    found = merged(project.configuration, Proposal("lightgbm", {"learning_rate": 0.1, "num_leaves": 3}))
    assert found == {"max_depth": 3, "learning_rate": 0.1, "num_leaves": 3}
    assert merged(project.configuration, Proposal("xgboost", {"eta": 0.1})) == {"eta": 0.1}


def test_a_trial_whose_process_ended_twice_is_given_up(tmp_path: Path) -> None:
    project = small(tmp_path)
    search = search_of(project, {})
    with project.store() as store:
        for attempt in (1, 2):
            run = store.begin_run("tune")
            record = Ledger(store, search, run.number).claim(5)
            assert record is not None
            assert (record.number, record.attempts) == (0, attempt)
            store.end_run(run, "interrupted")
        following = Ledger(store, search, store.begin_run("tune").number).claim(5)
        assert following is not None
        assert (following.number, following.attempts) == (1, 1)
        given_up = store.trials(search.digest)[0]
        assert given_up.execution.state == "failed"
        assert "ended early twice" in str(given_up.execution.error)


def test_numbers_of_an_outcome_survive_the_record() -> None:
    from tilth.metrics import Estimate
    from tilth.pipelines.tuning_records import Tried

    tried = Tried("complete", Estimate(0.5, 0.4, 0.6), 1.25, {"size_mb": 0.1}, ((0, 0.5), (3, -0.25)), None)
    again = Tried.from_json(json.loads(json.dumps(tried.to_json())))
    assert (again.score, again.costs, tuple(again.course)) == (tried.score, tried.costs, tried.course)
    assert np.isclose(again.seconds, 1.25)
