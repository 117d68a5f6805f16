"""Token: a piece of a rule's text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Token"]


@dataclass(frozen=True)
class Token:
    """A word, name, value or sign of a rule.

    Args:
        kind: "space", "text", "quoted", "number", "name" or "sign".
        text: as it stands in the rule.
    """

    kind: str
    text: str

    @property
    def word(self) -> str:
        """A name in lower case; "" for all else."""
        return self.text.lower() if self.kind == "name" else ""
