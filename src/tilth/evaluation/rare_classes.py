"""Which classes are so rare that their figures say little."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.evaluation.differences import MINIMUM_ROWS

__all__ = ["rare_classes"]

_RARE_SHARE = 0.1
"""Where every class has few rows the evaluation is small, and no class is rare."""

_MOST_NAMED = 5


def rare_classes(counts: Mapping[str, int], rows: int, minimum_rows: int = MINIMUM_ROWS) -> tuple[str, ...]:
    """Sentences on the classes that under a tenth of the rows and fewer than `minimum_rows` have.

    Args:
        counts: how many rows have each class or label.
        rows: how many rows there are.
        minimum_rows: from so many rows a class is not rare.

    Example:
        >>> print(*rare_classes({"cat": 2000, "dog": 1988, "owl": 12, "elk": 0}, 4000), sep="; ")
        class owl: 12 rows (0.3 %), so its figures are uncertain; class elk: no row, so nothing is known of it
    """
    rare = [name for name, count in counts.items() if count < min(minimum_rows, _RARE_SHARE * rows)]
    told = [_told(name, counts[name], rows) for name in rare[:_MOST_NAMED]]
    left = len(rare) - len(told)
    return (*told, *([f"{left:,} more classes are as rare"] if left > 0 else []))


def _told(name: str, count: int, rows: int) -> str:
    if not count:
        return f"class {name}: no row, so nothing is known of it"
    some = "1 row" if count == 1 else f"{count} rows"
    return f"class {name}: {some} ({100 * count / rows:.2g} %), so its figures are uncertain"
