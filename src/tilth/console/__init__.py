"""Pages in the browser, thin, over the same functions as the command line: the mistakes of a model to tag.

Every page is drawn on this side, works without JavaScript, and loads nothing from anywhere else.
"""

from __future__ import annotations

from tilth.console.desk import Desk
from tilth.console.mistakes_page import create_mistakes_page
from tilth.console.mistakes_server import serve_mistakes

__all__ = ["Desk", "create_mistakes_page", "serve_mistakes"]
