"""Error analysis: the mistakes of a model, looked at, tagged and weighed."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Source, locate, workspace
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.streams import write_whole
from tilth.errors import DataError, UsageError, counted

if TYPE_CHECKING:
    from tilth.pipelines.errors import Mistakes

__all__ = [
    "export",
    "import_tags",
    "list_mistakes",
    "page",
    "suggest",
    "summary",
    "tag",
    "weigh",
]

_MOST_BYTES = 1 << 28

Who = Annotated[str | None, Parameter(name="--as", help="Who says so; default: the name of the account.")]
Note = Annotated[str | None, Parameter(name="--note", help="Why, for people.")]
TagOption = Annotated[str | None, Parameter(name="--tag", help="Only rows that have this tag.")]
Where = Annotated[
    str | None,
    Parameter(name="--where", help="All rows, right or wrong, for which this SQL expression is true."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """Whose mistakes are meant; default: those of the project's newest run on the dev part.

    Args:
        data: A table with labels: with --prediction or --score anyone's answers, else a registered model's.
        label: The column of true labels of --data.
        prediction: The column of predictions of --data.
        score: The column of the positive class's probability of --data.
        model: A registered model: "census@champion", "census@3", "champion".
        run: A run by its number.
        part: Which part of the run's data.
    """

    data: str | None = None
    label: str | None = None
    prediction: str | None = None
    score: str | None = None
    model: str | None = None
    run: int | None = None
    part: Literal["dev", "test", "train"] = "dev"

    def open(self, source: Source) -> Mistakes:
        """The mistakes; to be closed.

        Raises:
            UsageError: options that do not go together.
        """
        from tilth.pipelines.errors import Mistakes
        from tilth.projects import Project

        if self.model is not None and self.run is not None:
            raise UsageError("--model and --run both say whose mistakes", mend="give one of them")
        answers = [name for name in (self.prediction, self.score) if name is not None]
        if answers or self.label is not None:
            return self._scored(source, answers)
        project = Project.load(source.dir)
        if self.data is not None:
            if self.run is not None:
                raise UsageError("--run has data of its own", mend="name the model of --data with --model")
            return Mistakes.of_project(project, self.model, data=locate(self.data, source.dir))
        reference = self.model if self.run is None else f"run:{self.run}"
        return Mistakes.of_project(project, reference, (self.part,))

    def _scored(self, source: Source, answers: list[str]) -> Mistakes:
        from tilth.evaluation import Scored
        from tilth.pipelines.errors import Mistakes

        if self.data is None or self.label is None or not answers:
            raise UsageError(
                "--label goes with --data and --prediction (or --score)",
                mend="tilth errors --data F.csv --label y --prediction said, or nothing of it in a project",
            )
        if self.model is not None or self.run is not None:
            raise UsageError("--data has answers already", mend="leave out --model and --run")
        table = source.table(self.data)
        scored = Scored.of(table, label=self.label, prediction=self.prediction, score=self.score)
        for note in scored.encoding.notes:
            people().print(f"note: {note}", markup=False)
        return Mistakes.of_scored(workspace(source.dir), scored.rows(), answers)

    def name(self, mistakes: Mistakes) -> str:
        """What the rows are, for people."""
        if mistakes.source is None or not mistakes.source.parts:
            return self.data or "data"
        return f"{mistakes.topic}, run {mistakes.source.run}, {', '.join(mistakes.source.parts)} part"


NEWEST = Which()
"""The newest run's mistakes on the dev part."""


