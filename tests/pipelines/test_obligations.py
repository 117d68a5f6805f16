"""What [evaluate] says that a model owes: measured in the evaluate step, judged before a release."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project_factory import hurried_project
from tilth.errors import ColumnNotFoundError, DataError, ProjectError, TilthError
from tilth.evaluation import MustPass
from tilth.pipelines import RunReport, StepReport, obligations, run_pipeline, watching
from tilth.pipelines.scored_parts import scored_part
from tilth.pipelines.telling import tell
from tilth.projects import Project, initialize

RIGHT = "income,age,plan,bought\n90,40,pro,yes\n5,40,basic,no\n"
WRONG = "income,age,plan,bought\n90,40,pro,yes\n5,40,basic,yes\n"


class Silent:
    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run(project: Project) -> RunReport:
    return run_pipeline(project, Silent())


def states(report: RunReport) -> dict[str, str]:
    return {step.step: step.state for step in report.steps}


def document(project: Project, report: RunReport) -> Mapping[str, Any]:
    artifact = report.artifact("evaluation")
    assert artifact is not None
    found: Mapping[str, Any] = json.loads(project.artifacts().read_bytes(artifact.digest, ".json"))
    return found


def told(folder: Path, *lines: str, checks: str = "") -> Project:
    """A small project with these lines under [evaluate]."""
    toml = hurried_project(folder).directory / "tilth.toml"
    return retold(toml, lines, checks)


def retold(toml: Path, lines: tuple[str, ...], checks: str = "") -> Project:
    before, _, after = toml.read_text(encoding="utf-8").partition("[evaluate]\n")
    toml.write_text(
        "\n".join((f"{before}[evaluate]", *lines, "")) + after.partition("\n")[2] + checks, encoding="utf-8"
    )
    return Project.load(toml.parent)


def check(metric: str, *bounds: str, moment: str = "model") -> str:
    return "\n".join(('\n[[checks]]\nmetric = "' + metric + f'"\nmoment = "{moment}"', *bounds, ""))


def test_gaps_are_measured_tracked_and_judged(tmp_path: Path) -> None:
    project = told(
        tmp_path,
        'protected = ["plan", "ranges(age, 50)"]',
        'slices = [["plan", "ranges(age, 50)"]]',
        "minimum_rows = 5",
        checks=check("gap.positive_rate.ranges(age, 50)", "max = 0.9")
        + check("ratio.positive_rate.plan", "min = 0.99")
        + check("gap.accuracy.ranges(age, 50)", 'baseline = "linear"', "max = 0.5"),
    )
    report = run(project)
    assert report.failure is not None
    assert "ratio.positive_rate.plan" in str(report.failure)
    assert "gap." not in str(report.failure)
    found = document(project, report)
    assert [each["attribute"] for each in found["fairness"]["attributes"]] == [
        "plan",
        "ranges(age, 50)",
        "plan,ranges(age, 50)",
    ]
    metrics = found["test"]["slices"][0]["metrics"]
    first = found["fairness"]["attributes"][0]
    assert metrics["ratio.positive_rate.plan"] == first["gaps"]["positive_rate"]["ratio"]
    groups = {group["slice"]["plan"]: group for group in first["groups"]}
    rates = [group["metrics"]["positive_rate"]["value"] for group in groups.values() if not group["small"]]
    assert metrics["gap.positive_rate.plan"]["value"] == pytest.approx(max(rates) - min(rates))
    held = {verdict["metric"]: verdict for verdict in found["verdicts"]}["gap.accuracy.ranges(age, 50)"]
    assert held["passed"]
    assert held["baseline_value"] is not None
    with project.store() as store:
        tracked = store.metrics(store.run(report.run))
    assert "gap.positive_rate.plan" in str(tracked)


def test_an_edited_must_pass_set_is_judged_again_and_stops_the_release(tmp_path: Path) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]')
    (tmp_path / "loyal.csv").write_text(RIGHT)
    report = run(project)
    assert report.failure is None
    assert document(project, report)["test"]["slices"][0]["metrics"]["must_pass.loyal"]["value"] == 1.0
    assert states(run(project))["evaluate"] == "skipped"
    (tmp_path / "loyal.csv").write_text(WRONG)
    report = run(project)
    assert (states(report)["train"], states(report)["evaluate"]) == ("skipped", "failed")
    assert "must_pass.loyal: 0.5 < 1" in str(report.failure)
    found = document(project, report)
    assert found["must_pass"] == [
        {
            "name": "loyal",
            "rows": 2,
            "failed": 1,
            "share": {"value": 0.5, "low": None, "high": None},
            "failing": [{"row": 2, "label": "yes", "answer": "no"}],
        }
    ]
    assert report.notes == ("must-pass set loyal: 1 of 2 rows wrong (row 2: no, which is yes)",)


def test_advice_speaks_of_figures_that_every_part_has_and_not_of_enough(tmp_path: Path) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]', checks=check("must_pass.loyal", "min = 1"))
    (tmp_path / "loyal.csv").write_text(WRONG)
    evaluation = dict(document(project, run(project)))
    telling = tell(project.configuration, {"evaluation": evaluation})
    assert telling is not None
    assert "must_pass.loyal" not in telling.metrics
    assert "undefined on train" not in telling.advice.sentence
    # A model that nothing else can be said against
    perfect = {"value": 1.0, "low": 1.0, "high": 1.0}
    for part in ("train", "dev", "test"):
        evaluation[part]["slices"][0]["metrics"]["auroc"] = perfect
    telling = tell(project.configuration, {"evaluation": evaluation | {"baselines": {}}})
    assert telling is not None
    assert telling.advice.kind == "another model"
    assert "it does not do what it owes: must_pass.loyal 0.5 < 1" in telling.advice.sentence


def test_a_must_pass_set_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]')
    (tmp_path / "loyal.csv").write_text(RIGHT)
    judge = obligations.must_pass

    def meddled(*given: Any) -> MustPass:
        (tmp_path / "loyal.csv").write_text(WRONG)
        return judge(*given)

    monkeypatch.setattr(obligations, "must_pass", meddled)
    with pytest.raises(DataError, match="changed while it was read"):
        run(project)


def test_a_declared_bound_goes_before_the_implied_one(tmp_path: Path) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]', checks=check("must_pass.loyal", "min = 0.4"))
    (tmp_path / "loyal.csv").write_text(WRONG)
    report = run(project)
    assert report.failure is None
    assert "1 of 2 rows wrong" in report.notes[0]


def test_an_empty_must_pass_set_proves_nothing(tmp_path: Path) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]')
    (tmp_path / "loyal.csv").write_text("income,age,plan,bought\n")
    assert "must_pass.loyal: undefined" in str(run(project).failure)


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        (None, ProjectError, "loyal.csv is not there"),
        ("income,age,plan\n90,40,pro\n", ColumnNotFoundError, "'bought'"),
        ("income,plan,bought\n90,pro,yes\n", ColumnNotFoundError, "'age'"),
        ("income,age,plan,bought\n90,40,pro,maybe\n", DataError, "maybe"),
        ("income,age,plan,bought\n90,40,pro,\n", DataError, "have no label"),
        ("income,age,plan,bought\nmuch,40,pro,yes\n", DataError, "income"),
    ],
)
def test_a_must_pass_set_that_cannot_be_answered_says_why(
    text: str | None, kind: type[TilthError], wanted: str, tmp_path: Path
) -> None:
    project = told(tmp_path, 'must_pass = ["loyal.csv"]')
    if text is not None:
        (tmp_path / "loyal.csv").write_text(text)
    with pytest.raises(kind, match=wanted):
        run(project)


def test_words_that_must_never_be_said_stop_the_release(tmp_path: Path) -> None:
    project = told(tmp_path, 'never = ["rude.txt"]')
    (tmp_path / "rude.txt").write_text("perhaps\n")
    report = run(project)
    assert report.failure is None
    assert document(project, report)["never"][0]["hits"] == 0
    (tmp_path / "rude.txt").write_text("# the label itself\nYES\n")
    report = run(project)
    found = document(project, report)["never"][0]
    assert found["words"] == [{"word": "YES", "rows": found["hits"]}]
    assert f"never.rude: {found['hits']} > 0" in str(report.failure)
    (tmp_path / "rude.txt").unlink()
    with pytest.raises(ProjectError, match=r"rude\.txt is not there"):
        run(project)
    (tmp_path / "rude.txt").write_text("# nothing\n")
    with pytest.raises(DataError, match="the list has no words"):
        run(project)


def test_important_rows_count_more_in_every_figure(
    tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    project = told(tmp_path)
    plain = document(project, run(project))
    project = retold(tmp_path / "tilth.toml", ("""importance = { "plan = 'pro'" = 10 }""", "discover = true"))
    report = run(project)
    found = document(project, report)
    assert report.notes == ()
    assert found["test"]["notes"][-1] == "rows are weighed times 10 where plan = 'pro'"
    assert found["unweighted"]["slices"] == plain["test"]["slices"]
    assert found["unweighted"]["notes"] == []
    for part in ("test", "train", "dev"):
        values = [each[part]["slices"][0]["metrics"]["accuracy"]["value"] for each in (plain, found)]
        assert values[0] != values[1], part
    rows = [each["test"]["slices"][0]["rows"] for each in (plain, found)]
    assert rows[0] == rows[1]
    status, out, _ = ask(
        "evaluate", tmp_path / "customers.csv", "--model", "champion", "--dir", tmp_path, "--json"
    )
    assert status == 0
    assert "rows are weighed times 10" in json.loads(out)["notes"][-1]


def test_a_column_of_weights_weighs_rows(tmp_path: Path) -> None:
    project = told(tmp_path, 'weight = "w"')
    lines = (tmp_path / "customers.csv").read_text().splitlines()
    random = np.random.default_rng(0)
    weighed = [f"{lines[0]},w", *(f"{line},{random.integers(0, 4)}" for line in lines[1:])]
    (tmp_path / "customers.csv").write_text("\n".join(weighed) + "\n")
    (tmp_path / "schema.toml").unlink()
    found = document(project, run(project))
    assert found["test"]["notes"][-1] == "rows are weighed by 'w'"
    for part in ("test", "dev", "train"):
        rows = scored_part(project, parts=(part,)).rows
        weights = rows.table.select(["w"]).to_arrow().column(0).to_numpy()
        expected = np.average(~rows.wrong, weights=weights)
        assert found[part]["slices"][0]["metrics"]["accuracy"]["value"] == pytest.approx(expected)


def test_numbers_must_pass_within_the_tolerance_of_each_row(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 1, 300)
    rows = [f"{a:.4f},{3 * a + random.normal(0, 0.1):.4f}" for a in x]
    (tmp_path / "a.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    initialize(tmp_path / "a.csv", "y", tmp_path)
    (tmp_path / "near.csv").write_text("x,y,tolerance\n0.5,1.5,1\n0.5,9,1\n")
    toml = tmp_path / "tilth.toml"
    toml.write_text(
        toml.read_text().replace("[train]\n", "[train]\nsanity_checks = false\nlearning_curve = []\n")
    )
    report = run(
        retold(toml, ('must_pass = ["near.csv"]', 'protected = ["ranges(x, 0)"]', "minimum_rows = 10"))
    )
    assert "must_pass.near: 0.5 < 1" in str(report.failure)
    found = document(Project.load(tmp_path), report)
    assert found["must_pass"][0]["failing"][0]["row"] == 2
    assert found["test"]["slices"][0]["metrics"]["gap.mean_error.ranges(x, 0)"]["value"] is not None
    (tmp_path / "near.csv").write_text("x,y\n0.5,1.5\n")
    with pytest.raises(DataError, match="need a tolerance"):
        run(Project.load(tmp_path))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('protected = ["plam"]', "'plam'"),
        ('weight = "wight"', "'wight'"),
        ("""importance = { "plam = 'pro'" = 2 }""", "'plam'"),
    ],
)
def test_columns_that_are_not_there_are_named_before_anything_is_done(
    line: str, wanted: str, tmp_path: Path
) -> None:
    with pytest.raises(ColumnNotFoundError, match=wanted):
        run(told(tmp_path, line))


def test_what_was_recorded_is_shown_with_its_groups(
    tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    project = told(tmp_path, 'protected = ["ranges(age, 50)"]')
    run(project)
    told_so = ("evaluate", "--model", "champion", "--dir", tmp_path)
    status, out, _ = ask(*told_so)
    assert status == 0
    assert "by ranges(age, 50)" in out
    status, out, _ = ask(*told_so, "--json")
    assert json.loads(out)["fairness"]["attributes"][0]["attribute"] == "ranges(age, 50)"
    status, _, err = ask(*told_so, "--protected", "plan")
    assert status == 2
    assert "DATA beside --model" in err


def test_what_is_served_is_compared_with_figures_that_are_not_weighted_either(tmp_path: Path) -> None:
    project = told(tmp_path, """importance = { "plan = 'pro'" = 10 }""")
    found = document(project, run(project))
    with project.store() as store:
        served = watching._champion(project, store, project.artifacts())
    plain, weighted = (found[name]["slices"][0]["metrics"]["accuracy"] for name in ("unweighted", "test"))
    assert served.reference.metrics["accuracy"].value == plain["value"] != weighted["value"]
