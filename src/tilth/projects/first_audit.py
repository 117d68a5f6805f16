"""A first audit.toml from what tilth.toml says, for people to complete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tilth.checks import Check
from tilth.projects.configuration import Configuration
from tilth.projects.obligation_rules import set_name
from tilth.types import NUMBER_TASKS, Task

__all__ = ["first_audit"]

_HEAD = """\
# What could go wrong with this model, the quantity that would show it, and who agrees that it does not.
#   tilth audit                          measures all of it on the challenger
#   tilth audit sign --all --as "Ann"    signs what holds
# With [audit] required = true in tilth.toml no version is promoted before all of it holds and is signed.

[card]  # what only people can say, for the model card: tilth audit --card DIR
use = ""      # what the model is meant for, and for whom
not_for = ""  # what it must not be used for
contact = ""  # whom to ask
limits = []   # what is known not to work

# [[risk]]
# name = "..."                   # in few words: it is signed by this name
# what = "..."                   # what could go wrong, in a sentence
# metric = "recall"              # one of those that tilth evaluate --model prints
# slice = { sex = "Female" }     # column values, or "age > 60" = "true"; without it all rows
# min = 0.8                      # and/or max, inclusive
# baseline = "champion"          # the bounds are on the difference to it: majority, linear, champion, ...
# part = "test"                  # or "dev"
# source = "..."                 # where the bound comes from
# owner = "..."                  # who has to sign; without it anybody may
"""

_LONGEST_NAME = 150
_FOUR_FIFTHS = "four-fifths rule, 29 CFR 1607.4 (D)"
_GAPS: dict[Task, str] = {
    "multiclass": "gap.accuracy",
    "regression": "gap.mean_error",
    "multilabel": "gap.subset_accuracy",
    "ranking": "gap.ndcg_at_10",
}


def first_audit(configuration: Configuration) -> str:
    r"""A first audit.toml: a risk for each check, protected attribute, must-pass set and word list.

    Slices, on which only people know what is enough, are proposed as comments.

    Example:
        >>> project = 'project = {name = "a", label = "y", task = "binary"}'
        >>> said = 'data = {sources = ["a.csv"]}', 'evaluate = {protected = ["sex"]}'
        >>> text = first_audit(Configuration.from_toml("\n".join((project, *said))))
        >>> print(text[text.index('name = "unequal'):])
        name = "unequal positive answers by sex"
        what = "groups of sex get positive answers much more rarely than others"
        metric = "ratio.positive_rate.sex"
        min = 0.8
        source = "four-fifths rule, 29 CFR 1607.4 (D)"
        <BLANKLINE>
    """
    evaluate, task = configuration.evaluate, configuration.project.task
    blocks = [_of_check(check) for check in configuration.checks_at("model")]
    blocks += [_of_group(",".join(columns), task) for columns in evaluate.attributes]
    blocks += [
        _block(
            f"must pass: {set_name(path)}",
            f"an example of {path} is answered wrongly",
            f"must_pass.{set_name(path)}",
            low=1.0,
        )
        for path in evaluate.must_pass
    ]
    blocks += [
        _block(
            f"must never be said: {set_name(path)}",
            f"an answer holds a word of {path}",
            f"never.{set_name(path)}",
            high=0.0,
        )
        for path in evaluate.never
    ]
    blocks += [_of_slicing(columns, task) for columns in evaluate.slices]
    return "\n".join([_HEAD, *_named_apart(blocks)])


def _of_check(check: Check) -> str:
    where = "".join(f" where {column} is {value}" for column, value in check.slice.items())
    against = f" against {check.baseline}" if check.baseline else ""
    return _block(
        f"{check.metric}{against}{where}",
        f"the model does worse{against} than it may{where}",
        check.metric,
        low=check.low,
        high=check.high,
        slices=dict(check.slice),
        baseline=check.baseline,
        source="[[checks]] in tilth.toml",
    )


def _of_group(column: str, task: Task) -> str:
    if task == "binary":
        return _block(
            f"unequal positive answers by {column}",
            f"groups of {column} get positive answers much more rarely than others",
            f"ratio.positive_rate.{column}",
            low=0.8,
            source=_FOUR_FIFTHS,
        )
    return _commented(
        f"worse by {column}", f"it does worse for some groups of {column}", f"{_GAPS[task]}.{column}", "max"
    )


def _of_slicing(columns: list[str], task: Task) -> str:
    said = " x ".join(columns)
    metric = "mae" if task == "regression" else "ndcg_at_10" if task in NUMBER_TASKS else "accuracy"
    metric = {"multilabel": "micro_f1", "binary": "recall"}.get(task, metric)
    bound = "max" if task == "regression" else "min"
    return _commented(f"worse on {said}", "it does worse there", metric, bound, columns)


def _block(
    name: str,
    what: str,
    metric: str,
    *,
    low: float | None = None,
    high: float | None = None,
    slices: dict[str, str] | None = None,
    baseline: str | None = None,
    source: str = "to be said",
) -> str:
    lines = ["[[risk]]", f"name = {_name(name)}", f"what = {_text(what)}", f"metric = {_text(metric)}"]
    lines += [_slice(slices)] if slices else []
    lines += [f"{key} = {bound!r}" for key, bound in (("min", low), ("max", high)) if bound is not None]
    lines += [f"baseline = {_text(baseline)}"] if baseline else []
    return "\n".join([*lines, f"source = {_text(source)}", ""])


def _name(text: str) -> str:
    """A name as a risk may have it: one line, not too long."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return _text(" ".join(shown.split())[:_LONGEST_NAME])


def _commented(name: str, what: str, metric: str, bound: str, columns: list[str] | None = None) -> str:
    """A risk whose bound only people know."""
    lines = ["[[risk]]", f"name = {_name(name)}", f"what = {_text(what)}", f"metric = {_text(metric)}"]
    lines += [_slice(dict.fromkeys(columns, "..."))] if columns else []
    return "\n".join([*(f"# {line}" for line in lines), f"# {bound} = ...", ""])


def _slice(values: dict[str, str]) -> str:
    pairs = (f"{_key(column)} = {_text(value)}" for column, value in values.items())
    return f"slice = {{ {', '.join(pairs)} }}"


def _named_apart(blocks: list[str]) -> Iterator[str]:
    """Blocks whose names differ: of two checks on one quantity the second is numbered."""
    seen: dict[str, int] = {}
    for block in blocks:
        name = re.search(r'^name = "(.*)"$', block, re.MULTILINE)
        if name is None or block.startswith("#"):
            yield block
            continue
        key = name[1].casefold()
        seen[key] = seen.get(key, 0) + 1
        end = name.end(1)
        yield block if seen[key] == 1 else f"{block[:end]} ({seen[key]}){block[end:]}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    """A basic string of TOML; JSON escapes the same characters, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