def summary(*, which: Which = NEWEST, source: Source = AS_FOUND, json: Json = False) -> int:
    """How many mistakes there are, the figures of their tags, and what to work on first."""
    from tilth.pipelines.error_summary import summarize

    with which.open(source) as mistakes:
        found = summarize(mistakes, which.name(mistakes))
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def list_mistakes(
    *,
    tag: TagOption = None,
    untagged: bool = False,
    limit: int = 20,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    which: Which = NEWEST,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """The mistakes, those of which the model is most sure first.

    Args:
        untagged: Only rows without a tag.
        limit: How many rows at most, 1 or more.
        output: Write them to this file too: .csv, .jsonl, .parquet or .arrow.
    """
    from tilth.pipelines.error_lists import listing_report, listing_rows, write_listing
    from tilth.pipelines.mistake import Filters

    if limit < 1:
        raise UsageError(f"--limit is {limit}", expected="1 or more")
    check_outputs([output], [which.data, *project_files(source.dir)])
    with which.open(source) as mistakes:
        if tag is not None:
            mistakes.require_tag(tag)
        found = mistakes.rows(0, limit, Filters(tag=tag, untagged=untagged))
        if output is not None:
            write_listing(found.rows, output)
        if json:
            print_json({"total": found.total, "rows": listing_rows(found.rows)})
        else:
            print_text(listing_report(found))
    return 0


def tag(
    name: str,
    *rows: str,
    where: Where = None,
    note: Note = None,
    remove: bool = False,
    who: Who = None,
    which: Which = NEWEST,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Give rows a tag, by their names or by a rule that holds from now on; or take it away.

    Args:
        name: The tag: any words.
        rows: The rows' names, as `tilth errors list` shows them; their first digits are enough.
        remove: Take the tag away: from these rows, or the rule, or without both all rules of the tag.
    """
    if rows and where is not None:
        raise UsageError("rows and --where at once", mend="give the one, then the other")
    if not rows and where is None and not remove:
        raise UsageError("which rows?", expected="names of rows, or --where with an expression")
    person = who or _account()
    with which.open(source) as mistakes:
        if rows:
            known = [mistakes.known(row) for row in rows]
            if remove:
                mistakes.require_tag(name)
                mistakes.untag_all(known, name, person)
            else:
                mistakes.tag_all(known, name, person, note)
            told, count = counted(len(known), "row"), len(known)
        elif remove:
            count = len(mistakes.remove_rule(name, where, person))
            told = counted(count, "rule")
        else:
            count = mistakes.add_rule(name, where or "", person, note)
            told = f"{counted(count, 'row')}, and all others for which {where} is true"
    if json:
        print_json({"tag": name, "removed": remove, "count": count})
    else:
        print_text(f"'{name}' {'taken from' if remove else 'given to'} {told}")
    return 0


def weigh(
    name: str,
    *,
    hlp: float | None = None,
    ease: float | None = None,
    importance: float | None = None,
    who: Who = None,
    which: Which = NEWEST,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Say of a tag how well people do, how easy it is to mend and how important.

    Args:
        name: The tag.
        hlp: The share that people get right, 0 to 1.
        ease: 1 (hard) to 3 (easy).
        importance: 1 to 3.
    """
    from tilth.pipelines.error_summary import weigh as keep

    if hlp is None and ease is None and importance is None:
        raise UsageError("nothing is said of the tag", expected="--hlp, --ease or --importance")
    given = {"hlp": hlp, "ease": ease, "importance": importance}
    with which.open(source) as mistakes:
        found = keep(mistakes, name, given, who or _account())
    if json:
        print_json({"tag": name, **found})
    else:
        print_text(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in sorted(found.items())))
    return 0


def export(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    tag: TagOption = None,
    limit: int = 10_000,
    right: int = 0,
    which: Which = NEWEST,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Write mistakes to a file in which people tag them: .csv for a spreadsheet, or .json.

    Args:
        output: The file.
        limit: How many mistakes at most.
        right: How many right rows go along, drawn by chance, to be looked at too.
    """
    from tilth.evaluation.errors import csv_text, json_text
    from tilth.pipelines.error_exchange import exchanged_rows
    from tilth.pipelines.mistake import Filters

    check_outputs([output], [which.data, *project_files(source.dir)])
    is_json = _is_json(output)
    if limit < 1 or right < 0:
        raise UsageError(f"--limit is {limit} and --right {right}", expected="1 or more, and 0 or more")
    with which.open(source) as mistakes:
        if tag is not None:
            mistakes.require_tag(tag)
        rows = exchanged_rows(mistakes, filters=Filters(tag=tag), limit=limit, right=right)
    write_whole(output, json_text(rows) if is_json else csv_text(rows))
    if json:
        print_json({"rows": len(rows), "output": str(output)})
    else:
        print_text(
            f"{counted(len(rows), 'row')} written to {output}; bring it back: tilth errors import {output}"
        )
    return 0


def import_tags(
    file: Path, *, who: Who = None, which: Which = NEWEST, source: Source = AS_FOUND, json: Json = False
) -> int:
    """Read a file in which people tagged mistakes; only what they changed there is changed here.

    Args:
        file: What `tilth errors export` wrote, edited.
    """
    from tilth.evaluation.errors import read_exchanged
    from tilth.pipelines.error_exchange import import_rows

    rows = read_exchanged(_bytes(file), str(file), is_json=_is_json(file))
    with which.open(source) as mistakes:
        found = import_rows(mistakes, rows, who or _account(), str(file))
    if json:
        print_json(found.to_json())
    else:
        known = f"; {found.known:,} had been made already" if found.known else ""
        looked = f"; {counted(found.looked, 'right row')} looked at" if found.looked else ""
        print_text(f"{found.given:,} tags given, {found.taken:,} taken away{known}{looked}")
    return 0


def suggest(
    *,
    columns: Annotated[list[str] | None, Parameter(name="--columns", negative="")] = None,
    limit: int = 10,
    which: Which = NEWEST,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Propose tags: groups of rows on which the model is worse than elsewhere, as rules.

    Args:
        columns: Only groups by these columns, such as metadata; joined by commas.
        limit: How many at most.
    """
    from tilth.pipelines.error_lists import suggestions, suggestions_report

    names = [name.strip() for text in columns or [] for name in text.split(",")]
    with which.open(source) as mistakes:
        found = suggestions(mistakes, names or None, limit)
    if json:
        print_json({"suggestions": [each.to_json() for each in found]})
    else:
        print_text(suggestions_report(found))
    return 0


def page(
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    which: Which = NEWEST,
    source: Source = AS_FOUND,
) -> int:
    """Look at mistakes and tag them in the browser, until Ctrl+C.

    Args:
        port: The port; 0 takes a free one.
        host: The address to listen on; the default is this machine alone.
    """
    from tilth.console import serve_mistakes

    def started(address: str, number: int) -> None:
        shown = f"[{address}]" if ":" in address else address
        people().print(f"mistakes at http://{shown}:{number}  (Ctrl+C ends)", markup=False)

    with which.open(source) as mistakes:
        title = f"Mistakes of {which.name(mistakes)}"
        serve_mistakes(mistakes, title=title, host=host, port=port, started=started)
    return 0


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("this account has no name", mend="say who you are: --as NAME") from error


def _is_json(path: Path) -> bool:
    if path.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"files ending in '{path.suffix}'", where=str(path), expected=".csv or .json")
    return path.suffix.lower() == ".json"


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(
                "the file is too large", where=str(path), expected=f"{_MOST_BYTES:,} bytes at most"
            )
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
