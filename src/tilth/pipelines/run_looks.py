"""What the page of a run shows of its rows: the mistakes on dev, and where the champion answers otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.errors import TilthError
from tilth.evaluation import ScoredRows, compare
from tilth.metrics import Answered
from tilth.pipelines.challenge import Champion, Incomparable, meet
from tilth.pipelines.errors import Mistakes as Tagged
from tilth.pipelines.parts import Parts
from tilth.pipelines.report_sections import Looked
from tilth.pipelines.report_sections.calibration import calibration_of
from tilth.pipelines.report_sections.mistakes import Mistakes, mistakes_of
from tilth.pipelines.report_sections.versus import Versus, versus_of
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.scoring import column, groups_of
from tilth.projects import Project
from tilth.projects.configuration import Configuration
from tilth.schemas import Schema
from tilth.tables.slicings import slicing_of

__all__ = ["look"]

_CHAMPION = tuple(f"champion[{at}]" for at in range(4))


def look(
    project: Project,
    side: RunSide,
    configuration: Configuration,
    names: Sequence[str],
    *,
    hidden: Sequence[str] = (),
) -> Looked:
    """What only the rows of a run show; the answers are computed again.

    What cannot be shown, since a file is gone or damaged, is said in a sentence: a page of the rest is better
    than none.

    Args:
        project: whose people have tagged mistakes.
        side: the run.
        configuration: with which it was carried out.
        names: the metrics by which champions are compared.
        hidden: columns whose values are not shown, beside those that the schema calls identifiers.

    Raises:
        ColumnNotFoundError: a column to hide that is not there.
    """
    if hidden:  # a name that is misspelled would leave on the page what must not be there
        Parts(side.path("dataset"), side.path("split")).table.select(list(hidden))
    lacks, mistakes, versus, calibration = [], None, None, None
    gone = (*hidden, *_identifiers(side))
    try:
        dev = side.scored("dev")
        mistakes, calibration = _tagged(project, dev, gone), calibration_of(dev)
    except TilthError as error:
        lacks.append(f"The mistakes on dev cannot be shown: {error.what}.")
    if all(name in side.artifacts for name in _CHAMPION):
        try:
            found = _against_champion(side, configuration, names, gone)
        except TilthError as error:
            lacks.append(f"The champion cannot be compared with: {error.what}.")
        else:
            lacks += [f"The champion is not compared with: {found}."] if isinstance(found, str) else []
            versus = None if isinstance(found, str) else found
    return Looked(mistakes, versus, calibration, tuple(lacks))


def _tagged(project: Project, rows: ScoredRows, hidden: Sequence[str]) -> Mistakes | None:
    """The mistakes on dev with the tags that people gave them."""
    if rows.encoding.task == "ranking":
        return None
    with Tagged(rows, project.store(), project.name) as tagged:

        def tags(key: str) -> list[str]:
            return list(dict.fromkeys(given.tag for given in tagged.tags_of(key)))

        return mistakes_of(rows, "dev", hidden=hidden, tags=tags)


def _identifiers(side: RunSide) -> list[str]:
    """The columns that the schema calls identifiers: of people they say who they are."""
    text = side.text("schema")
    columns = Schema.from_toml(text, where="the schema of the run").columns if text else ()
    return [each.name for each in columns if each.kind == "identifier"]


def _against_champion(
    side: RunSide, configuration: Configuration, names: Sequence[str], hidden: Sequence[str]
) -> Versus | str:
    """The model against the champion that the run met, or why the two cannot be compared."""
    assert side.evaluation is not None
    encoding, label = side.evaluation.encoding, configuration.project.label
    champion = Champion.read([side.path(name) for name in _CHAMPION])
    parts = Parts(side.path("dataset"), side.path("split"))
    met = meet(champion, side.graph(), parts, label, encoding)
    if isinstance(met, Incomparable):
        return met.reason
    truth, groups = encoding.encode(column(met.rows, label)), groups_of(met.rows, encoding)
    mine = Answered(truth, met.mine.predictions, met.mine.scores, groups)
    theirs = Answered(truth, met.theirs.predictions, met.theirs.scores, groups)
    rows = ScoredRows(met.rows, label, encoding, mine)
    slicing = slicing_of(parts.table, configuration.evaluate.slices)
    section = configuration.evaluate
    found = compare(rows, theirs, slicing, against="the champion", minimum_rows=section.minimum_rows)
    return versus_of(found, names, rows, hidden=hidden)
