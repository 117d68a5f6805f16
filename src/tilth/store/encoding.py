"""Values to canonical JSON text: keys sorted, numbers finite."""

from __future__ import annotations

import json

__all__ = ["to_json_text"]


def to_json_text(value: object) -> str:
    """Canonical JSON text of a value.

    Raises:
        TypeError: a value that JSON does not know.
        ValueError: a number that is not finite.

    Example:
        >>> to_json_text({"b": 1, "a": [None, 0.5]})
        '{"a":[null,0.5],"b":1}'
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
