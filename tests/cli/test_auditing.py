"""The audit through the command line: what it finds, who signs, and what it lets out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from project_factory import hurried_project
from tilth.pipelines import StepReport, run_pipeline
from tilth.pipelines import audit as audit_module
from tilth.pipelines.audit import Gate
from tilth.projects import Project
from tilth.store import Said

Ask = Callable[..., tuple[int, str, str]]

HOLDS = '[[risk]]\nname = "misses buyers"\nwhat = "no offer"\nmetric = "recall"\nmin = 0.2\n'
FAILS = '[[risk]]\nname = "not perfect"\nwhat = "an error"\nmetric = "accuracy"\nmin = 1.0\n'


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def change(folder: Path, old: str, new: str) -> Project:
    path = folder / "tilth.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Project.load(folder)


def demand(folder: Path, *risks: str) -> None:
    """Demand an audit, of these risks."""
    path = folder / "tilth.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[audit]\nrequired = true\n", encoding="utf-8")
    if risks:
        (folder / "audit.toml").write_text("\n".join(risks), encoding="utf-8")


def aliases(folder: Path) -> dict[str, int]:
    project = Project.load(folder)
    with project.store() as store:
        return store.aliases(project.name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with versions 1 (the champion) and 2 (the challenger), measured on the slices of plan."""
    folder = tmp_path_factory.mktemp("trained")
    hurried_project(folder, rows=300)
    change(folder, "slices = []", 'slices = [["plan"]]')
    for trees in (20, 8):
        before, _, after = (folder / "tilth.toml").read_text().partition("n_estimators = ")
        (folder / "tilth.toml").write_text(f"{before}n_estimators = {trees}{after[after.index(' }') :]}")
        assert run_pipeline(Project.load(folder), Silent()).failure is None
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "project")
    return tmp_path / "project"


def found(ask: Ask, folder: Path, *more: str) -> dict[str, dict[str, object]]:
    """The risks of an audit by their names."""
    _, out, _ = ask("audit", "--dir", folder, "--json", *more)
    return {risk["name"]: risk for risk in json.loads(out)["risks"]}


def refused(ask: Ask, folder: Path, *words: str) -> None:
    """That promotion is stopped, with these words, and nothing has moved."""
    before = aliases(folder)
    status, out, err = ask("promote", "--dir", folder)
    assert (status, out) == (1, "")
    for word in ("customers@2 may not be promoted", *words):
        assert word in err
    assert aliases(folder) == before


def test_an_audit_shows_each_risk_with_its_value_and_verdict(ask: Ask, folder: Path) -> None:
    (folder / "audit.toml").write_text(HOLDS + FAILS)
    status, out, err = ask("audit", "--dir", folder)
    assert (status, err) == (1, "")
    assert "audit of customers@2 (challenger)" in out
    assert "fail: not perfect (an error): 0." in out
    assert "1 of 2 risks does not hold" in out
    assert "1 of 2 risks is not signed" in out
    risks = found(ask, folder)
    assert risks["misses buyers"]["passed"]
    assert not risks["not perfect"]["passed"]
    assert isinstance(risks["misses buyers"]["low"], float)
    assert risks["misses buyers"]["signature"] is None
    ask("evaluate", "--model", "2", "--dir", folder, "--json")
    status, out, _ = ask("evaluate", "--model", "2", "--dir", folder, "--json")
    measured = json.loads(out)["slices"][0]["metrics"]["recall"]
    assert {key: risks["misses buyers"][key] for key in measured} == measured


def test_an_audit_that_is_not_demanded_needs_no_signature(ask: Ask, folder: Path) -> None:
    (folder / "audit.toml").write_text(HOLDS)
    status, out, _ = ask("audit", "--dir", folder, "--json")
    document = json.loads(out)
    assert (status, document["holds"], document["signed"], document["required"]) == (0, True, False, False)
    assert ask("promote", "--dir", folder)[0] == 0


