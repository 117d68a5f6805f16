"""YAML of plain values, written as people write it: blocks, and every text in quotes where it needs them."""

from __future__ import annotations

import json
import re

from tilth.types import JSONValue

__all__ = ["yaml_text"]

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def yaml_text(value: JSONValue, indent: int = 0) -> str:
    """A value as YAML (https://yaml.org/spec/1.2.2/), with a line break at its end.

    Example:
        >>> print(yaml_text({"groups": [{"name": "a b", "rules": [], "for": "5m"}], "n": 1}), end="")
        groups:
          - name: "a b"
            rules: []
            for: "5m"
        "n": 1
    """
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_scalar(key)}:{_below(each, indent)}" for key, each in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}- {yaml_text(each, indent + 2).lstrip(' ')}" for each in value)
    return f"{pad}{_scalar(value)}\n"


def _below(value: JSONValue, indent: int) -> str:
    if isinstance(value, dict | list) and value:
        return "\n" + yaml_text(value, indent + 2)
    return f" {_scalar(value)}\n"


def _scalar(value: JSONValue) -> str:
    """A text in JSON's quotes is one in YAML's; one that has such quotes stands in single ones."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, str) and '"' in value and value.isprintable() and "\\" not in value:
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    return json.dumps(value, ensure_ascii=False)
