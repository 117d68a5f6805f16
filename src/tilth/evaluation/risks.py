"""Risks: what could go wrong with a model, the quantity that would show it, and its bound; see audit.toml."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import msgspec

from tilth.checks import Check
from tilth.errors import ProjectError, TilthError, closest

__all__ = ["AuditedPart", "CardWords", "Risk", "RiskFile", "read_risks"]

AuditedPart = Literal["test", "dev"]

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Risk:
    """Something that could go wrong, and the bound on the quantity that would show it.

    Args:
        name: what it is called, in few words; names are told apart whatever their case.
        what: what could go wrong, in a sentence.
        check: the quantity, its slice and its bound.
        part: the rows that it is measured on: "test", or "dev".
        source: where the bound comes from: a law, a contract, a measurement.
        owner: who has to sign it; None: anybody may.

    Example:
        >>> risk = Risk("missed fraud", "a fraud passes", Check("recall", "model", low=0.8))
        >>> risk.bound, risk.digest == Risk("missed fraud", "", Check("recall", "model", low=0.7)).digest
        ('>= 0.8', False)
    """

    name: str
    what: str
    check: Check
    part: AuditedPart = "test"
    source: str | None = None
    owner: str | None = None

    @property
    def bound(self) -> str:
        """The bound in words, with the baseline where it is on the difference to one."""
        low, high = self.check.low, self.check.high
        if low is not None and high is not None:
            said = f"within [{low:g}, {high:g}]"
        else:
            said = f">= {low:g}" if low is not None else f"<= {high:g}"
        return f"minus {self.check.baseline} {said}" if self.check.baseline else said

    @property
    def where(self) -> str:
        """The rows in words: the slice, and the part where it is not the test part."""
        slices = ", ".join(
            column if value == "true" and not column.isidentifier() else f"{column}={value}"
            for column, value in self.check.slice.items()
        )
        return (slices or "all rows") + (" of dev" if self.part == "dev" else "")

    @cached_property
    def digest(self) -> str:
        """Equal for equal risks: what a signature holds for. Any other word in it makes it another risk."""
        check = self.check
        said = [self.name, self.what, self.part, self.source, self.owner, check.metric, check.baseline]
        text = json.dumps([*said, check.low, check.high, sorted(check.slice.items())])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class CardWords:
    """What only people can say of a model, for its card.

    Args:
        use: what it is meant for, and for whom.
        not_for: what it must not be used for.
        contact: whom to ask.
        limits: what is known not to work.
    """

    use: str | None = None
    not_for: str | None = None
    contact: str | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class RiskFile:
    """What an audit.toml says."""

    risks: tuple[Risk, ...]
    card: CardWords = field(default_factory=CardWords)


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the sections share: no unknown keys."""


class _RiskSection(_Section, frozen=True):
    name: str
    metric: str
    what: str = ""
    slice: dict[str, str] = {}
    min: float | None = None
    max: float | None = None
    baseline: str | None = None
    part: AuditedPart = "test"
    source: str | None = None
    owner: str | None = None


class _CardSection(_Section, frozen=True):
    use: str | None = None
    not_for: str | None = None
    contact: str | None = None
    limits: list[str] = []


class _File(_Section, frozen=True):
    card: _CardSection = _CardSection()
    risk: list[_RiskSection] = []


def read_risks(text: str, where: str = "audit.toml") -> RiskFile:
    r"""The risks of an audit.toml, in their order.

    Args:
        text: TOML: `[[risk]]` with `name`, `what`, `metric`, `slice`, `min`, `max`, `baseline`, `part`,
            `source` and `owner`; and `[card]` with `use`, `not_for`, `contact` and `limits`.
        where: the file, for errors.

    Raises:
        ProjectError: not TOML, an unknown key, a value of the wrong type, no bound, a name given twice, or no
            risk at all.

    Example:
        >>> text = '[[risk]]\nname = "missed"\nmetric = "recall"\nmin = 0.8\nslice = { sex = "f" }'
        >>> [(risk.name, risk.where, risk.bound) for risk in read_risks(text).risks]
        [('missed', 'sex=f', '>= 0.8')]
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"this is not valid TOML: {error}", where=where) from error
    try:
        found = msgspec.convert(raw, _File)
    except msgspec.ValidationError as error:
        raise _explained(str(error), where) from error
    risks = tuple(_risk(section, f"{where}, [[risk]] {at}") for at, section in enumerate(found.risk, 1))
    if not risks:
        raise ProjectError("no risk is named", where=where, expected="one [[risk]] or more")
    _refuse_twice(risks, where)
    card = found.card
    return RiskFile(risks, CardWords(card.use, card.not_for, card.contact, tuple(card.limits)))


def _risk(section: _RiskSection, where: str) -> Risk:
    name = section.name
    if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ProjectError(
            f"{name[:_LONGEST_NAME]!r} cannot be a risk's name",
            where=where,
            expected=f"a few words in one line, at most {_LONGEST_NAME} characters",
        )
    try:
        check = Check(
            section.metric,
            "model",
            low=section.min,
            high=section.max,
            slice=section.slice,
            baseline=section.baseline,
            optional_baseline=section.baseline == "champion",
        )
    except TilthError as error:
        raise ProjectError(error.what, where=where, expected=error.expected, mend=error.mend) from error
    return Risk(name, section.what, check, section.part, section.source, section.owner)


def _refuse_twice(risks: tuple[Risk, ...], where: str) -> None:
    seen: dict[str, str] = {}
    for risk in risks:
        if risk.name.casefold() in seen:
            raise ProjectError(
                f"two risks are called '{risk.name}'",
                where=where,
                expected="a name of its own for each, since it is signed by name",
            )
        seen[risk.name.casefold()] = risk.name


def _explained(message: str, where: str) -> ProjectError:
    """Msgspec's message in the words of the file."""
    what, _, path = message.partition(" - at `")
    place = path.rstrip("`").removeprefix("$").removeprefix(".")
    numbered = re.fullmatch(r"risk\[(\d+)\]\.?(.*)", place)
    if numbered:
        place = f"[[risk]] {int(numbered[1]) + 1}" + (f", {numbered[2]}" if numbered[2] else "")
    at = f"{where}, {place}" if place else where
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown is None:
        return ProjectError(what.replace("`", "'").replace("Object missing", "missing"), where=at)
    kind = _RiskSection if numbered else _CardSection if place.startswith("card") else _File
    known = [each.name for each in msgspec.structs.fields(kind)]
    near = closest(unknown[1], known)
    return ProjectError(
        f"unknown key '{unknown[1]}'",
        where=at,
        expected=f"one of {', '.join(known)}",
        mend=f"did you mean '{near}'?" if near else None,
    )
