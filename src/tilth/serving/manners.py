"""How a prediction request wants to be read and answered: its media types, and what its URL asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tilth.errors import RequestError, closest
from tilth.serving.answers import Refusal
from tilth.serving.request import Request

__all__ = [
    "ARROW_FILE",
    "ARROW_STREAM",
    "CSV",
    "JSON",
    "USUAL",
    "Form",
    "Manner",
    "form_of_body",
    "manner_of",
]

Form = Literal["json", "csv", "arrow stream", "arrow file"]

JSON = "application/json"
CSV = "text/csv"
ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"

_FORMS: dict[str, Form] = {
    JSON: "json",
    CSV: "csv",
    ARROW_STREAM: "arrow stream",
    ARROW_FILE: "arrow file",
    "*/*": "json",
    "application/*": "json",
    "text/*": "csv",
}
_JSON_HEADERS = frozenset({None, b"application/json"})
# Clients that do not say what they send, curl among them, send JSON.
_TAKEN_FOR_JSON = frozenset(
    {"", "application/x-www-form-urlencoded", "application/octet-stream", "text/plain"}
)
_JSON_WANTED = frozenset({None, b"*/*", b"application/json"})
_WISHES = ("errors", "explain")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request wants to be answered.

    Args:
        form: of the answer.
        by_row: rows that are wrong are told one by one, and the others are predicted.
        explains: each prediction comes with what its columns contribute.
    """

    form: Form = "json"
    by_row: bool = False
    explains: bool = False


USUAL = Manner()


def form_of_body(request: Request) -> Form:
    """What a request's body is, by its Content-Type; JSON where it does not say.

    Raises:
        Refusal: 415 for what is no table.

    Example:
        >>> form_of_body(Request({b"content-type": b"text/csv; charset=utf-8"}))
        'csv'
    """
    if request.headers.get(b"content-type") in _JSON_HEADERS:
        return "json"
    said = request.content_type
    form = _FORMS.get(said)
    if form is not None and not said.endswith("*"):
        return form
    if said in _TAKEN_FOR_JSON or said.endswith("+json"):
        return "json"
    there = ", ".join((JSON, CSV, ARROW_STREAM, ARROW_FILE))
    raise Refusal(415, f"a body of the type {said[:100]} cannot be read; send one of {there}")


def manner_of(request: Request) -> Manner:
    """How a request wants to be answered: by its header Accept, and `?errors=rows` and `?explain=true`.

    Raises:
        RequestError: a word of the query that means nothing.

    Example:
        >>> manner_of(Request({b"accept": b"text/csv"}, scope={"query_string": b"errors=rows"}))
        Manner(form='csv', by_row=True, explains=False)
    """
    wanted = request.headers.get(b"accept")
    if wanted in _JSON_WANTED and not (request.scope and request.scope.get("query_string")):
        return USUAL
    asked = request.query
    for name in asked:
        if name not in _WISHES:
            near = closest(name[:100], _WISHES)
            raise RequestError(
                f"unknown word in the URL: '{name[:100]}'" + (f": did you mean '{near}'?" if near else ""),
                expected="errors=rows or explain=true",
            )
    by_row = _chosen(asked, "errors", {"rows": True, "request": False})
    explains = _chosen(asked, "explain", {"true": True, "1": True, "false": False, "0": False})
    return Manner(_wanted((wanted or b"").decode("latin-1")), by_row, explains)


def _chosen(asked: dict[str, str], name: str, words: dict[str, bool]) -> bool:
    text = asked.get(name)
    if text is None:
        return False
    if text not in words:
        raise RequestError(f"{name} is '{text[:100]}'", got=text[:100], expected=f"one of {', '.join(words)}")
    return words[text]


def _wanted(accept: str) -> Form:
    """The form that is wanted most; JSON where none is known, since Accept may be disregarded (RFC 9110)."""
    best: tuple[float, Form] = (0.0, "json")
    for part in accept.split(","):
        kind, _, parameters = part.partition(";")
        form = _FORMS.get(kind.strip().lower())
        quality = _quality(parameters)
        if form is not None and quality > best[0]:
            best = quality, form
    return best[1]


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
