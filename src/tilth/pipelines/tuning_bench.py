"""Bench: where one proposal is tried: fitted, measured on the dev part, compiled."""

from __future__ import annotations

import dataclasses
import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import TilthError
from tilth.inference import measure_costs
from tilth.metrics import Answered, Estimate
from tilth.pipelines.learning import Material
from tilth.pipelines.scoring import Answers, measure_rows
from tilth.pipelines.tuning_records import Tried
from tilth.pipelines.tuning_search import Search, merged
from tilth.tables import Table
from tilth.training import Learned, Rows, export, learn
from tilth.training.boosting import BOOSTING, same_parameter
from tilth.training.tuning import Proposal, Pruned, Pruner, Trial
from tilth.training.tuning.trials import TrialState

__all__ = ["Bench", "Made", "packed", "unpacked"]

_TYPICAL_ROWS = 32
_MOST_STEPS = 100
_LONGEST_NOTE = 500


@dataclass(frozen=True)
class Made:
    """A fitted model, and what it says of the dev rows."""

    learned: Learned
    answered: Answered


@dataclass(frozen=True)
class Bench:
    """Tries proposals on the same rows.

    Args:
        material: the project's data, encoding and transform; its rows are not asked for.
        search: what the trials are for.
        train: the rows to learn from.
        dev: the rows to measure on.
    """

    material: Material
    search: Search
    train: Rows
    dev: Rows

    def try_out(self, proposal: Proposal, others: Sequence[Trial]) -> tuple[Tried, Made | None]:
        """Fit and measure; whatever goes wrong is told in what came of it.

        Args:
            proposal: what to try.
            others: the trials so far: what is behind them is given up.

        Returns:
            What came of it, and what was made where it is complete.
        """
        begun = time.perf_counter()
        parameters = merged(self.material.project.configuration, proposal)
        rate = _learning_rate(proposal.estimator, parameters)
        pruner = Pruner(others, self.search.aim, proposal.estimator, rate)
        state: TrialState = "failed"
        note, made = None, None
        score, costs = Estimate(None), dict[str, float]()
        try:
            learned = self._learned(proposal, parameters, pruner)
            made = Made(learned, self._answered(learned))
            score = self._score(made.answered)
            costs = self.costs(made) if self.search.aim.costs else {}
            state = "complete"
        except Pruned as reason:
            state, note = "pruned", str(reason)
        except MemoryError:
            note = "out of memory"
        except TilthError as error:
            note = " ".join(filter(None, (error.what, error.where and f"({error.where})")))
        except Exception as error:  # noqa: BLE001 - an estimator may raise anything, and only its trial fails
            note = f"{type(error).__name__}: {error}"
        if state != "complete":
            made, score, costs = None, Estimate(None), {}
            gc.collect()
        shown = note and " ".join(note.split())[:_LONGEST_NOTE]
        course = _thinned(pruner.course)
        return Tried(state, score, time.perf_counter() - begun, costs, course, shown), made

    def _learned(self, proposal: Proposal, parameters: Mapping[str, object], pruner: Pruner) -> Learned:
        recipe = dataclasses.replace(
            self.material.recipe, estimator=proposal.estimator, parameters=dict(parameters)
        )
        return learn(recipe, self.train, self.dev, watch=pruner)

    def _answered(self, learned: Learned) -> Answered:
        scores = learned.scores(self.dev.X)
        given = scores if learned.encoding.classes else None
        return Answered(self.dev.y, learned.codes(scores), given, self.dev.groups)

    def _score(self, answered: Answered) -> Estimate:
        answers = Answers(answered.predictions, answered.scores)
        found = measure_rows(answers, self.dev.y, self.material.encoding, groups=self.dev.groups)
        return found.slices[0].metrics.get(self.search.aim.metric, Estimate(None))

    def costs(self, made: Made) -> dict[str, float]:
        """What a model costs once it is compiled, by name of `COSTS`."""
        model = export(self.material.transform, made.learned)
        return dataclasses.asdict(measure_costs(model, _typical(self.material.parts.part("dev"))))


def packed(answered: Answered) -> npt.NDArray[np.float64]:
    """What is said of n rows as one array: the predictions, then the scores; see `unpacked`."""
    parts = [answered.predictions] if answered.scores is None else [answered.predictions, answered.scores]
    return np.hstack([np.asarray(part, np.float64).reshape(len(answered), -1) for part in parts])


def unpacked(
    stored: npt.NDArray[np.float64],
    truth: npt.NDArray[np.generic],
    groups: npt.NDArray[np.int64] | None = None,
) -> Answered:
    """What `packed` made an array of.

    Args:
        stored: the array.
        truth: of the same rows.
        groups: of the same rows, for a ranking.
    """
    width = 1 if truth.ndim == 1 else truth.shape[1]
    said = stored[:, :width].astype(truth.dtype).reshape(truth.shape)
    scores = stored[:, width:] if stored.shape[1] > width else None
    return Answered(truth, said, scores, groups)  # type: ignore[arg-type]


def _typical(table: Table) -> pa.Table:
    """A few rows of a part."""
    return next(iter(table.batches(_TYPICAL_ROWS)))


def _learning_rate(estimator: str, parameters: Mapping[str, object]) -> float | None:
    """How large the steps of boosting are; None of other estimators."""
    if estimator not in BOOSTING:
        return None
    names = same_parameter("learning_rate") if estimator == "lightgbm" else {"learning_rate"}
    given = [value for name, value in parameters.items() if name in names]
    usual = BOOSTING[estimator][2]["learning_rate"]
    return float(str(given[0] if given else usual))


def _thinned(course: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """A course of at most 100 steps, and its last."""
    stride = -(-len(course) // _MOST_STEPS) or 1
    return [*course[:-1:stride], *course[-1:]]
