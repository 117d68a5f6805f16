"""Attributions: what each column contributes to what a model says of single rows, exactly or by drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError
from tilth.evaluation.explanation.asking import Ask, chosen_output, output_names
from tilth.evaluation.explanation.origins import Players, find_players
from tilth.evaluation.explanation.picking import hashes_of
from tilth.evaluation.explanation.sampled_shapley import sampled_shapley
from tilth.evaluation.explanation.tree_shapley import raw_scores, tree_shapley
from tilth.inference import Trees
from tilth.metrics import LabelEncoding

__all__ = [
    "LEAST_ORDERS",
    "MOST_ANSWERS",
    "Attributions",
    "ExplainedModel",
    "Method",
    "attribute",
    "drawn_from",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Method = Literal["trees", "sampling"]

MOST_ANSWERS = 500_000
_MOST_CELLS = 1_000_000_000
LEAST_ORDERS = 4
_LINKED = 1e-4
"""A probability that is farther than this from the one that the trees alone give was changed afterwards."""


@dataclass(frozen=True)
class ExplainedModel:
    """A model that is to be explained.

    Args:
        ask: what it says of rows.
        encoding: the task and its classes.
        columns: the raw columns that it takes.
        trees: its trees, if it is a tree ensemble.
    """

    ask: Ask
    encoding: LabelEncoding
    columns: tuple[str, ...]
    trees: Trees | None = None

    @property
    def targets(self) -> tuple[int, ...] | None:
        """Which sum of the trees stands for each output; None where that is not told by their number."""
        if self.trees is None:
            return None
        there, wanted = self.trees.ensemble.values.shape[1], len(output_names(self.encoding))
        if self.encoding.task == "binary" and there == 2:
            return (1,)
        return tuple(range(there)) if there == wanted else None


@dataclass(frozen=True)
class Attributions:
    """The contributions to what a model says of n rows; each row's add up to value minus base.

    Args:
        method: "trees", exact, or "sampling".
        scale: what is explained, such as "log-odds"; see `of`.
        players: who contributes: raw columns, alone or together where features are made of several.
        amounts: (n, players).
        errors: (n, players), standard errors of what was drawn; None where nothing was.
        base: (n,), what is said of the background rows on average.
        values: (n,), what is said of the row.
        outputs: (n,), which output is explained.
        of: what the outputs are: classes; of numbers "prediction".
        background: how many rows the answers are held against.
        notes: what else must be known, in sentences.
    """

    method: Method
    scale: str
    players: tuple[tuple[str, ...], ...]
    amounts: Floats
    errors: Floats | None
    base: Floats
    values: Floats
    outputs: Integers
    of: tuple[str, ...]
    background: int
    notes: tuple[str, ...] = ()

    def told(self, row: int) -> str:
        """What is explained of one row, in words: "log-odds of yes"."""
        name = self.of[int(self.outputs[row])]
        return self.scale if self.scale.endswith("prediction") else f"{self.scale} of {name}"


def attribute(
    model: ExplainedModel,
    rows: pa.Table,
    background: pa.Table,
    *,
    of: str | None = None,
    method: Method | None = None,
    seed: int = 0,
    answers: int = MOST_ANSWERS,
) -> Attributions:
    """Share what a model says of each row among its columns, by their Shapley values.

    What a column contributes is how much the answer changes when the column gets the row's value in place
    of a background row's, averaged over all orders in which columns can get theirs (Shapley 1953; Strumbelj
    and Kononenko 2014). Of a tree ensemble this is computed exactly on its sums; of any other model, or one
    whose features are made of many columns at once, orders are drawn.

    Args:
        model: the model.
        rows: n rows with all its columns.
        background: m rows that are held against them, such as training rows.
        of: which class's score is explained; default: of two the positive one's, of several the one that is
            said.
        method: "trees" or "sampling"; default: trees where that can be done.
        seed: of the orders that are drawn.
        answers: what is drawn asks the model for so many at most; then fewer background rows do.

    Raises:
        UsageError: no such class, or "trees" where that cannot be done.
    """
    outputs = chosen_output(model.ask(rows), model.encoding, of)
    notes: tuple[str, ...] = ()
    if method != "sampling":
        found = _of_trees(model, rows, background, outputs)
        if isinstance(found, Attributions):
            return found
        if method == "trees":
            raise UsageError(f"the trees cannot be used: {found}", mend="leave --method out, or sampling")
        notes = (f"contributions are drawn, since {found}",)
    orders = drawn_from(answers, len(model.columns), rows.num_rows)
    return replace(_of_any(model, rows, background.slice(0, orders), outputs, seed), notes=notes)


def drawn_from(answers: int, columns: int, rows: int) -> int:
    """For how many background rows orders are drawn, 4 at least, so that the answers stay within a bound.

    Example:
        >>> drawn_from(500_000, 14, 300), drawn_from(500_000, 5_000, 1)
        (64, 20)
    """
    most = min(answers, _MOST_CELLS // max(1, columns))
    return max(LEAST_ORDERS, most // (2 * max(1, columns - 1) * max(1, rows)))


def _of_any(
    model: ExplainedModel, rows: pa.Table, background: pa.Table, outputs: Integers, seed: int
) -> Attributions:
    found = [
        sampled_shapley(
            model.ask,
            rows.slice(at, 1),
            background,
            model.encoding,
            columns=model.columns,
            seed=(seed, int(own)),
        )
        for at, own in enumerate(hashes_of(rows))
    ]
    pairs = list(zip(found, outputs.tolist(), strict=True))
    return Attributions(
        "sampling",
        "prediction" if model.encoding.is_number else "probability",
        tuple((column,) for column in model.columns),
        np.array([each.amounts[:, output] for each, output in pairs]).reshape(len(pairs), -1),
        np.array([each.errors[:, output] for each, output in pairs]).reshape(len(pairs), -1),
        np.array([each.base[output] for each, output in pairs]),
        np.array([each.value[output] for each, output in pairs]),
        outputs,
        output_names(model.encoding),
        background.num_rows,
    )


def _of_trees(
    model: ExplainedModel, rows: pa.Table, background: pa.Table, outputs: Integers
) -> Attributions | str:
    """The exact ones, or why there are none."""
    trees, targets = model.trees, model.targets
    if trees is None or targets is None:
        return "the model is not one ensemble of trees"

    def features(given: pa.Table) -> npt.NDArray[np.floating]:
        found: npt.NDArray[np.floating] = trees.features.run_batch(given.combine_chunks())["features"]
        return found

    players = find_players(features, pa.concat_tables([rows, background]), model.columns)
    if players is None or not players.are_clear:
        return "its features are made of many columns at once"
    own, others = features(rows), features(background)
    amounts, base = tree_shapley(trees.ensemble, own, others, players.of_feature)
    chosen = np.array(targets, np.int64)[outputs]
    slope = trees.slope if trees.link == "logistic" else 1.0
    each = np.arange(len(outputs))
    sums = raw_scores(trees.ensemble, own)[each, chosen] * slope
    return Attributions(
        "trees",
        _scale(trees, model.encoding),
        players.columns,
        _padded(amounts[each, :, chosen], players) * slope,
        None,
        base[chosen] * slope,
        sums,
        outputs,
        output_names(model.encoding),
        background.num_rows,
        _afterwards(model, trees, rows, sums),
    )


def _padded(amounts: Floats, players: Players) -> Floats:
    """One column for each player, in their order: those of features that always are the same are 0."""
    width = len(players.columns)
    found = np.zeros((len(amounts), width))
    found[:, : min(width, amounts.shape[1])] = amounts[:, :width]
    return found


def _scale(trees: Trees, encoding: LabelEncoding) -> str:
    if encoding.is_number:
        return "logarithm of the prediction" if trees.link == "exponential" else "prediction"
    return {"logistic": "log-odds", "softmax": "score before softmax"}.get(trees.link, "probability")


def _afterwards(model: ExplainedModel, trees: Trees, rows: pa.Table, sums: Floats) -> tuple[str, ...]:
    """A sentence where probabilities are corrected behind the trees."""
    scores = model.ask(rows).scores
    if model.encoding.task != "binary" or scores is None or trees.link != "logistic" or not len(sums):
        return ()
    if np.abs(1 / (1 + np.exp(-sums)) - scores[:, 1]).max() < _LINKED:
        return ()
    return ("the model corrects its probabilities (calibration) behind the trees that are explained here",)
