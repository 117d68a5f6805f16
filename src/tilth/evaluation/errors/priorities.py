"""What to work on first: for each tag the gap to people times its share of the data, and what would help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tilth.errors import UsageError
from tilth.evaluation.errors.figures import TagFigures
from tilth.types import JSONObject
from tilth.wording import aligned

__all__ = ["Action", "Circumstances", "Priority", "checked_weight", "prioritize", "priority_table"]

Action = Literal["collect", "augment", "fix labels", "add features"]

_FEW_ROWS = 0.05
_NOBODY_KNOWS = 0.9
_SURE = 0.5
_MIDDLE = 2.0
_ACTIONS = 3


@dataclass(frozen=True)
class Circumstances:
    """What the advice on a tag follows from, beside its figures.

    Args:
        unstructured: whether the rows are images, recordings or long texts.
        error_rate: the share of errors among all rows.
        sure: for each tag the share of its errors in which the model gives its wrong answer 90 % or more.
    """

    unstructured: bool = False
    error_rate: float = 0.0
    sure: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Priority:
    """What working on a tag is worth.

    Args:
        tag: its name.
        accuracy: the share of right answers among its rows; None where right rows were not looked at.
        hlp: the share that people get right; None where nobody has said.
        share: the share of all rows that have the tag.
        room: gap to people times share: by how much accuracy rises when the gap is closed; 0 where the model
            is as good as people, None where one of the figures is not known.
        most: by how much it rises if no error of the tag is left; what bounds `room`.
        ease: 1 (hard) to 3 (easy), as people say.
        importance: 1 to 3, as people say.
        actions: what to do, with the figures that say so.
    """

    tag: str
    accuracy: float | None
    hlp: float | None
    share: float | None
    room: float | None
    most: float | None = None
    ease: float | None = None
    importance: float | None = None
    actions: tuple[tuple[Action, str], ...] = ()

    @property
    def worth(self) -> float | None:
        """The room, more where it is easy or important and less where not: each counts 2 in the middle."""
        if self.room is None:
            return None
        return self.room * (self.ease or _MIDDLE) / _MIDDLE * (self.importance or _MIDDLE) / _MIDDLE

    def to_json(self) -> JSONObject:
        """The figures as JSON values."""
        own = ("tag", "accuracy", "hlp", "share", "room", "most", "ease", "importance", "worth")
        actions = [{"action": action, "because": why} for action, why in self.actions]
        return {**{name: getattr(self, name) for name in own}, "actions": [*actions]}


def prioritize(
    figures: Iterable[TagFigures],
    said: Mapping[str, Mapping[str, float]],
    circumstances: Circumstances | None = None,
) -> tuple[Priority, ...]:
    """The tags by what working on them is worth, the most first; those without a level of people after them.

    Args:
        figures: the figures of the tags.
        said: what people say of each: "hlp", 0 to 1; "ease" and "importance", 1 to 3.
        circumstances: what the advice follows from beside; default: none is given.

    Example:
        >>> from tilth.metrics import Estimate
        >>> rate, share = Estimate(0.11), Estimate(0.04)
        >>> car = TagFigures("car noise", 400, 44, Estimate(0.1), rate, share, Estimate(0.0044), 356)
        >>> [found] = prioritize([car], {"car noise": {"hlp": 0.93}})
        >>> round(100 * found.room, 2)
        0.16
    """
    found = [_priority(each, said.get(each.tag, {}), circumstances) for each in figures]
    return tuple(sorted(found, key=_order))


def checked_weight(name: str, value: float) -> float:
    """What people say of a tag.

    Raises:
        UsageError: a level outside [0, 1], or an ease or importance outside [1, 3].
    """
    low, high = (0.0, 1.0) if name == "hlp" else (1.0, 3.0)
    if not low <= value <= high:
        mend = f"did you mean {value / 100:g}?" if name == "hlp" and 1 < value <= 100 else None
        raise UsageError(f"{name} {value:g}", expected=f"a number from {low:g} to {high:g}", mend=mend)
    return value


def priority_table(found: Sequence[Priority]) -> list[str]:
    r"""The table for people, as lines; shares in percent, the room in points of accuracy.

    Example:
        >>> print(*priority_table([Priority("clean", 0.94, 0.95, 0.6, 0.006)]), sep="\n")
        tag    accuracy    people   share   room  ease  importance
        clean    94.0 %    95.0 %  60.0 %   0.60     -           -
    """
    titles = ("tag", "accuracy", "people", "share", "room", "ease", "importance")
    return aligned([titles, *map(_cells, found)])


def _priority(
    figures: TagFigures, said: Mapping[str, float], circumstances: Circumstances | None
) -> Priority:
    rate, share = figures.error_rate.value, figures.share_of_data.value
    accuracy = None if rate is None else 1 - rate
    hlp = said.get("hlp")
    room = None if None in (accuracy, hlp, share) else max(0.0, (hlp or 0) - (accuracy or 0)) * (share or 0)
    actions = () if circumstances is None or room == 0 else _actions(figures, hlp, circumstances)
    most, ease, importance = figures.room.value, said.get("ease"), said.get("importance")
    return Priority(figures.tag, accuracy, hlp, share, room, most, ease, importance, actions)


def _order(each: Priority) -> tuple[bool, float, float, str]:
    return (each.worth is None, -(each.worth or 0.0), -(each.most or 0.0), each.tag)


def _actions(figures: TagFigures, hlp: float | None, around: Circumstances) -> tuple[tuple[Action, str], ...]:
    """What would help, the surest first."""
    share, rate = figures.share_of_data.value, figures.error_rate.value
    sure = (around.sure or {}).get(figures.tag)
    worse = rate is None or rate > around.error_rate
    rates = f"wrong in {_percent(rate)} of its rows, {_percent(around.error_rate)} of all"
    found: list[tuple[Action, str]] = []
    if hlp is not None and hlp < _NOBODY_KNOWS:
        found.append(("fix labels", f"people agree with them on {_percent(hlp)} only: define the label anew"))
    elif sure is not None and sure >= _SURE:
        found.append(
            ("fix labels", f"in {_percent(sure)} of its errors the model is 90 % sure or more: look at these")
        )
    if share is not None and share < _FEW_ROWS and worse:
        found.append(("collect", f"only {_percent(share)} of the data; {rates}"))
    if around.unstructured and worse:
        found.append(("augment", f"{_percent(figures.share_of_errors.value)} of all errors are of this kind"))
    if not around.unstructured and share is not None and share >= _FEW_ROWS and worse:
        found.append(("add features", f"{_percent(share)} of the data, so not too few; {rates}"))
    return tuple(found[:_ACTIONS])


def _percent(value: float | None) -> str:
    return "an unknown share" if value is None else f"{100 * value:.1f} %"


def _cells(each: Priority) -> tuple[str, ...]:
    shares = ("-" if value is None else _percent(value) for value in (each.accuracy, each.hlp, each.share))
    if each.room is None:
        room = "-" if each.most is None else f"<= {100 * each.most:.2f}"
    else:
        room = f"{100 * each.room:.2f}"
    said = ("-" if value is None else f"{value:g}" for value in (each.ease, each.importance))
    return (each.tag, *shares, room, *said)
