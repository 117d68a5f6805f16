"""The model card of a version: what it is, what it is for, how it does, where it fails, and who agreed.

After Mitchell et al., Model Cards for Model Reporting (2019).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.errors import TilthError, counted
from tilth.evaluation import Evaluation
from tilth.metrics import CHIEF_METRIC
from tilth.pipelines.audit import Audit
from tilth.pipelines.audit_report import measured_in_words, signed_in_words, verdict_in_words
from tilth.pipelines.auditing import Carried
from tilth.pipelines.card_measured import measured_sections
from tilth.pipelines.card_parts import CardTable, Section
from tilth.pipelines.card_writing import card_markdown, card_page
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runs import part_of
from tilth.projects import Project
from tilth.store import ModelVersion

__all__ = ["ModelCard", "model_card"]

_MOST_COLUMNS = 200


@dataclass(frozen=True)
class ModelCard:
    """A model card.

    Args:
        title: the version.
        lead: how its audit stands.
        holds: whether that holds.
        sections: in their order.
    """

    title: str
    lead: str
    holds: bool
    sections: tuple[Section, ...]

    def markdown(self) -> str:
        """The card as Markdown that needs no other file."""
        return card_markdown(self.title, self.lead, self.sections)

    def html(self) -> str:
        """The card as a page that needs no other file and no network."""
        return card_page(self.title, self.lead, self.sections, holds=self.holds)


def model_card(project: Project, carried: Carried) -> ModelCard:
    """The card of the version of an audit.

    Args:
        project: whose model.
        carried: the audit.

    Raises:
        StoreError: the evaluation of the version is gone or damaged.
    """
    audit, document = carried.audit, carried.evidence.document
    version = audit.version
    with project.store() as store:
        run = None if version.run is None else store.run(version.run)
        side = None if run is None else RunSide(store, project.artifacts(), run)
    training = _document(side, "training")
    sections = (
        _intended(project, audit),
        _model(version, audit, side, training),
        _data(side, Evaluation.from_json(document["test"])),
        *measured_sections(document),
        _checks(document),
        _audit(audit, carried.run),
        _limits(audit, document),
    )
    return ModelCard(f"Model card: {version.reference}", _lead(audit), audit.holds, sections)


def _lead(audit: Audit) -> str:
    stands = f"{audit.version.reference} is the {audit.aliases[0]}. " if audit.aliases else ""
    if not audit.lacks:
        return f"{stands}Its audit holds: every bound holds, and every risk is signed."
    if audit.is_passed:
        return (
            f"{stands}Every bound of its audit holds; {counted(len(audit.lacks), 'risk')} still to be signed."
        )
    failed = [entry.lacks for entry in audit.entries if not entry.finding.verdict.passed]
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"{stands}Its audit does not hold: {failed[0]}{more}."


def _intended(project: Project, audit: Audit) -> Section:
    said, section = audit.card, project.configuration.project
    unsaid = "not said: {} under [card] in audit.toml"
    predicts = f"'{section.label}' ({section.task})"
    if section.positive is not None:
        predicts += f"; positive is '{section.positive}'"
    facts = [
        ("predicts", predicts),
        ("meant for", said.use or unsaid.format("use")),
        ("not for", said.not_for or unsaid.format("not_for")),
        ("contact", said.contact or unsaid.format("contact")),
    ]
    return Section("Intended use", facts=facts)


def _model(version: ModelVersion, audit: Audit, side: RunSide | None, training: Mapping[str, Any]) -> Section:
    facts = [
        ("version", f"{version.reference}, registered {version.created:%Y-%m-%d %H:%M} UTC"),
        ("called", ", ".join(audit.aliases)),
        ("graph", f"ONNX, {version.artifact.size:,} bytes, sha256 {version.artifact.digest[:16]}"),
    ]
    if side is not None:
        train, code, around = (
            part_of(side.run, "train"),
            side.surroundings.code,
            side.surroundings.environment,
        )
        facts += [
            ("estimator", str(train.get("estimator", ""))),
            ("parameters", _spelled(train.get("parameters"))),
            ("seed", str(train.get("seed", ""))),
            ("learned from", _rows_learned(training)),
            ("decision", _spelled(training.get("decision"))),
            ("calibration", _spelled(training.get("calibration"))),
            ("run", str(side.run.number)),
            ("code", "" if code is None else code.summary),
            ("environment", "" if around is None else around.python),
        ]
    return Section("Model", facts=[(name, value) for name, value in facts if value])


def _rows_learned(training: Mapping[str, Any]) -> str:
    rows = training.get("rows") or {}
    if "train" not in rows:
        return ""
    return f"{int(rows['train']):,} rows with {training.get('features')} features"


def _data(side: RunSide | None, test: Evaluation) -> Section:
    if side is None or "dataset" not in side.artifacts:
        return Section("Data")
    dataset = side.artifacts["dataset"]
    given, split = part_of(side.run, "data"), part_of(side.run, "split")
    columns = dataset.properties.get("columns")
    named = dict(columns) if isinstance(columns, dict) else {}
    facts = [
        ("sources", _listed(given.get("sources"))),
        ("rows", f"{int(str(dataset.properties.get('rows'))):,}"),
        ("fingerprint", (dataset.fingerprint or dataset.digest)[:16]),
        ("dealt by", f"{split.get('method')}, {_listed(split.get('fractions'))} to train, dev and test"),
        ("test rows by class", _classes(test)),
        (f"{len(named)} columns", ", ".join(f"{name} ({kind})" for name, kind in _some(named))),
    ]
    return Section("Data", facts=[(name, value) for name, value in facts if value])


def _some(named: Mapping[str, object]) -> list[tuple[str, object]]:
    shown = list(named.items())[:_MOST_COLUMNS]
    return shown if len(shown) == len(named) else [*shown, ("...", f"{len(named) - len(shown)} more")]


def _classes(test: Evaluation) -> str:
    confusion = test.slices[0].confusion
    if confusion is None:
        return ""
    counts = (sum(row) for row in confusion)
    return ", ".join(f"{name} {count:,}" for name, count in zip(test.encoding.names, counts, strict=True))


def _checks(document: Mapping[str, Any]) -> Section:
    rows = [
        [str(each["check"]), "pass" if each["passed"] else "fail", str(each["reason"])]
        for each in document.get("verdicts", [])
    ]
    tables = [CardTable(["check before it was registered", "verdict", "found"], rows)] if rows else []
    return Section("Checks", tables=tables)


def _audit(audit: Audit, run: int) -> Section:
    rows = []
    for entry in audit.entries:
        risk, signature = entry.finding.risk, entry.signature
        note = "" if signature is None else signature.note or ""
        rows.append(
            [
                risk.name,
                verdict_in_words(entry),
                measured_in_words(entry),
                risk.bound,
                f"{risk.check.metric}, {risk.where}",
                signed_in_words(signature),
                risk.what,
                risk.source or "",
                note,
            ]
        )
    header = ["risk", "verdict", "measured", "bound", "of", "signed by", "what could go wrong"]
    header += ["source of the bound", "note"]
    return Section(
        "Audit",
        [f"What could go wrong, what would show it, and who agreed; recorded as run {run}."],
        tables=[CardTable(header, rows)],
        points=audit.lacks,
    )


def _limits(audit: Audit, document: Mapping[str, Any]) -> Section:
    return Section("Limits", points=[*dict.fromkeys(_doubts(audit, document))])


def _doubts(audit: Audit, document: Mapping[str, Any]) -> Iterator[str]:
    """What is known not to work, and what the figures do not tell."""
    yield from audit.card.limits
    yield from map(str, document.get("warnings", []))
    test = Evaluation.from_json(document["test"])
    yield from test.notes
    for entry in audit.entries:
        if entry.finding.verdict.passed and entry.finding.estimate.low is not None:
            check = entry.finding.risk.check
            if not check.baseline and not entry.finding.is_sure:
                yield f"'{entry.finding.risk.name}' holds, but its interval reaches past the bound"
    small = [each.name for each in test.slices[1:] if each.small]
    if small:
        yield f"too few rows to judge: {'; '.join(small[:20])}{'; ...' if len(small) > 20 else ''}"
    chief = test.slices[0].metrics.get(CHIEF_METRIC[test.task])
    if chief is None or chief.value is None:
        yield f"{CHIEF_METRIC[test.task]} is undefined on the test part"


def _document(side: RunSide | None, name: str) -> Mapping[str, Any]:
    """A document of the run; empty where its file is gone, which is no reason to have no card."""
    try:
        text = "" if side is None else side.text(name)
    except TilthError:
        return {}
    found: Mapping[str, Any] = json.loads(text) if text else {}
    return found


def _spelled(found: object) -> str:
    """A setting in words, without what is not set."""
    if isinstance(found, dict):
        return ", ".join(f"{name}: {_spelled(value)}" for name, value in found.items() if _spelled(value))
    return "" if found in (None, []) else json.dumps(found).replace('"', "")


def _listed(found: object) -> str:
    return ", ".join(map(str, found)) if isinstance(found, Sequence) and not isinstance(found, str) else ""
