"""KeyNumbers: a number for each different text, in the order in which they come."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

__all__ = ["KEY_NUMBERS", "KeyNumbers"]

KEY_NUMBERS = 1 << 18
"""How many different keys are told apart."""


class KeyNumbers:
    """Numbers from 0 for texts; equal texts, and only they, have the same.

    Args:
        limit: how many different texts there may be.

    Example:
        >>> keys = KeyNumbers()
        >>> keys.of(np.array(["b", "a", "b"], dtype=object)), keys.texts
        (array([0, 1, 0]), ['b', 'a'])
    """

    def __init__(self, limit: int = KEY_NUMBERS) -> None:
        self.limit = limit
        self.is_full = False
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def texts(self) -> list[str]:
        """The texts, in the order of their numbers."""
        return list(self._numbers)

    def of(self, texts: np.ndarray) -> np.ndarray:
        """The number of each text; new ones get new numbers.

        With more than `limit` texts `is_full` becomes true, nothing is kept and all numbers are 0.

        Args:
            texts: objects, shape (n,).

        Returns:
            int64, shape (n,).
        """
        encoded = pa.array(texts, pa.string()).dictionary_encode()
        numbers = self.numbers(encoded.dictionary.to_pylist())
        found: np.ndarray = numbers[encoded.indices.to_numpy()]
        return found

    def numbers(self, texts: list[str]) -> np.ndarray:
        """The number of each of some texts; new ones get new numbers. int64, shape (n,)."""
        known = self._numbers
        if not self.is_full:
            found = [known.setdefault(text, len(known)) for text in texts]
            if len(known) <= self.limit:
                return np.array(found, dtype=np.int64)
            self.is_full = True
            known.clear()
        return np.zeros(len(texts), dtype=np.int64)
