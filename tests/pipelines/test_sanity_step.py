"""Sanity checks, baselines and targets in a project, from tilth.toml to what `tilth run` says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from project_factory import make_project
from tilth.projects import Project, initialize
from tilth.types import JSONObject

Ask = Callable[..., tuple[int, str, str]]


def change(folder: Path, *pairs: tuple[str, str], more: str = "") -> None:
    """Change tilth.toml, and add to it."""
    path = folder / "tilth.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text + more, encoding="utf-8")


def project(folder: Path, columns: dict[str, object], label: str) -> Path:
    """A project on a table of these columns, quick to train."""
    names = list(columns)
    lines = [",".join(map(str, row)) for row in zip(*(np.asarray(columns[n]) for n in names), strict=True)]
    folder.mkdir(exist_ok=True)
    data = folder / "rows.csv"
    data.write_text("\n".join([",".join(names), *lines]) + "\n", encoding="utf-8")
    initialize(data, label, folder)
    change(folder, ("parameters = {}", "parameters = { n_estimators = 10 }"))
    return folder


def artifact(folder: Path, name: str) -> JSONObject:
    """The newest artifact of a name."""
    made = Project.load(folder)
    with made.store() as store:
        (found,) = store.artifacts(name, limit=1)
    document: JSONObject = json.loads(made.artifacts().read_bytes(found.digest, ".json"))
    return document


def applicants(rows: int = 400, *, seed: int = 0) -> dict[str, object]:
    random = np.random.default_rng(seed)
    income, age = random.normal(50, 10, rows).round(2), random.integers(18, 80, rows)
    paid = np.where(income + random.normal(0, 8, rows) > 52, "yes", "no")
    return {"income": income, "age": age, "paid": paid}


def test_a_plain_project_passes_every_check(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    assert "one example, handful, loss falls, shuffled labels, leak, targets passed" in err
    document = artifact(tmp_path, "sanity")
    assert document["notes"] == []
    baselines = artifact(tmp_path, "evaluation")["baselines"]
    assert isinstance(baselines, dict)
    assert list(baselines) == ["majority", "prior", "single", "linear"]


def test_a_leaked_label_stops_the_run_by_name_until_it_is_allowed(tmp_path: Path, ask: Ask) -> None:
    columns = applicants()
    folder = project(tmp_path, {**columns, "days_late": (np.asarray(columns["paid"]) == "no") * 30}, "paid")
    status, _, err = ask("run", "--dir", folder)
    assert status == 1
    assert "training is not started, since a sanity check does not hold" in err
    assert "leak: 'days_late' alone tells the label: auroc 1.0000 on held-out rows" in err
    assert 'not_in = ["serving"]' in err
    with Project.load(folder).store() as store:
        assert store.model_versions("rows") == ()
    change(folder, ("\n[train]\n", '\n[train]\nallow = ["days_late"]\n'))
    status, _, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert "leak allowed" in err


def test_parts_of_the_label_are_found_in_bike_sharing(
    tmp_path: Path, ask: Ask, shared_data: Callable[[str], Path]
) -> None:
    lines = gzip.decompress(shared_data("bike-sharing/hour.csv.gz").read_bytes()).splitlines(keepends=True)
    (tmp_path / "bike.csv").write_bytes(b"".join(lines[:2001]))
    initialize(tmp_path / "bike.csv", "cnt", tmp_path)
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 1
    assert "leak_by_function: cnt = casual + registered, in all rows" in err


def test_a_broken_estimator_stops_the_run(tmp_path: Path, ask: Ask) -> None:
    folder = project(tmp_path, applicants(), "paid")
    change(
        folder,
        ("parameters = { n_estimators = 10 }", "parameters = {}"),
        ('"lightgbm"', '"odd_estimators.UpsideDown"'),
    )
    status, _, err = ask("run", "--dir", folder)
    assert status == 1
    assert "one_example: two examples of different labels, learned by heart, do not come out apart" in err


def test_the_checks_can_be_turned_off(tmp_path: Path, ask: Ask) -> None:
    columns = applicants()
    folder = project(tmp_path, {**columns, "copy": np.asarray(columns["paid"]) == "yes"}, "paid")
    change(folder, ("\n[train]\n", "\n[train]\nsanity_checks = false\n"))
    status, _, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert "turned off: sanity_checks = false" in err


@pytest.mark.parametrize("sanity", ["true", "false"])
@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [
        ("lightgbm", "{ n_estimators = 10, min_child_samples = 100000 }"),
        ("sklearn.linear_model.LogisticRegression", "{ C = 0.001 }"),
    ],
    ids=["knows nothing", "never dares"],
)
def test_a_model_that_prints_0_on_98_percent_negatives_is_not_registered(
    estimator: str, parameters: str, sanity: str, tmp_path: Path, ask: Ask
) -> None:
    """Whether it knows nothing, or ranks well and never says the rare class."""
    random = np.random.default_rng(1)
    risk = random.normal(size=2000).round(3)
    ill = np.zeros(2000, np.int64)
    ill[np.argsort(-(risk + random.normal(size=2000) * 0.7))[:40]] = 1
    folder = project(tmp_path, {"risk": risk, "other": random.normal(size=2000).round(3), "ill": ill}, "ill")
    change(
        folder,
        ("parameters = { n_estimators = 10 }", f"parameters = {parameters}"),
        ('"lightgbm"', f'"{estimator}"'),
        ("\n[train]\n", f"\n[train]\nsanity_checks = {sanity}\n"),
    )
    status, _, err = ask("run", "--dir", folder)
    assert status == 1
    if sanity == "false":
        assert "f1 minus prior" in err
        recall = artifact(folder, "evaluation")["test"]["slices"][0]["metrics"]["recall"]  # type: ignore[index, call-overload]
        assert recall["value"] == 0  # type: ignore[index, call-overload]
    with Project.load(folder).store() as store:
        assert store.model_versions("rows") == ()


def test_a_target_above_human_level_is_called_out_before_and_after_training(tmp_path: Path, ask: Ask) -> None:
    folder = project(tmp_path, applicants(), "paid")
    more = """