def test_a_signed_audit_lets_a_model_out_and_a_rollback_needs_none(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS)
    assert ask("audit", "--dir", folder)[0] == 1
    refused(ask, folder, "'misses buyers' is not signed")
    status, out, err = ask("audit", "sign", "--all", "--as", "Ann", "--note", "seen", "--dir", folder)
    assert status == 0
    assert "signed by Ann: misses buyers" in err
    assert "all bounds hold and it is signed" in out
    assert ask("audit", "--dir", folder)[0] == 0
    assert ask("promote", "--dir", folder)[0] == 0
    assert aliases(folder) == {"champion": 2}
    (folder / "audit.toml").unlink()
    assert ask("rollback", "--dir", folder)[0] == 0
    assert aliases(folder) == {"champion": 1}


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (FAILS, ["'not perfect' does not hold: accuracy 0.", "< 1"]),
        (HOLDS.replace("recall", "recal"), ["no metric 'recal'; did you mean 'recall'?"]),
        (
            HOLDS + 'slice = { plan = "gold" }\n',
            ["no slice 'plan=gold'. There are: all rows, plan=", "plan=basic"],
        ),
        (HOLDS + 'slice = { city = "Rome" }\n', ["no column 'city'"]),
        (HOLDS + 'slice = { "age > 200" = "true" }\n', ["no slice 'age > 200=true'. There are: all rows"]),
        (HOLDS + 'slice = { "age >" = "true" }\n', ["the slice 'age >' cannot be used"]),
        (HOLDS + 'baseline = "human"\n', ["no baseline 'human'. There are: majority"]),
        (HOLDS.replace("0.2", "0.9") + 'baseline = "champion"\n', ["recall minus champion", "< 0.9"]),
        (HOLDS + 'baseline = "linear"\nslice = { "age > 40" = "true" }\n', ["linear was not measured there"]),
        (HOLDS + 'metrics = "x"\n', ["unknown key 'metrics'", "audit.toml, [[risk]] 2"]),
        ("", ["no risk is named"]),
    ],
)
def test_what_stops_a_promotion_with_its_reason(ask: Ask, folder: Path, risk: str, words: list[str]) -> None:
    demand(folder, HOLDS.replace("misses", "also misses"), risk) if "[[risk]]" in risk else demand(folder)
    if not risk:
        (folder / "audit.toml").write_text("# nothing yet\n")
    ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)
    refused(ask, folder, *words)


def test_without_an_audit_file_nothing_goes_out(ask: Ask, folder: Path) -> None:
    demand(folder)
    refused(ask, folder, "there is no audit.toml here", "tilth audit init")
    status, _, err = ask("audit", "--dir", folder)
    assert status == 2
    assert "tilth audit init" in err


def test_a_bound_that_does_not_hold_cannot_be_signed(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS, FAILS)
    status, _, err = ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)
    assert status == 1
    assert "not perfect: it does not hold" in err
    assert found(ask, folder)["misses buyers"]["signed"]
    assert not found(ask, folder)["not perfect"]["signed"]
    assert ask("audit", "sign", "--risk", "misses buyers", "--as", "Ann", "--dir", folder)[0] == 0


def test_even_a_forged_signature_does_not_let_a_failed_bound_out(ask: Ask, folder: Path) -> None:
    demand(folder, FAILS)
    project = Project.load(folder)
    with project.store() as store:
        found, _ = audit_module.audited(project, store, None)
        from tilth.pipelines.audit_signatures import signing

        (entry,) = found.entries
        store.record_remarks([signing(found.version, entry.finding, "Mallory")])
    refused(ask, folder, "'not perfect' does not hold")


def test_a_changed_risk_voids_its_signature_and_no_other(ask: Ask, folder: Path) -> None:
    other = HOLDS.replace("misses", "also misses")
    demand(folder, HOLDS, other)
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    (folder / "audit.toml").write_text(HOLDS.replace("0.2", "0.19") + other)
    refused(ask, folder, "'misses buyers' is not signed any more: the risk has been changed since")
    risks = found(ask, folder)
    assert [risks[name]["signed"] for name in ("misses buyers", "also misses buyers")] == [False, True]
    assert "void: Ann's signature of 'misses buyers'" in ask("audit", "--dir", folder)[1]
    (folder / "audit.toml").write_text(HOLDS + other)
    assert ask("promote", "--dir", folder)[0] == 0


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("model", "it was given for another model"),
        ("measured", "evaluated to something else since"),
        ("outcome", "the result was 'x' and is 'pass 0."),
    ],
)
def test_a_signature_holds_for_one_model_and_one_result(ask: Ask, folder: Path, key: str, words: str) -> None:
    demand(folder, HOLDS)
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    project = Project.load(folder)
    with project.store() as store:
        (signed,) = store.remarks("customers", "signature")
        assert isinstance(signed.value, dict)
        value = {**signed.value, key: "x"}
        store.record_remarks([Said("customers", "signature", "customers@2", "misses buyers", value, "Ann")])
    refused(ask, folder, words)


