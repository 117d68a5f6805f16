"""Look-ups in the pipeline: joined as known at each row's time, stored as known now."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lookup_projects import NOW, loans_project, write_balances
from tilth.errors import NotFoundError, ProjectError, UsageError
from tilth.pipelines import RunReport, materialize, predict_table, reproduce, run_pipeline
from tilth.pipelines.lookup_step import lookup_state
from tilth.projects import Project
from tilth.projects.lookup_stores import lookup_path, lookup_store
from tilth.tables import join_as_of, open_table
from tilth.tables.lookups import key_maker


class Silent:
    """A listener that tells nobody."""

    def started(self, step: str) -> None:
        pass

    def ended(self, report: object) -> None:
        pass


def run(project: Project, until: str | None = None) -> RunReport:
    return run_pipeline(project, Silent(), until=until)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return loans_project(tmp_path / "loans")


def dataset_of(project: Project, report: RunReport) -> Any:
    artifact = report.artifact("dataset")
    assert artifact is not None
    return pq.read_table(project.artifacts().path(artifact.digest, ".parquet"))


def changed(project: Project, before: str, after: str) -> Project:
    path = project.directory / "tilth.toml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return Project.load(project.directory)


def test_the_data_have_what_was_known_at_each_rows_time(project: Project) -> None:
    report = run(project, "ingest")
    expected = join_as_of(
        str(project.directory / "loans.csv"),
        str(project.directory / "balances.parquet"),
        on={"customer": "client"},
        time="at",
        max_age=datetime.timedelta(days=60),
    ).to_arrow()
    made = dataset_of(project, report)
    assert made.column_names == ["customer", "at", "amount", "repaid", "balance", "tier"]
    assert made["balance"].to_pylist() == expected["balance"].to_pylist()
    assert 0 < made["balance"].null_count < made.num_rows
    assert "'balances' known of 353 of 400 rows" in report.steps[0].summary


def test_the_join_is_cached_and_done_again_for_other_features_or_another_look_up(project: Project) -> None:
    def state() -> str:
        return run(Project.load(project.directory), "ingest").steps[0].state

    assert [state(), state()] == ["complete", "skipped"]
    changed(project, '"sqlite"', '"memory"')  # where rows for requests are changes no training
    assert state() == "skipped"
    write_balances(project.directory / "balances.parquet", shift=1.0)
    assert [state(), state()] == ["complete", "skipped"]
    changed(project, '"60d"', '"5d"')
    assert state() == "complete"


def test_the_features_are_in_the_lineage_and_the_run_can_be_reproduced(project: Project) -> None:
    report = run(project)
    with project.store() as store:
        (ingest,) = [e for e in store.executions(run=store.run(report.run)) if e.step == "ingest"]
        names = {name: Path(artifact.name).name for name, artifact in store.inputs(ingest).items()}
    assert names == {"sources": "loans.csv", "lookups": "balances.parquet"}
    assert reproduce(project, str(report.run), Silent()).is_identical


def test_a_batch_lacks_nothing_that_can_be_looked_up(project: Project) -> None:
    run(project)
    answers = {}
    for name in ("loans.csv", "joined.parquet"):
        if name == "joined.parquet":
            made = dataset_of(project, run(project, "ingest"))
            pq.write_table(made, project.directory / name)
        out = project.directory / f"{name}.answers.parquet"
        predict_table(project, str(project.directory / name), out)
        answers[name] = pq.read_table(out)
    assert answers["loans.csv"].equals(answers["joined.parquet"])
    timeless = project.directory / "timeless.csv"
    timeless.write_text("customer,amount\n1,30.5\n999,30.5\n", encoding="utf-8")
    predict_table(project, str(timeless), project.directory / "now.parquet")
    known = pq.read_table(project.directory / "now.parquet")
    assert known["balance"].to_pylist() == [None, None]  # by now they are older than 60 days
    assert "tilth.now" not in known.column_names


def test_a_batch_begins_anew_where_the_features_have_changed(project: Project) -> None:
    before = lookup_state(project)
    assert before == lookup_state(project) != ""
    write_balances(project.directory / "balances.parquet", shift=1.0)
    assert lookup_state(project) != before
    (project.directory / "balances.parquet").unlink()
    assert lookup_state(project) == ""  # data that bring all columns can do without


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_what_is_stored_is_the_newest_row_that_is_known(tmp_path: Path, store: str) -> None:
    project = loans_project(tmp_path, store)
    balances = write_balances(tmp_path / "balances.parquet")
    (made,) = materialize(project, clock=lambda: NOW)
    key = key_maker(["int"])
    stored = lookup_store(project, project.configuration.lookups[0])
    moment = NOW.replace(tzinfo=None)
    for client in range(40):
        newest = max((at, balance) for who, at, balance in balances if who == client and at <= moment)
        (row,) = stored.get([key([client]) or b""])
        assert row is not None
        assert row[1:] == [newest[1], "ab"[client % 2]]
    last = max(at for _, at, _ in balances if at <= moment)
    assert (made.outcome, made.info.rows) == ("written", 40)
    assert made.freshness_s == (moment - last).total_seconds()
    stored.close()


def test_nothing_is_written_where_it_would_be_the_same(project: Project) -> None:
    def outcome(moment: datetime.datetime, **how: Any) -> str:
        return materialize(Project.load(project.directory), clock=lambda: moment, **how)[0].outcome

    soon, later = NOW + datetime.timedelta(seconds=1), NOW + datetime.timedelta(days=5)
    assert outcome(NOW) == "written"
    path = lookup_path(project, project.configuration.lookups[0])
    mark = path.stat().st_ino
    assert outcome(soon) == "unchanged"
    assert path.stat().st_ino == mark
    assert outcome(later, incremental=True) == "updated"  # rows that were of the future are known now
    assert outcome(later) == "unchanged"
    changed(project, 'time = "at"', 'time = "at"\ncolumns = ["balance"]')
    assert outcome(later, incremental=True) == "written"
    path.write_bytes(b"damaged")
    assert outcome(later) == "written"


def test_an_update_gives_what_writing_it_all_gives(project: Project) -> None:
    later = NOW + datetime.timedelta(days=5)
    path = lookup_path(project, project.configuration.lookups[0])
    contents = []
    for how in (True, False):
        path.unlink(missing_ok=True)
        materialize(project, clock=lambda: NOW)
        if not how:
            path.unlink()
        (made,) = materialize(project, incremental=how, clock=lambda: later)
        stored = lookup_store(project, project.configuration.lookups[0])
        key = key_maker(["int"])
        contents.append((made.info, stored.get([key([n]) or b"" for n in range(44)])))
        stored.close()
    assert contents[0] == contents[1]


def test_names_and_features_that_are_not_there_are_told(project: Project) -> None:
    with pytest.raises(NotFoundError, match="no look-up 'balance'") as raised:
        materialize(project, ["balance"])
    assert "did you mean 'balances'?" in str(raised.value)
    (project.directory / "balances.parquet").unlink()
    with pytest.raises(ProjectError, match=r"balances\.parquet"):
        materialize(project)
    with pytest.raises(ProjectError, match=r"balances\.parquet"):
        run(project, "ingest")
    elsewhere = changed(project, '"balances.parquet"', '"sqlite:///x.db?table=t"')
    with pytest.raises(ProjectError, match="not in local files"):
        materialize(elsewhere)


def test_a_project_without_look_ups_is_told(project: Project) -> None:
    path = project.directory / "tilth.toml"
    path.write_text(path.read_text(encoding="utf-8").partition("[[lookups]]")[0], encoding="utf-8")
    with pytest.raises(UsageError, match="no look-ups"):
        materialize(Project.load(project.directory))


def test_a_column_of_both_tables_is_refused_and_a_prefix_mends_it(project: Project) -> None:
    table = open_table(str(project.directory / "balances.parquet")).to_arrow()
    names = ["amount" if name == "balance" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), project.directory / "balances.parquet")
    with pytest.raises(Exception, match="two columns would be called 'amount'"):
        run(project, "ingest")
    mended = changed(project, 'time = "at"', 'time = "at"\nprefix = "had"')
    assert "had.amount" in dataset_of(mended, run(mended, "ingest")).column_names


def test_what_is_said_is_json(project: Project) -> None:
    (made,) = materialize(project, clock=lambda: NOW)
    told = json.loads(json.dumps(made.to_json()))
    assert told["at"] == "2020-03-01T00:00:00+00:00"
    assert (told["keys"], told["outcome"], told["notes"]) == (40, "written", [])
