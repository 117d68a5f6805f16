"""`tilth errors` on a small scored file and on a project: tags by hand, by rule, through files, by two."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from project_factory import hurried_project
from tilth.errors import NotFoundError, UsageError
from tilth.evaluation import Scored
from tilth.evaluation.errors import read_exchanged
from tilth.pipelines.error_exchange import import_rows
from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake import Filters
from tilth.projects import Workspace
from tilth.store import Store

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A file that somebody else's model scored: bad on rows from the north."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 600)
    north = random.random(600) < 0.2
    wrong = random.random(600) < np.where(north, 0.5, 0.05)
    score = np.where(truth ^ wrong, 0.9, 0.1) + random.uniform(-0.05, 0.05, 600)
    lines = ["number,region,note,y,said,score"]
    lines += [
        f'{at},{"north" if n else "south"},"=1+{at}",{t},{int(t ^ w)},{s:.4f}'
        for at, (n, t, w, s) in enumerate(zip(north, truth, wrong, score, strict=True))
    ]
    path = tmp_path / "scored.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def errors(ask: Ask, scored: Path) -> Ask:
    """`errors("list")` on that file."""
    own = (
        "--data",
        scored,
        "--label",
        "y",
        "--prediction",
        "said",
        "--score",
        "score",
        "--dir",
        scored.parent,
    )

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        return ask("errors", *arguments, *own)

    return run


def _open(path: Path) -> Mistakes:
    rows = Scored.of(path, label="y", prediction="said", score="score").rows()
    return Mistakes.of_scored(Workspace.find(path.parent), rows, ["said", "score"])


def _listed(errors: Ask, *arguments: str) -> list[dict[str, object]]:
    status, out, err = errors("list", "--json", "--limit", "1000", *arguments)
    assert status == 0, err
    found: list[dict[str, object]] = json.loads(out)["rows"]
    return found


def test_the_mistakes_come_surest_first_and_are_tagged_by_hand(errors: Ask) -> None:
    rows = _listed(errors)
    losses = [row["loss"] for row in rows]
    assert losses == sorted(losses, reverse=True)  # type: ignore[type-var]
    assert all(row["truth"] != row["answer"] for row in rows)
    status, out, err = errors("tag", "odd", str(rows[0]["row"])[:9], "--as", "Ann", "--note", "strange")
    assert (status, out) == (0, "'odd' given to 1 row\n"), err
    [tagged] = _listed(errors, "--tag", "odd")
    [tag] = tagged["tags"]  # type: ignore[misc]
    assert (tag["who"], tag["note"], tag["rule"]) == ("Ann", "strange", None)
    assert errors("tag", "odd", str(rows[0]["row"]), "--remove")[0] == 0
    assert errors("list", "--tag", "odd")[0] == 2


def test_a_rule_holds_for_all_rows_and_the_summary_has_the_four_figures(errors: Ask, scored: Path) -> None:
    status, out, err = errors("tag", "from the north", "--where", "region = 'north'", "--as", "Bob")
    assert status == 0, err
    status, out, _ = errors("--json")
    document = json.loads(out)
    [tag] = document["tags"]
    with scored.open() as file:
        rows = list(csv.DictReader(file))
    north = [row for row in rows if row["region"] == "north"]
    wrong = [row for row in rows if row["y"] != row["said"]]
    both = [row for row in wrong if row["region"] == "north"]
    assert (document["errors"], tag["errors"], tag["rows"]) == (len(wrong), len(both), len(north))
    assert tag["share_of_errors"]["value"] == pytest.approx(len(both) / len(wrong))
    assert tag["error_rate"]["value"] == pytest.approx(len(both) / len(north))
    assert tag["share_of_data"]["value"] == pytest.approx(len(north) / len(rows))
    assert tag["room"]["value"] == pytest.approx(len(both) / len(rows))
    assert document["untagged"] == len(wrong) - len(both)
    assert errors("weigh", "from the north", "--hlp", "0.9", "--ease", "3", "--importance", "2")[0] == 0
    [first] = json.loads(errors("--json")[1])["priorities"]
    gap = 0.9 - (1 - len(both) / len(north))
    assert first["room"] == pytest.approx(gap * len(north) / len(rows))
    assert "add features" in [each["action"] for each in first["actions"]]
    assert "from the north: add features" in errors()[1]


def test_a_tag_taken_by_hand_stays_away_until_a_later_rule(scored: Path) -> None:
    with _open(scored) as mistakes:
        mistakes.add_rule("n", "region = 'north'", "bob")
        row = mistakes.rows(0, 1, Filters(tag="n")).rows[0].row
        mistakes.untag(row, "n", "ann")
        assert mistakes.tags_of(row) == ()
        assert row not in [each.row for each in mistakes.rows(0, 1000, Filters(tag="n")).rows]
        mistakes.add_rule("n", "number >= 0", "bob")
        assert [tag.rule for tag in mistakes.tags_of(row)] == ["number >= 0"]
        assert len(mistakes.remove_rule("n", None, "bob")) == 2
        assert mistakes.tags_of(row) == ()


def test_rules_speak_of_answers_and_are_refused_when_they_say_nothing(errors: Ask) -> None:
    assert errors("tag", "sure", "--where", "tilth.score > 0.9 and tilth.label = 1")[0] == 0
    assert all(row["confidence"] > 0.9 for row in _listed(errors, "--tag", "sure"))  # type: ignore[operator]
    for where, words in (
        ("regio = 'north'", "did you mean 'region'"),
        ("number + 1", "not true or false"),
        ("number > avg(number)", "depends on other rows"),
        ("number >", "cannot be used"),
    ):
        status, out, err = errors("tag", "x", "--where", where)
        assert (status, out) == (2, ""), where
        assert words in err
    assert [line for line in errors()[1].splitlines() if line.startswith("x ")] == []


def test_tags_go_to_a_spreadsheet_and_back(errors: Ask, tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    assert errors("export", "-o", file, "--right", "50")[0] == 0
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert all(row["data.note" if "data.note" in row else "note"] for row in rows)
    right = [row for row in rows if row["truth"] == row["answer"]]
    assert len(right) == 50
    for row in [rows[0], *right[:5]]:
        row["tags"] = "strange; ä"
    rows[0]["who"] = "Cem"
    _write(file, rows)
    status, out, err = errors("import", file, "--as", "Ann", "--json")
    assert status == 0, err
    assert json.loads(out) == {"rows": len(rows), "given": 12, "taken": 0, "known": 0, "looked": 50}
    assert json.loads(errors("import", file, "--json")[1])["known"] == 12
    [tagged] = _listed(errors, "--tag", "strange")
    assert {tag["who"] for tag in tagged["tags"]} == {"Cem"}  # type: ignore[attr-defined]
    tags = {tag["tag"]: tag for tag in json.loads(errors("--json")[1])["tags"]}
    assert tags["ä"]["looked"] == 50
    # 5 of the 50 right rows that were looked at have the tag, so a tenth of all right ones is thought to.
    rights = 600 - json.loads(errors("--json")[1])["errors"]
    assert tags["ä"]["share_of_data"]["value"] == pytest.approx((1 + 0.1 * rights) / 600)


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_edits_of_two_people_do_not_undo_each_other(errors: Ask, tmp_path: Path, scored: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    for row in _listed(errors)[:2]:
        errors("tag", "old", str(row["row"]))
    for file, tag in ((one, "by one"), (other, "by other")):
        assert errors("export", "-o", file)[0] == 0
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        rows[0]["tags"] = tag  # takes "old" away
        rows[1]["tags"] += f";{tag}"
        _write(file, rows)
    with _open(scored) as mistakes:
        first = mistakes.rows(0, 2).rows
        mistakes.tag(first[0].row, "on the page", "Dora")
    workers = [
        threading.Thread(target=_import, args=(scored, file, who)) for file, who in ((one, "A"), (other, "B"))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with _open(scored) as mistakes:
        tags = [{(tag.tag, tag.who) for tag in mistakes.tags_of(each.row)} for each in first]
    assert tags[0] == {("by one", "A"), ("by other", "B"), ("on the page", "Dora")}
    assert {("by one", "A"), ("by other", "B")} < tags[1]
    assert "old" in {tag for tag, _ in tags[1]}


def _import(scored: Path, file: Path, who: str) -> None:
    with _open(scored) as mistakes:
        import_rows(mistakes, read_exchanged(file.read_bytes(), str(file)), who, str(file))


def test_a_bad_line_changes_nothing(errors: Ask, tmp_path: Path, scored: Path) -> None:
    file = tmp_path / "bad.csv"
    row = _listed(errors)[0]["row"]
    file.write_text(f"row,tags\n{row},good\nr0000000000000000,good\n")
    status, _, err = errors("import", file)
    assert status == 2
    assert "1 of 2 rows are not in these data, so nothing was changed" in err
    assert "line 3 (r0000000000000000)" in err
    file.write_text(f"row,tags\n{row},{'x' * 200}\n")
    status, _, err = errors("import", file)
    assert status == 2
    assert "line 2" in err
    assert json.loads(errors("--json")[1])["tags"] == []
    assert errors("import", tmp_path / "none.csv")[0] == 2
    assert errors("import", scored.with_suffix(".txt"))[0] == 2


def test_suggestions_are_rules_that_can_be_taken(errors: Ask) -> None:
    status, out, err = errors("suggest", "--json")
    assert status == 0, err
    first = json.loads(out)["suggestions"][0]
    assert "tilth errors tag" in errors("suggest")[1]
    assert "region" in first["where"]
    assert errors("tag", first["tag"], "--where", first["where"])[0] == 0
    assert first["where"] not in [
        each["where"] for each in json.loads(errors("suggest", "--json")[1])["suggestions"]
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_list_is_written_to_a_file(errors: Ask, tmp_path: Path, suffix: str) -> None:
    from tilth.tables import open_table

    file = tmp_path / f"list{suffix}"
    assert errors("list", "-o", file, "--limit", "7")[0] == 0
    assert open_table(file).rows == 7


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tag", "x"), "which rows?"),
        (("tag", "a;b", "--where", "number > 1"), "is no tag"),
        (("tag", "x", "12"), "there is no row '12'"),
        (("tag", "x", "abcd", "--where", "number > 1"), "rows and --where at once"),
        (("weigh", "x"), "nothing is said"),
        (("weigh", "x", "--hlp", "0.9"), "there is no tag 'x'"),
        (("list", "--model", "m"), "leave out --model"),
        (("export", "-o", "x.txt"), "expected: .csv or .json"),
    ],
)
def test_mistakes_of_use_are_told(errors: Ask, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = errors(*arguments)
    assert (status, out) == (2, "")
    assert words in err


def test_tags_of_a_project_outlive_a_run(tmp_path: Path, ask: Ask) -> None:
    project = hurried_project(tmp_path)
    assert ask("run", "--dir", tmp_path)[0] == 0
    with Mistakes.of_project(project) as mistakes:
        row = mistakes.rows(0, 1).rows[0]
        assert row.wrong
        assert set(row.values) == {"income", "age", "plan", "bought"}
        mistakes.tag(row.row, "first", "ann")
    with project.store() as store:
        [remark] = store.remarks(project.name, "tag")
        assert isinstance(remark.value, dict)
        assert remark.value["run"] == 1
    toml = tmp_path / "tilth.toml"
    toml.write_text(toml.read_text().replace("n_estimators = 20", "n_estimators = 10"))
    assert ask("run", "--dir", tmp_path)[0] == 0
    status, out, err = ask("errors", "--dir", tmp_path, "--json")
    assert status == 0, err
    assert json.loads(out)["name"].endswith("run 2, dev part")
    assert [tag["tag"] for tag in json.loads(out)["tags"]] == ["first"]
    data = ask("errors", "--dir", tmp_path, "--json", "--data", tmp_path / "customers.csv")
    assert json.loads(data[1])["rows"] == 400
    assert ask("errors", "--dir", tmp_path, "--run", "1", "--part", "test")[0] == 0
    assert ask("errors", "--dir", tmp_path, "--run", "9")[0] == 2


def test_a_row_of_no_data_is_refused(scored: Path) -> None:
    with _open(scored) as mistakes:
        with pytest.raises(NotFoundError, match="there is no row"):
            mistakes.tag("0" * 16, "x", "ann")
        with pytest.raises(UsageError, match="is no name"):
            mistakes.tag(mistakes.ids[0], "x", " ")
        with pytest.raises(UsageError, match="no 'bad' rows"):
            mistakes.rows(filters=Filters(rows="bad"))


def test_others_tags_are_seen_at_once(scored: Path) -> None:
    with _open(scored) as mine, _open(scored) as theirs:
        row = mine.rows(0, 1).rows[0].row
        theirs.tag(row, "seen", "bob")
        assert [tag.tag for tag in mine.tags_of(row)] == ["seen"]
        assert isinstance(mine.store, Store)
