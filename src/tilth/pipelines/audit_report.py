"""An audit as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tilth.errors import counted
from tilth.evaluation.audit import Entry, Signature

__all__ = ["audit_report", "measured_in_words", "signed_in_words", "verdict_in_words"]

_TITLES = ("risk", "metric", "where", "bound", "measured", "verdict", "signed by")


def audit_report(title: str, entries: Sequence[Entry], *, is_required: bool) -> str:
    """A line for each risk, what to doubt, and whether the model may go out.

    Args:
        title: which model it is.
        entries: what was found of each risk, and who signed it.
        is_required: whether the project demands that all is signed.
    """
    return "\n".join(
        [title, "", *_table([_TITLES, *map(_cells, entries)]), "", *_lines(entries, is_required)]
    )


def measured_in_words(entry: Entry) -> str:
    """The value with its interval; with a baseline the difference, and both values."""
    verdict = entry.finding.verdict
    if verdict.value is not None and verdict.baseline_value is not None:
        mine, theirs = verdict.value, verdict.baseline_value
        return f"{mine - theirs:+.4g} ({mine:.4g} against {theirs:.4g})"
    return str(entry.finding.estimate)


def verdict_in_words(entry: Entry) -> str:
    """Whether the bound holds: "pass", "fail", or "undefined", which does not pass either."""
    verdict = entry.finding.verdict
    if verdict.passed:
        return "pass"
    return "fail" if verdict.value is not None else "undefined"


def signed_in_words(signature: Signature | None) -> str:
    """Who signed and when; "nobody" where nobody did, and that it is void where it is."""
    if signature is None:
        return "nobody"
    said = f"{signature.who}, {signature.made:%Y-%m-%d %H:%M} UTC"
    return said if signature.void is None else f"{said}: void"


def _lines(entries: Sequence[Entry], is_required: bool) -> Iterator[str]:
    for entry in entries:
        finding = entry.finding
        if not finding.verdict.passed:
            what = f" ({finding.risk.what})" if finding.risk.what else ""
            yield f"fail: {finding.risk.name}{what}: {finding.verdict.reason}"
        elif finding.verdict.baseline_value is None and finding.risk.check.baseline:
            yield f"note: '{finding.risk.name}': {finding.verdict.reason}"
        elif _is_doubtful(entry):
            yield f"note: '{finding.risk.name}' holds, but its interval reaches past the bound"
        if entry.signature is not None and entry.signature.void is not None:
            yield f"void: {entry.signature.who}'s signature of '{finding.risk.name}': {entry.signature.void}"
    failed = sum(not entry.finding.verdict.passed for entry in entries)
    unsigned = sum(not entry.is_signed for entry in entries if entry.finding.verdict.passed)
    every = counted(len(entries), "risk")
    if failed:
        yield f"{failed} of {every} {'does' if failed == 1 else 'do'} not hold"
    if unsigned:
        needs = ", and [audit] required = true asks for it" if is_required else ""
        yield f"{unsigned} of {every} {'is' if unsigned == 1 else 'are'} not signed{needs}: tilth audit sign"
    if not failed and not unsigned:
        yield f"all bounds hold and {'it is' if len(entries) == 1 else 'all are'} signed"


def _is_doubtful(entry: Entry) -> bool:
    finding = entry.finding
    has_interval = finding.estimate.low is not None and not finding.risk.check.baseline
    return has_interval and not finding.is_sure


def _cells(entry: Entry) -> tuple[str, ...]:
    finding = entry.finding
    return (
        finding.risk.name,
        finding.risk.check.metric,
        finding.risk.where,
        finding.risk.bound,
        measured_in_words(entry),
        verdict_in_words(entry),
        signed_in_words(entry.signature),
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of words as lines, all columns to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