def test_a_signature_of_one_version_is_none_of_another(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS)
    assert ask("audit", "sign", "1", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    assert found(ask, folder, "customers@1")["misses buyers"]["signed"]
    refused(ask, folder, "'misses buyers' is not signed")


def test_a_risk_that_has_an_owner_is_signed_by_no_other(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS + 'owner = "Ann Lee"\n', HOLDS.replace("misses", "also misses"))
    status, _, err = ask("audit", "sign", "--risk", "misses buyers", "--as", "Bob", "--dir", folder)
    assert status == 1
    assert "misses buyers: it is Ann Lee's to sign" in err
    status, _, err = ask("audit", "sign", "--all", "--as", "Bob", "--dir", folder)
    assert status == 0
    assert "left: misses buyers: it is Ann Lee's to sign" in err
    refused(ask, folder, "'misses buyers' is not signed; it is Ann Lee's to sign")
    assert ask("audit", "sign", "--all", "--as", " ann  lee ", "--dir", folder)[0] == 0
    assert ask("promote", "--dir", folder)[0] == 0


def test_a_signature_can_be_taken_back(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS)
    words = ("audit", "sign", "--all", "--as", "Ann", "--dir", folder)
    assert ask(*words)[0] == 0
    assert ask(*words, "--withdraw")[0] == 0
    refused(ask, folder, "'misses buyers' is not signed")
    status, _, err = ask(*words, "--withdraw")
    assert (status, "nobody has signed it" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as", "Ann"], "which risks?"),
        (["--as", "Ann", "--all", "--risk", "a"], "two ways"),
        (["--as", "Ann", "--risk", "mises buyers"], "did you mean 'misses buyers'?"),
        (["--as", " ", "--all"], "no name to sign with"),
        (["--as", "A\nnn", "--all"], "no name to sign with"),
        (["--as", "Ann", "--all", "--note", "x" * 2001], "2,001 characters"),
        (["--all"], "--as"),
        (["7", "--as", "Ann", "--all"], "no version 7"),
    ],
)
def test_what_cannot_be_signed_with(ask: Ask, folder: Path, arguments: Sequence[str], words: str) -> None:
    (folder / "audit.toml").write_text(HOLDS)
    status, out, err = ask("audit", "sign", *arguments, "--dir", folder)
    assert (status, out) == (2, "")
    assert words in err
    project = Project.load(folder)
    with project.store() as store:
        assert store.remarks("customers", "signature") == ()


def test_a_slice_that_was_not_measured_is_measured_on_the_test_part(ask: Ask, folder: Path) -> None:
    slices = ['{ "age > 40" = "true" }', '{ "quantiles(age, 2)" = "< 50" }', '{ plan = "pro" }']
    risks = [HOLDS.replace("misses", f"{n}") + f"slice = {each}\n" for n, each in enumerate(slices)]
    (folder / "audit.toml").write_text("\n".join([*risks, HOLDS + 'part = "dev"\n']))
    risks_found = found(ask, folder)
    assert all(risk["passed"] or risk["name"] == "1 buyers" for risk in risks_found.values())
    by_hand = json.loads(ask("report", "customers@2", "--dir", folder, "--json")[1])
    assert risks_found["misses buyers"]["rows"] == by_hand["milestones"]["dev"]["rows"]
    recorded = json.loads(ask("evaluate", "--model", "2", "--dir", folder, "--json")[1])
    (pro,) = (each for each in recorded["slices"] if each["slice"] == {"plan": "pro"})
    assert risks_found["2 buyers"]["rows"] == pro["rows"]
    rows = {name: risk["rows"] for name, risk in risks_found.items()}
    assert isinstance(rows["0 buyers"], int)
    assert 0 < rows["0 buyers"] < recorded["slices"][0]["rows"]
    assert str(risks_found["1 buyers"]["reason"]).startswith(("0.", "1 ", "no slice"))


