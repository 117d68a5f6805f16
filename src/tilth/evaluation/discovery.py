"""`discover`: the slices on which a model does worse than elsewhere, beyond what chance would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.candidates import pairs_of
from tilth.evaluation.cuts import Cut, cut_column
from tilth.evaluation.differences import MINIMUM_ROWS
from tilth.evaluation.discovered import DiscoveredSlice, Discovery, Measure
from tilth.evaluation.scored import ScoredRows
from tilth.evaluation.slice_search import Found, SliceSearch
from tilth.metrics import UNDEFINED, Estimate
from tilth.metrics.intervals import difference_of_apart, mean, wilson
from tilth.tables import Table, number_copies, row_hashes
from tilth.tables.slicings import slicing_of

__all__ = ["discover"]

_MOST_CELLS = 24_000_000
"""Rows times columns that are searched; of more cells fewer rows."""

_LEAST_SEARCHED = 20_000
_MOST_CROSSED = 400_000_000
"""Rows times pairs of columns that are searched; of more the columns that tell most are crossed."""

_HASHED = 16
_TOP = 0.99
"""Losses above this quantile count as much as it, so that a few rows do not decide."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def discover(
    rows: ScoredRows,
    columns: Sequence[str] | None = None,
    *,
    limit: int = 10,
    level: float = 0.05,
    depth: int = 2,
    minimum_rows: int = MINIMUM_ROWS,
    seed: int = 0,
) -> Discovery:
    """Find the slices on which a model does worse than elsewhere.

    Values of columns of texts, runs of ranges of numbers and times, and missing values are tried, alone and
    crossed by two. For classes the share of wrong rows is what counts, and where there are probabilities log
    loss after it; for numbers the absolute error. Losses and errors of numbers above their 99th percentile
    count as that, so that no few rows decide.

    The slice that chance explains least is taken first; from then on only what it leaves unexplained counts,
    so that slices that overlap are not told twice. A crossing is taken only if it is clearly worse than the
    rest of either condition. With probability 1 - `level` nothing is found where errors have nothing to do
    with the columns: each p is at most that of an exact test (hypergeometric within what was found before, or
    Hoeffding's bound) times the number of slices and measures tried (Bonferroni).

    Args:
        rows: the rows with a model's answers; their weights are not used.
        columns: what to slice by; default: all but label, answers and "tilth." columns.
        limit: how many slices are found at most.
        level: see above.
        depth: 1 for single conditions only, 2 for crossings too.
        minimum_rows: smaller slices are not looked at.
        seed: which rows are searched where they are too many.

    Raises:
        UsageError: a ranking, where no row alone is wrong.
        ColumnNotFoundError: a column that the table does not have.

    Example:
        >>> from tilth.evaluation import Scored
        >>> city = ["x", "y", "z", "z"] * 100
        >>> said = ["no" if c == "x" else "yes" for c in city]
        >>> data = {"y": ["yes", "yes", "yes", "no"] * 100, "said": said, "city": city, "age": [*range(400)]}
        >>> found = discover(Scored.of(data, label="y", prediction="said").rows())
        >>> found.found[0].expression, found.found[0].rows, found.skipped
        ("city = 'x'", 100, {'age': 'whole numbers that count the rows, as an identifier does'})
    """
    wrong = rows.wrong
    measures = _measures(rows)
    names = _columns(rows, columns)
    kept = _searched(rows, names, seed)
    cuts, skipped = _cuts(rows.table, names, kept, minimum_rows)
    values = np.stack([measure.counted(kept) for measure in measures]) if len(rows) else np.empty((1, 0))
    pairs = pairs_of(len(cuts)) if depth > 1 else []
    most = max(_MOST_CROSSED // max(values.shape[1], 1), 1)
    search = SliceSearch(cuts, values, pairs, minimum_rows=minimum_rows, level=level, most_pairs=most)
    found = search.run(limit)
    notes = list(search.notes)
    if rows.weights is not None:
        notes.append("slices were sought with all rows counting alike, whatever their weights")
    told = _told(rows, found, measures, wrong)
    return Discovery(
        tuple(told),
        len(rows),
        len(rows) if kept is None else int(kept.sum()),
        search.tried,
        tuple(cut.column for cut in cuts),
        skipped,
        level,
        tuple(notes),
    )


@dataclass(frozen=True)
class _Measured:
    """A measure with its value for every row, (n,)."""

    name: Measure
    values: Floats

    def counted(self, kept: Mask | None) -> Floats:
        """The values as whole numbers, of losses from 0 to 4095.

        Sums of whole numbers do not depend on the order of rows.
        """
        values = self.values if kept is None else self.values[kept]
        if self.name == "error_rate":
            return values
        scaled: Floats = np.rint(values / (float(self.values.max(initial=0.0)) or 1.0) * 4095)
        return scaled

    def estimate(self, rows: Mask) -> Estimate:
        """Its mean over some rows, with the interval."""
        values = np.sort(self.values[rows])
        if not len(values):
            return UNDEFINED
        value = float(values.sum()) / len(values)
        if self.name == "error_rate":
            return wilson(value, len(values))
        return mean(value, float(((values - value) ** 2).sum()) / len(values), len(values), least=0.0)


def _measures(rows: ScoredRows) -> list[_Measured]:
    if rows.encoding.is_number:
        return [_Measured("absolute_error", _capped(rows.losses))]
    found = [_Measured("error_rate", rows.wrong.astype(np.float64))]
    scores = rows.answered.scores
    shares = scores is not None and len(rows) and scores.min() >= 0 and scores.max() <= 1
    if shares and rows.answered.truth.ndim == 1:
        found.append(_Measured("log_loss", _capped(rows.losses)))
    return found


def _capped(losses: Floats) -> Floats:
    top = float(np.quantile(losses, _TOP)) if len(losses) else 0.0
    return np.minimum(losses, top) if top else losses


def _columns(rows: ScoredRows, columns: Sequence[str] | None) -> list[str]:
    own = {rows.label, *rows.roles}
    if columns is not None:
        rows.table.select(list(columns))
        return [name for name in dict.fromkeys(columns) if name not in own]
    return [name for name in rows.table.columns if name not in own and not name.startswith("tilth.")]


def _searched(rows: ScoredRows, names: Sequence[str], seed: int) -> Mask | None:
    """Which rows are searched; None for all. It does not matter in which order they come."""
    most = max(_MOST_CELLS // max(len(names), 1), _LEAST_SEARCHED)
    if len(rows) <= most:
        return None
    used = [name for name in rows.table.columns if name == rows.label or name in names[:_HASHED]]
    hashes = [row_hashes(batch, seed=seed) for batch in rows.table.select(used).batches()]
    chances = number_copies(np.concatenate(hashes))
    return np.asarray(chances < np.uint64(int(most / len(rows) * 2**64)), bool)


def _cuts(
    table: Table, names: Sequence[str], kept: Mask | None, minimum_rows: int
) -> tuple[list[Cut], dict[str, str]]:
    cuts: list[Cut] = []
    skipped: dict[str, str] = {}
    for name in names:
        kind = table.schema.field(name).type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            skipped[name] = "lists and media are not sliced by"
            continue
        values = table.select([name]).to_arrow().column(0).combine_chunks()
        found = cut_column(name, values if kept is None else values.filter(pa.array(kept)), minimum_rows)
        if isinstance(found, str):
            skipped[name] = found
        else:
            cuts.append(found)
    return cuts, skipped


def _told(
    rows: ScoredRows, found: Sequence[Found], measures: Sequence[_Measured], wrong: Mask
) -> list[DiscoveredSlice]:
    """The slices measured on all rows, those of each measure by harm."""
    told = []
    for each in found:
        measure = measures[each.measure]
        inside = _inside(rows.table, each.expression)
        value, rest = measure.estimate(inside), measure.estimate(~inside)
        difference = difference_of_apart(value, rest)
        if difference.low is None or difference.low <= 0:
            continue  # what is worse than expected there may still be no worse than elsewhere
        total = float(np.sort(measure.values).sum())
        share = float(np.sort(measure.values[inside]).sum()) / total if total else 0.0
        errors = int(wrong[inside].sum()) if measure.name == "error_rate" else None
        told.append(
            DiscoveredSlice(
                each.expression,
                each.columns,
                measure.name,
                int(inside.sum()),
                float(inside.mean()),
                value,
                rest,
                difference,
                share,
                each.p,
                errors,
            )
        )
    order = {measure.name: at for at, measure in enumerate(measures)}
    return sorted(told, key=lambda each: (order[each.measure], -each.excess, each.expression))


def _inside(table: Table, expression: str) -> Mask:
    """Which rows a slice has, as `--slice` would tell."""
    slicing = slicing_of(table, [[expression]])
    columns = table.select(list(slicing.sources)).to_arrow()
    found = slicing.of({name: columns.column(name) for name in slicing.sources})[expression]
    return np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False), bool)
