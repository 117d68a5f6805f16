"""What Tilth's pages have in common: one file, its own script by its hash, nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    import jinja2

__all__ = ["asset", "render", "template"]

_ROOM = "tilth.profiles"


def render(
    name: str, *, title: str, styles: Sequence[str], script: str, room: str = _ROOM, **values: object
) -> str:
    """A whole page from a template that extends `base.html.jinja`.

    Args:
        name: the template.
        title: of the page.
        styles: files of style sheets, after `base.css`.
        script: the file of its script.
        room: the package whose folder `templates` has these files; those of profiles can be named too.
        values: what the template is given.

    Example:
        >>> text = render("base.html.jinja", title="<b>", styles=[], script="page.js")
        >>> text.startswith("<!doctype html>"), "<title>&lt;b&gt;</title>" in text
        (True, True)
    """
    code = asset(script, room)
    return template(name, room).render(
        title=title,
        style=Markup("").join([asset("base.css"), *(asset(style, room) for style in styles)]),
        script=code,
        script_hash=base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
        **values,
    )


def template(name: str, room: str = _ROOM) -> jinja2.Template:
    """A template of a room, that escapes all it is given.

    Example:
        >>> template("page.html.jinja").name
        'page.html.jinja'
    """
    return _environment(room).get_template(name)


@lru_cache
def asset(name: str, room: str = _ROOM) -> Markup:
    """A file of a room's folder `templates`.

    Example:
        >>> asset("base.css")[:5]
        Markup(':root')
    """
    from importlib.resources import files

    text = files(room).joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - a file of this package


@lru_cache
def _environment(room: str) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(each) for each in dict.fromkeys([room, _ROOM])]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": True}
    return environment