def test_the_audit_of_the_champion_stays_what_it_was(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS.replace("0.2", "-0.9") + 'baseline = "champion"\n')
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    before = found(ask, folder)
    assert isinstance(before["misses buyers"]["baseline_value"], float)
    assert ask("promote", "--dir", folder)[0] == 0
    assert found(ask, folder, "champion") == before
    assert ask("rollback", "--dir", folder)[0] == 0
    assert found(ask, folder, "1")["misses buyers"]["baseline_value"] is None
    assert found(ask, folder, "2") == before


def test_of_an_audit_that_changes_meanwhile_the_new_one_counts(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demand(folder, HOLDS)
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    prepare = Gate.prepare

    def changed_after(gate: Gate, *given: object) -> None:
        prepare(gate, *given)  # type: ignore[arg-type]
        (folder / "audit.toml").write_text(HOLDS + FAILS)

    monkeypatch.setattr(Gate, "prepare", changed_after)
    refused(ask, folder, "'not perfect' does not hold")


def test_the_first_model_waits_for_its_audit(ask: Ask, tmp_path: Path) -> None:
    hurried_project(tmp_path, rows=120)
    demand(tmp_path, HOLDS)
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0
    assert "keeps it from being the champion: 'misses buyers' is not signed" in " ".join(err.split())
    assert aliases(tmp_path) == {"challenger": 1}
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", tmp_path)[0] == 0
    assert ask("promote", "--dir", tmp_path)[0] == 0
    assert aliases(tmp_path) == {"champion": 1}


def test_a_signed_first_model_is_the_champion_with_the_next_run(ask: Ask, tmp_path: Path) -> None:
    hurried_project(tmp_path, rows=120)
    demand(tmp_path)
    assert "there is no audit.toml here" in ask("run", "--dir", tmp_path)[2]
    (tmp_path / "audit.toml").write_text(HOLDS)
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", tmp_path)[0] == 0
    assert ask("run", "--dir", tmp_path)[0] == 0
    assert aliases(tmp_path) == {"champion": 1}


def test_the_champions_graph_with_another_schema_waits_too(ask: Ask, folder: Path) -> None:
    assert ask("promote", "--dir", folder)[0] == 0
    demand(folder, HOLDS)
    path = folder / "schema.toml"
    text = path.read_text(encoding="utf-8")
    assert '"basic", "plus", "pro"' in text
    path.write_text(
        text.replace('"basic", "plus", "pro"', '"basic", "gold", "plus", "pro"'), encoding="utf-8"
    )
    status, _, err = ask("run", "--dir", folder)
    assert status == 0
    assert "customers@3 is the challenger, since the audit" in " ".join(err.split())
    assert aliases(folder) == {"champion": 2, "challenger": 3}
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    assert ask("promote", "--dir", folder)[0] == 0
    assert aliases(folder) == {"champion": 3}


def test_every_audit_is_recorded_and_found_by_lineage(ask: Ask, folder: Path) -> None:
    (folder / "audit.toml").write_text(HOLDS + FAILS)
    _, out, _ = ask("audit", "--dir", folder, "--json")
    assert " audit " in ask("lineage", "customers@2", "--downstream", "--dir", folder)[1]
    project = Project.load(folder)
    with project.store() as store:
        (run,) = store.runs(command="audit")
        (execution,) = store.executions(run)
        assert [verdict.passed for verdict in store.verdicts(run)] == [True, False]
        assert set(store.inputs(execution)) == {"model", "evaluation", "risks"}
        kept = project.artifacts().read_bytes(store.outputs(execution)["audit"].digest, ".json")
    assert json.loads(kept) == json.loads(out)


def test_a_first_audit_is_written_from_the_project(ask: Ask, folder: Path) -> None:
    path = folder / "tilth.toml"
    text = path.read_text(encoding="utf-8")
    more = 'protected = ["plan"]\nmust_pass = ["sets/vip.csv"]\nnever = ["bad words.txt"]\n'
    path.write_text(text.replace("[evaluate]\n", "[evaluate]\n" + more), encoding="utf-8")
    assert ask("audit", "init", "--dir", folder)[0] == 0
    written = (folder / "audit.toml").read_text(encoding="utf-8")
    names = set(found(ask, folder))
    assert {"unequal positive answers by plan", "must pass: vip", "must never be said: bad words"} <= names
    assert {"auroc against linear", "f1 against prior"} <= names
    assert '# slice = { plan = "..." }' in written
    status, _, err = ask("audit", "init", "--dir", folder)
    assert (status, "is there already" in err) == (2, True)
    assert (folder / "audit.toml").read_text(encoding="utf-8") == written


class Page(HTMLParser):
    """The tags of a page, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.loaded: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self._open == "h2":
            self.headings.append(data)
        self._open = ""


def test_the_model_card_in_both_kinds(ask: Ask, folder: Path) -> None:
    card = '[card]\nuse = "who | is <b>called</b>"\nlimits = ["not for *children*"]\n'
    (folder / "audit.toml").write_text(card + HOLDS + FAILS)
    assert (
        ask("audit", "sign", "--risk", "misses buyers", "--as", "Ann", "--note", "seen", "--dir", folder)[0]
        == 0
    )
    status, _, err = ask("audit", "--dir", folder, "--card", folder / "card")
    assert status == 1
    assert "model-card.md" in err
    text = (folder / "card" / "model-card.md").read_text(encoding="utf-8")
    page = (folder / "card" / "model-card.html").read_text(encoding="utf-8")
    sections = ["Intended use", "Model", "Data", "Metrics", "Slices", "Checks", "Audit", "Limits"]
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert [name for name in headings if name in sections] == sections
    read = Page(page)
    assert read.headings == headings
    assert read.loaded == []
    assert "who \\| is &lt;b&gt;called&lt;/b&gt;" in text
    assert "&lt;b&gt;called" in page
    assert "<b>called" not in page
    for written in (text, page):
        assert "customers@2" in written
        assert "Ann, 20" in written
        assert "plan=basic" in written
        assert "●" in written or "<svg" in written
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


@pytest.mark.parametrize("name", ["c.md", "C.HTML"])
def test_a_model_card_as_one_file(ask: Ask, folder: Path, name: str) -> None:
    (folder / "audit.toml").write_text(HOLDS)
    assert ask("audit", "1", "--dir", folder, "--card", folder / name)[0] == 0
    text = (folder / name).read_text(encoding="utf-8")
    assert text.startswith("# Model card: customers@1" if name == "c.md" else "<!doctype html>")


def test_two_cards_of_one_audit_differ_only_in_the_run(ask: Ask, folder: Path) -> None:
    (folder / "audit.toml").write_text(HOLDS)
    cards = []
    for name in ("a.md", "b.md"):
        ask("audit", "--dir", folder, "--card", folder / name)
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        cards.append([line for line in lines if "recorded as run" not in line])
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    ("card", "words"),
    [("card.pdf", "not written as .pdf"), ("none/card.md", "is not there"), ("tilth.toml/x", "is no folder")],
)
def test_where_no_card_can_be_written(ask: Ask, folder: Path, card: str, words: str) -> None:
    (folder / "audit.toml").write_text(HOLDS)
    status, out, err = ask("audit", "--dir", folder, "--card", folder / card)
    assert (status, out) == (2, "")
    assert words in err
    project = Project.load(folder)
    with project.store() as store:
        assert store.runs(command="audit") == ()


def test_before_the_first_run_there_is_nothing_to_audit(ask: Ask, tmp_path: Path) -> None:
    hurried_project(tmp_path)
    status, _, err = ask("audit", "--dir", tmp_path)
    assert (status, "no model to audit" in err) == (2, True)


def test_gaps_must_pass_sets_and_word_lists_are_bounded_by_name(ask: Ask, folder: Path) -> None:
    rows = (folder / "customers.csv").read_text(encoding="utf-8").splitlines()
    (folder / "vip.csv").write_text("\n".join(rows[:4]) + "\n", encoding="utf-8")
    (folder / "banned.txt").write_text("nonsense\n", encoding="utf-8")
    owed = ['protected = ["plan"]', "minimum_rows = 5", 'must_pass = ["vip.csv"]', 'never = ["banned.txt"]']
    more = ["slices = []", *owed, 'importance = { "age < 30" = 4 }']
    change(folder, 'slices = [["plan"]]', "\n".join(more))
    toml = change(folder, "n_estimators = 8", "n_estimators = 9").directory / "tilth.toml"
    check = '\n[[checks]]\nmoment = "model"\nmetric = "must_pass.vip"\nmin = 0.0\n'
    toml.write_text(toml.read_text(encoding="utf-8") + check, encoding="utf-8")
    assert ask("run", "--dir", folder)[0] == 0
    bounds = {
        "gap.positive_rate.plan": "max = 1.0",
        "ratio.positive_rate.plan": "min = 0.0",
        "must_pass.vip": "min = 0.0",
        "never.banned": "max = 0",
        "gap.fpr.city": "max = 1.0",
    }
    risks = [f'[[risk]]\nname = "{name}"\nmetric = "{name}"\n{bound}\n' for name, bound in bounds.items()]
    dev = '[[risk]]\nname = "dev"\nmetric = "gap.positive_rate.plan"\npart = "dev"\nmax = 1.0\n'
    rival = '[[risk]]\nname = "rival"\nmetric = "gap.positive_rate.plan"\nbaseline = "champion"\nmax = 1.0\n'
    old = '[[risk]]\nname = "fresh"\nmetric = "accuracy"\nslice = { "age < 30" = "true" }\nmin = 0.0\n'
    (folder / "audit.toml").write_text("\n".join([*risks, dev, rival, old]), encoding="utf-8")
    read = found(ask, folder, "challenger")
    told = json.loads(ask("evaluate", "--model", "challenger", "--dir", folder, "--json")[1])
    measured = told["slices"][0]["metrics"]
    for name in bounds:
        if name == "gap.fpr.city":
            assert "no metric 'gap.fpr.city': the model was evaluated without it" in str(read[name]["reason"])
        else:
            assert (read[name]["value"], read[name]["passed"]) == (measured[name]["value"], True)
    assert 0 <= float(str(read["dev"]["value"])) <= 1
    assert read["rival"]["baseline_value"] is not None
    assert read["fresh"]["passed"]


def test_a_risk_may_bound_a_figure_of_ones_own(ask: Ask, folder: Path) -> None:
    code = "def misses(counts):\n    return counts.fn\n"
    (folder / "metrics.py").write_text(code, encoding="utf-8")
    change(folder, "[evaluate]\n", '[evaluate]\nmetrics = "metrics.py"\n')
    change(folder, "n_estimators = 8", "n_estimators = 9")
    assert ask("run", "--dir", folder)[0] == 0
    text = '[[risk]]\nname = "{}"\nmetric = "custom.misses"\nmax = 1000\n'
    sliced = text.format("older") + 'slice = { "age > 60" = "true" }\n'
    (folder / "audit.toml").write_text(text.format("all") + sliced, encoding="utf-8")
    read = found(ask, folder, "challenger")
    assert float(str(read["older"]["value"])) <= float(str(read["all"]["value"]))


def test_a_promotion_keeps_the_audit_that_let_it_out(ask: Ask, folder: Path) -> None:
    demand(folder, HOLDS)
    assert ask("audit", "sign", "--all", "--as", "Ann", "--dir", folder)[0] == 0
    assert ask("promote", "--why", "better", "--dir", folder)[0] == 0
    project = Project.load(folder)
    with project.store() as store:
        (run,) = store.runs(command="audit")
        (execution,) = store.executions(run)
        kept = store.outputs(execution)["audit"].digest
        risks = store.inputs(execution)["risks"].digest
    assert (run.state, run.parameters["why"]) == ("complete", "promote: better")
    document = json.loads(project.artifacts().read_bytes(kept, ".json"))
    assert document["risks"][0]["signature"]["who"] == "Ann"
    assert project.artifacts().read_bytes(risks, ".toml").decode() == HOLDS