[[checks]]
moment = "model"
metric = "accuracy"
min = 0.99

[baselines]
human_level = 0.667
human_metric = "accuracy"
human_source = "three inspectors, 2026"
"""
    change(folder, more=more)
    status, out, err = ask("run", "--dir", folder, "--json")
    assert status == 1
    sentence = (
        "a target of 99% where human-level performance is 66.7%: the check asks for accuracy >= 0.99 "
        "(human level: three inspectors, 2026)"
    )
    assert "".join(err.split()).count("".join(sentence.split())) == 1
    assert sentence in json.loads(out)["notes"]
    assert artifact(folder, "sanity")["notes"] == artifact(folder, "evaluation")["warnings"] == [sentence]


def test_people_and_an_older_system_are_measured_on_the_rows_that_they_answered(
    tmp_path: Path, ask: Ask
) -> None:
    columns = applicants(600)
    paid = np.asarray(columns["paid"])
    random = np.random.default_rng(4)
    people = np.where(random.random(600) < 0.1, np.where(paid == "yes", "no", "yes"), paid)
    people = np.where(random.random(600) < 0.5, people, "")
    score = np.where(paid == "yes", 0.8, 0.3).round(1)
    folder = project(tmp_path, {**columns, "inspector": people, "old_score": score}, "paid")
    more = """
[baselines]
human = "inspector"
older = "old_score"

[[checks]]
moment = "model"
metric = "accuracy"
baseline = "human"
min = -0.5

[[checks]]
moment = "model"
metric = "auroc"
baseline = "older"
min = 0.0
"""
    change(folder, more=more)
    status, _, err = ask("run", "--dir", folder)
    assert status == 2
    assert "an older system's answer ([baselines] older)" in err or "a person's answer" in err
    lines = (folder / "features.py").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "inspector" not in line and "old_score" not in line]
    (folder / "features.py").write_text("".join(kept), encoding="utf-8")
    status, _, err = ask("run", "--dir", folder)
    assert status == 1
    document = artifact(folder, "evaluation")
    baselines = document["baselines"]
    assert isinstance(baselines, dict)
    human, older = (baselines[name]["slices"][0] for name in ("human", "older"))  # type: ignore[index, call-overload]
    assert 30 < human["rows"] < 90  # type: ignore[index, call-overload]
    assert older["rows"] == 120  # type: ignore[index, call-overload]
    assert human["metrics"]["accuracy"]["value"] == pytest.approx(0.9, abs=0.1)  # type: ignore[index, call-overload]
    assert older["metrics"]["auroc"]["value"] == 1  # type: ignore[index, call-overload]
    verdicts = {v["check"]: v for v in document["verdicts"]}  # type: ignore[index, union-attr, call-overload]
    assert verdicts["accuracy minus human"]["passed"]  # type: ignore[index, call-overload]
    assert not verdicts["auroc minus older"]["passed"]  # type: ignore[index, call-overload]


def test_an_older_model_is_met_on_rows_that_are_new_to_it(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    assert ask("run", "--dir", tmp_path)[0] == 0
    more = '\n[baselines]\nolder_model = "customers@1"\n'
    check = '\n[[checks]]\nmoment = "model"\nmetric = "auroc"\nbaseline = "older"\nmin = -0.3\n'
    change(tmp_path, ("n_estimators = 20", "n_estimators = 15"), more=more + check)
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    baselines = artifact(tmp_path, "evaluation")["baselines"]
    assert isinstance(baselines, dict)
    assert "older" in baselines
    change(tmp_path, ("customers@1", "customers@7"))
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 2
    assert "customers" in err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("[baselines]\nhuman_level = 0.9\n", "human_level has no metric"),
        ('[baselines]\nhuman_level = 66.7\nhuman_metric = "accuracy"\n', "and 1 is perfect"),
        ('[baselines]\nhuman = "a"\nhuman_level = 0.9\nhuman_metric = "f1"\n', "two figures of the same"),
        ('[baselines]\nolder = "a"\nolder_model = "b@1"\n', "two older systems"),
        ('[[checks]]\nmoment = "model"\nmetric = "f1"\nbaseline = "human"\nmin = 0\n', "none is declared"),
        ('[[checks]]\nmoment = "model"\nmetric = "f1"\nbaseline = "older"\nmin = 0\n', "none is declared"),
    ],
)
def test_what_cannot_be_meant_is_refused(more: str, words: str, tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    change(tmp_path, more="\n" + more)
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 2
    assert words in err


def test_answers_that_are_no_labels_are_refused(tmp_path: Path, ask: Ask) -> None:
    columns = applicants()
    folder = project(tmp_path, {**columns, "inspector": ["maybe"] * 400}, "paid")
    change(folder, more='\n[baselines]\nhuman = "inspector"\n')
    status, _, err = ask("run", "--dir", folder)
    assert status == 2
    assert "the answer 'maybe' is not a class of the label" in err
    assert "expected: one of no, yes" in err
