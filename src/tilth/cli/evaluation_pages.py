"""`tilth evaluate --html`: the page of an evaluation, with the mistakes of the rows at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.output import people
from tilth.cli.streams import write_whole
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.evaluation import ScoredRows
    from tilth.types import JSONObject

__all__ = ["NO_PAGE", "Page"]


@Parameter(name="*")
@dataclass(frozen=True)
class Page:
    """The page of an evaluation.

    Args:
        html: Write the evaluation as a page to this file, with curves, slices by harm and the worst mistakes.
        hide: With --html, a column whose values the page does not show; repeatable.
    """

    html: Path | None = None
    hide: Annotated[list[str] | None, Parameter(negative="")] = None

    def check(self) -> None:
        """Refuse what would do nothing, before any work.

        Raises:
            UsageError: columns to hide without a page.
        """
        if self.hide and self.html is None:
            raise UsageError("--hide leaves columns off a page", mend="add --html FILE")

    def refuse_without_labels(self) -> None:
        """A page is of an evaluation, for which words alone are not enough.

        Raises:
            UsageError: a page is wanted.
        """
        if self.html is not None:
            raise UsageError("words alone make no page", mend="name the --label too, or leave out --html")

    def write(self, document: JSONObject, title: str, read: Callable[[], ScoredRows] | None) -> None:
        """Write the page, where one is wanted, and say so.

        Args:
            document: the evaluation as JSON values.
            title: what was evaluated.
            read: gives the rows with the answers; None where only the record of an evaluation is at hand.

        Raises:
            ColumnNotFoundError: a column to hide that is not there.
        """
        if self.html is None:
            return
        from tilth.pipelines.evaluation_page import evaluation_page
        from tilth.pipelines.report_sections import Looked
        from tilth.pipelines.report_sections.calibration import calibration_of
        from tilth.pipelines.report_sections.mistakes import mistakes_of

        if read is None:
            lack = "These are recorded figures: the mistakes are on the page of the run, see tilth report."
            looked = Looked(lacks=(lack,))
        else:
            rows, hidden = read(), self.hide or []
            rows.table.select([rows.label, *hidden])  # names what is not there
            mistakes = mistakes_of(rows, "", hidden=hidden, known=rows.roles)
            looked = Looked(mistakes, calibration=calibration_of(rows))
        write_whole(self.html, evaluation_page(document, title=title, looked=looked))
        people().print(f"the page of the evaluation is in {self.html}", markup=False)


NO_PAGE = Page()
"""No page is wanted."""
