"""The page on which people look at a model's mistakes and tag them, as a Starlette application."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tilth.console.asking import PAGE_ROWS, Asked
from tilth.console.desk import Desk, TagLine
from tilth.console.forms import read_form
from tilth.console.guarding import Guard
from tilth.console.media import media_answer
from tilth.errors import NotFoundError, StoreError, TilthError, UsageError
from tilth.profiles.page_base import render, template
from tilth.profiles.page_figures import label

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["create_mistakes_page"]

_ROOM = "tilth.console"
_COOKIE = "tilth_who"
_YEAR_S = 365 * 86_400
_LONGEST_NAME = 80


def create_mistakes_page(desk: Desk, *, host: str = "127.0.0.1", suggested: str = "") -> Starlette:
    """The application: the list of mistakes, their images and sounds, and the forms that tag them.

    Works without JavaScript; with it tags come and go in place, and others' appear by themselves.

    Args:
        desk: the rows and their tags.
        host: the address that the server listens on.
        suggested: the name that is proposed to whoever has not said theirs.
    """
    page = _Page(desk, suggested)
    return Starlette(
        routes=[
            Route("/", page.home, methods=["GET"]),
            Route("/tags", page.tags, methods=["GET"]),
            Route("/tag", page.tag, methods=["POST"]),
            Route("/untag", page.untag, methods=["POST"]),
            Route("/looked", page.looked, methods=["POST"]),
            Route("/who", page.who, methods=["POST"]),
            Route("/media/{row}/{column:int}", page.media, methods=["GET"]),
            Route("/favicon.ico", lambda _: Response(None, 204), methods=["GET"]),
        ],
        middleware=[Middleware(Guard, host=host)],
        exception_handlers={HTTPException: _refusal, TilthError: _mistake},
    )


@dataclass(frozen=True)
class _Standing:
    """The tags of the rows of a page at a moment, drawn: the chips of each row, and the table of tags."""

    state: str
    lines: Sequence[TagLine]
    chips: Mapping[str, Markup]
    figures: Markup

    def to_json(self) -> dict[str, Any]:
        """What the script of the page puts in place."""
        known = [line.tag for line in self.lines]
        return {"state": self.state, "chips": dict(self.chips), "figures": self.figures, "known": known}


class _Page:
    """The work of each route. What touches the store or the data runs in a thread."""

    def __init__(self, desk: Desk, suggested: str) -> None:
        self._desk = desk
        self._suggested = suggested

    async def home(self, request: Request) -> Response:
        """The rows that are asked for."""
        text = await run_in_threadpool(self._home, Asked.of(request.query_params), _named(request))
        # A header, because a page cannot say of itself who may frame it; the rest stands in the page.
        policy = "frame-ancestors 'none'; base-uri 'none'"
        told = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
        return HTMLResponse(text, headers=told)

    async def tags(self, request: Request) -> Response:
        """The tags of the rows of a page as they are now; 204 where they are what the page has."""
        if await run_in_threadpool(self._desk.version) == request.query_params.get("state"):
            return Response(None, 204)
        return _fresh((await run_in_threadpool(self._asked_standing, request)).to_json())

    async def tag(self, request: Request) -> Response:
        """Give a row a tag."""
        fields = await read_form(request)

        def work(who: str) -> str:
            row, tag = fields.get("row", ""), fields.get("tag", "")
            self._desk.tag(row, tag, who, fields.get("note", ""))
            return f"Tagged: {tag.strip()}."

        return await self._changed(request, fields, work)

    async def untag(self, request: Request) -> Response:
        """Take a tag from a row."""
        fields = await read_form(request)

        def work(who: str) -> str:
            row, tag = fields.get("row", ""), fields.get("tag", "")
            self._desk.untag(row, tag, who)
            return f"Taken away: {tag}."

        return await self._changed(request, fields, work)

    async def looked(self, request: Request) -> Response:
        """Remember that the rows of a page were looked at."""
        fields = await read_form(request)
        rows = [row for row in fields.get("rows", "").split(",")[:PAGE_ROWS] if row]

        def work(who: str) -> str:
            self._desk.look(rows, who)
            return "Kept."

        return await self._changed(request, fields, work)

    async def who(self, request: Request) -> Response:
        """Keep the name of whoever tags, in the browser."""
        fields = await read_form(request)
        name = _checked_name(fields.get("who", ""))
        answer = _back(fields)
        answer.set_cookie(_COOKIE, quote(name), max_age=_YEAR_S, httponly=True, samesite="lax")
        return answer

    async def media(self, request: Request) -> Response:
        """An image or a recording."""
        row, column = request.path_params["row"], request.path_params["column"]
        content = await run_in_threadpool(self._desk.media, row, column)
        small = "small" in request.query_params
        return await run_in_threadpool(media_answer, content, request.headers, small=small)

    def _home(self, asked: Asked, who: str) -> str:
        desk = self._desk
        shown = desk.page(asked)
        standing = self._standing([row.row for row in shown.rows], asked, who)
        last = max(1, -(-shown.total // PAGE_ROWS))
        return render(
            "mistakes.html.jinja",
            room=_ROOM,
            styles=["mistakes.css"],
            script="mistakes.js",
            title=desk.title,
            sentence=desk.sentence,
            notes=desk.notes,
            asked=asked,
            query=asked.query(),
            standing=standing,
            lines=standing.lines,
            who=who,
            suggested=self._suggested,
            classes=desk.classes,
            loss_name=desk.loss_name,
            rows=shown.rows,
            found=f"{shown.total:,} row{'' if shown.total == 1 else 's'}",
            nothing="Nothing here." if shown.total == 0 else "There are no more rows.",
            place=f"page {asked.page:,} of {last:,}",
            before=asked.query(page=min(asked.page - 1, last)) if asked.page > 1 else None,
            after=asked.query(page=asked.page + 1) if asked.page < last else None,
        )

    def _standing(self, rows: Sequence[str], asked: Asked, who: str) -> _Standing:
        state = self._desk.version()  # before the rest, so that what is said meanwhile is news to the page
        lines, tags = self._desk.lines(), self._desk.tags_of(rows)
        parts: Any = template("mistakes_parts.jinja", _ROOM).module
        chips = {row: parts.chips(row, tags[row], asked.query(), who) for row in rows}
        return _Standing(
            state, lines, chips, parts.figures(lines, asked.tag, lambda tag: asked.query(tag=tag))
        )

    def _asked_standing(self, request: Request) -> _Standing:
        """The same for the rows and the list that the script of a page names."""
        rows = [row for row in request.query_params.get("rows", "").split(",")[:PAGE_ROWS] if row]
        return self._standing(rows, Asked.of(request.query_params), _named(request))

    async def _changed(
        self, request: Request, fields: Mapping[str, str], work: Callable[[str], str]
    ) -> Response:
        """Do what is asked, then answer: what is answered stands in the store."""
        who = _named(request)
        if not who:
            raise UsageError("nobody said who you are", mend="give your name at the top of the page")
        told = await run_in_threadpool(work, who)
        if _wants_json(request):
            found = await run_in_threadpool(self._asked_standing, request)
            return _fresh({**found.to_json(), "told": told})
        return _back(fields)


def _named(request: Request) -> str:
    """Who asks, or "" where they have not said so."""
    try:
        return _checked_name(unquote(request.cookies.get(_COOKIE, ""), errors="strict"))
    except (UsageError, UnicodeDecodeError):
        return ""


def _checked_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError("this is no name", expected=f"1 to {_LONGEST_NAME} visible characters")
    return name


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _fresh(content: Mapping[str, Any]) -> Response:
    return JSONResponse(dict(content), headers={"Cache-Control": "no-store"})


def _back(fields: Mapping[str, str]) -> RedirectResponse:
    """To the list from which a form was sent; its query is written anew, so that it leads nowhere else."""
    try:
        asked = Asked.of(dict(parse_qsl(fields.get("back", ""), max_num_fields=20)))
    except ValueError:
        asked = Asked()
    row = fields.get("row", "")
    place = f"#row-{row}" if row.isalnum() and row.isascii() else ""
    return RedirectResponse(f"/?{asked.query()}{place}", 303)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(request, error.detail, None, error.status_code)


async def _mistake(request: Request, error: Exception) -> Response:
    """What a person, or the disk, got wrong."""
    assert isinstance(error, TilthError)
    kinds = ((NotFoundError, 404), (StoreError, 503))
    status = next((status for kind, status in kinds if isinstance(error, kind)), 400)
    return _told(request, error.what, error.mend or error.expected, status)


def _told(request: Request, what: str, mend: str | None, status: int) -> Response:
    what = label(what, 300).text
    if _wants_json(request):
        return JSONResponse({"error": what, "mend": mend}, status)
    return PlainTextResponse(f"{what}\n{f'{mend}{chr(10)}' if mend else ''}", status)
