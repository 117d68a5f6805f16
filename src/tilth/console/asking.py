"""Which rows a reader wants to see, as it stands in the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args
from urllib.parse import urlencode

from tilth.pipelines.mistake import Filters

__all__ = ["NO_TAG", "PAGE_ROWS", "Asked", "Show"]

Show = Literal["wrong", "right", "all"]

PAGE_ROWS = 50
"""How many rows a page has."""

NO_TAG = "-"
"""Asked for as a tag: rows without any."""

_LONGEST = 200
_LAST_PAGE = 10**9


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Args:
        show: the mistakes, the rows that are right, or both.
        tag: only rows with this tag; `NO_TAG` for those without one; "" for any.
        truth: only rows of this true class, as text; "" for any.
        said: only rows with this answer; "" for any.
        search: only rows with this text in a column, the truth or the answer, whatever the case.
        page: from 1.

    Example:
        >>> asked = Asked.of({"tag": "too dark", "page": "2", "show": "none"})
        >>> asked.tag, asked.page, asked.show, asked.offset
        ('too dark', 2, 'wrong', 50)
        >>> asked.query(page=3)
        'tag=too+dark&page=3'
    """

    show: Show = "wrong"
    tag: str = ""
    truth: str = ""
    said: str = ""
    search: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """From the fields of a query; what means nothing is as if it were not there."""
        page = query.get("page", "")
        return cls(
            show=next((each for each in get_args(Show) if each == query.get("show")), "wrong"),
            page=min(max(int(page[:12]), 1), _LAST_PAGE) if page.isascii() and page.isdigit() else 1,
            **{name: query.get(name, "")[:_LONGEST] for name in ("tag", "truth", "said", "search")},
        )

    @property
    def filters(self) -> Filters:
        """The same for `Mistakes.rows`."""
        return Filters(
            tag=self.tag if self.tag not in ("", NO_TAG) else None,
            untagged=self.tag == NO_TAG,
            truth=self.truth or None,
            answer=self.said or None,
            text=self.search or None,
            rows=self.show,
        )

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * PAGE_ROWS

    def query(self, *, page: int | None = None, tag: str | None = None) -> str:
        """The query of an address, without what is usual; for another page or another tag."""
        asked = self if page is None else replace(self, page=page)
        asked = asked if tag is None else replace(asked, tag=tag, page=1)
        usual = vars(Asked())
        return urlencode({name: value for name, value in vars(asked).items() if value != usual[name]})
