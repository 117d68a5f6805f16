"""Writing estimator and parameters into the text of a tilth.toml, so that comments and order stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["training_lines", "with_training"]

_MARK = "\ufeff"  # some editors begin a file with it


def with_training(text: str, estimator: str, parameters: Mapping[str, object]) -> str:
    r"""The text with another estimator and other parameters under [train], and nothing else changed.

    Args:
        text: the content of a tilth.toml.
        estimator: its name.
        parameters: all of them; others go.

    Example:
        >>> text = '[train]\nestimator = "lightgbm" # quick\nparameters = { a = 1, b = 2 } # mine\n'
        >>> print(with_training(text, "lightgbm", {"b": 3}), end="")
        [train]
        estimator = "lightgbm" # quick
        parameters = { b = 3 } # mine
    """
    mark = _MARK if text.startswith(_MARK) else ""
    is_crlf = "\r\n" in text
    edited = _edited(text.removeprefix(_MARK).replace("\r\n", "\n"), estimator, parameters)
    return mark + (edited.replace("\n", "\r\n") if is_crlf else edited)


def _edited(text: str, estimator: str, parameters: Mapping[str, object]) -> str:
    import tomlkit

    document: Any = tomlkit.parse(text)
    if "train" not in document:
        document["train"] = tomlkit.table()
    section = document["train"]
    if section.get("estimator", "lightgbm") != estimator:
        section["estimator"] = estimator
    known = section.get("parameters")
    if known is None:
        section["parameters"] = _inline(parameters)
    elif isinstance(known, tomlkit.items.InlineTable):
        fresh = _inline(parameters)
        fresh.trivia.comment, fresh.trivia.comment_ws = known.trivia.comment, known.trivia.comment_ws
        fresh.trivia.trail = known.trivia.trail
        section["parameters"] = fresh
    else:
        _edit(known, parameters)
    return str(document.as_string())


def _edit(known: Any, parameters: Mapping[str, object]) -> None:
    """Change a table of its own, key by key, so that the comments beside others stay."""
    for name in [name for name in known if name not in parameters]:
        del known[name]
    for name, value in parameters.items():
        if name not in known or known[name] != value:
            known[name] = value


def training_lines(estimator: str, parameters: Mapping[str, object]) -> str:
    """The section [train] with these, to be copied.

    Example:
        >>> print(training_lines("lightgbm", {"num_leaves": 15}), end="")
        [train]
        estimator = "lightgbm"
        parameters = { num_leaves = 15 }
    """
    return with_training(f'[train]\nestimator = "{estimator}"\n', estimator, parameters)


def _inline(parameters: Mapping[str, object]) -> Any:
    import tomlkit

    items = (
        f"{tomlkit.key(name).as_string()} = {tomlkit.item(v).as_string()}" for name, v in parameters.items()
    )
    text = ", ".join(items)
    return tomlkit.parse(f"parameters = {{ {text} }}" if text else "parameters = {}")["parameters"]
