"""What people write about mistakes, checked, and what a model says, as text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.errors import UsageError
from tilth.metrics import Answered, LabelEncoding

__all__ = ["answer_confidences", "answer_texts", "checked_name", "checked_note", "checked_tag"]

_LONGEST_TAG = 80
_LONGEST_NOTE = 2000


def checked_tag(text: str) -> str:
    """A tag as it is kept.

    Raises:
        UsageError: it is empty or too long, or a table of tags could not hold it.

    Example:
        >>> checked_tag("  car   noise ")
        'car noise'
    """
    tag = " ".join(text.split())
    if not tag or len(tag) > _LONGEST_TAG or not tag.isprintable() or ";" in tag:
        raise UsageError(
            f"{text[:100]!r} is no tag", expected=f"1 to {_LONGEST_TAG} visible characters without ';'"
        )
    return tag


def checked_name(text: str) -> str:
    """The name of a person as it is kept.

    Raises:
        UsageError: it is empty or too long.
    """
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_TAG or not name.isprintable():
        raise UsageError(
            f"{text[:100]!r} is no name of a person", expected=f"1 to {_LONGEST_TAG} visible characters"
        )
    return name


def checked_note(text: str | None) -> str | None:
    """A note as it is kept; None where nothing is said.

    Raises:
        UsageError: it is too long.
    """
    note = (text or "").strip()
    if len(note) > _LONGEST_NOTE:
        raise UsageError(
            f"a note of {len(note):,} characters", expected=f"at most {_LONGEST_NOTE:,} characters"
        )
    return note or None


def answer_texts(codes: npt.NDArray[np.generic], encoding: LabelEncoding) -> npt.NDArray[np.object_]:
    """Labels or answers as text, (n,).

    Args:
        codes: (n,), codes of classes, or numbers; for several labels (n, c), 1 or 0.
        encoding: the task and its classes.

    Example:
        >>> answer_texts(np.array([1, 0]), LabelEncoding("binary", ("no", "yes"))).tolist()
        ['yes', 'no']
        >>> answer_texts(np.array([2.5]), LabelEncoding("regression")).tolist()
        ['2.5']
    """
    if encoding.is_number:
        found = [f"{value:.6g}" for value in codes.tolist()]
    elif encoding.task == "multilabel":
        found = [", ".join(labels) or "(none)" for labels in encoding.labels_of(codes)]
    else:
        return np.asarray(np.array(encoding.names, object)[codes.astype(np.int64)], object)
    return np.array(found, object)


def answer_confidences(answered: Answered, encoding: LabelEncoding) -> npt.NDArray[np.float64] | None:
    """The probability that a model gives to each answer, (n,); None where it gives none.

    Of several labels it is the mean probability that what is said of each is right.
    """
    scores, said = answered.scores, answered.predictions
    if scores is None or encoding.is_number:
        return None
    shares = np.asarray(scores, np.float64)
    if shares.min(initial=0.0) < 0 or shares.max(initial=1.0) > 1:
        return None  # scores of some other kind
    if encoding.task == "multilabel":
        return np.asarray(np.where(said == 1, shares, 1 - shares).mean(axis=1), np.float64)
    return np.asarray(shares[np.arange(len(said)), said.astype(np.int64)], np.float64)
