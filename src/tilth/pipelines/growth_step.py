"""The step that asks whether added data hurt: how the data have grown since the champion's, and what of it.

It reads the champion, so that it is a step of its own: learning curves need not be drawn anew because a model
was promoted. Nothing is learned where no rows were added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import TilthError, counted
from tilth.pipelines.ambiguity import Ambiguity, ambiguity
from tilth.pipelines.challenge import Champion, is_among, shared_columns
from tilth.pipelines.effects import ADDED, EFFECT_METRICS, Compared, Effect, effects
from tilth.pipelines.learning import Material, material_of, recipe_parameters
from tilth.pipelines.parts import slices_of
from tilth.pipelines.scoring import column
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.projects import Project
from tilth.tables import Table
from tilth.tables.slicings import Slicing
from tilth.training import learn
from tilth.training.advice import MOST_GROWTH
from tilth.training.learning_curve import answered
from tilth.types import JSONObject

__all__ = ["GROWTH_STEP"]

_LEAST_SHARE = 0.01
"""Fewer added rows than this share of the training rows are not worth learning everything once more."""

_NAMED = 3
_NO_CHAMPION = "nothing to compare with: no champion learned from other data"

_PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class _Growth:
    """How the data set has grown.

    Args:
        before: rows of the champion's data set, or of the version before where there is no champion.
        now: rows of this one.
        added: which rows of each part the champion's data set has not; None without a champion.
    """

    before: int
    now: int
    added: Mapping[str, npt.NDArray[np.bool_]] | None = None

    def note(self) -> str | None:
        """Why the effect of added rows is not measured."""
        if self.added is None:
            return _NO_CHAMPION
        added, rows = int(self.added["train"].sum()), len(self.added["train"])
        if not added:
            return "no training row was added since the champion's data"
        if added == rows:
            return "no training row of the champion's data is left, so that nothing can be compared"
        if added < _LEAST_SHARE * rows:
            share = f"{added / rows:.2%} of the training rows"
            return f"{counted(added, 'row')} added since the champion's data, {share}: too few to measure"
        return None

    def warnings(self) -> list[str]:
        """That it grew more than tenfold at once."""
        if self.now <= MOST_GROWTH * self.before:
            return []
        times = f"{self.now / self.before:.0f} times"
        grew = f"the data set grew from {self.before:,} to {self.now:,} rows at once, {times}"
        return [f"{grew}: by no more than {MOST_GROWTH} it is still seen what each step changes"]


def _grow(context: StepContext) -> StepResult:
    document: JSONObject = {"rows": None, "added": 0, "effects": [], "ambiguity": None, "warnings": []}
    growth = _growth(context)
    if growth is None:
        return _written(context, {**document, "note": _NO_CHAMPION})
    document |= {
        "rows": {"before": growth.before, "now": growth.now},
        "added": 0 if growth.added is None else int(growth.added["train"].sum()),
        "note": growth.note(),
    }
    warnings = growth.warnings()
    if growth.added is not None and document["note"] is None:
        try:
            found, unclear = _measured(material_of(context), growth.added)
        except TilthError as error:
            document["note"] = f"nothing can be learned without the added rows: {error.what}"
        else:
            document["effects"] = [effect.to_json() for effect in found]
            document["ambiguity"] = None if unclear is None else unclear.to_json()
            warnings += _harms(found, unclear)
    return _written(context, document, warnings)


def _written(context: StepContext, document: JSONObject, warnings: Sequence[str] = ()) -> StepResult:
    document["warnings"] = [*warnings]
    context.output["growth"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    if document["note"] is not None:
        return StepResult("; ".join([*warnings, str(document["note"])]))
    harm = counted(len(warnings), "warning") if warnings else "no slice is worse for it"
    return StepResult(f"{document['added']:,} training rows added since the champion's data; {harm}")


def _growth(context: StepContext) -> _Growth | None:
    """Rows are recognized by their content in the columns that both data sets have in the same type."""
    if not context.files["champion"]:
        before, now = context.optional("previous_dataset"), context.artifacts["dataset"][0]
        rows = [None if data is None else data.properties.get("rows") for data in (before, now)]
        known = [count for count in rows if isinstance(count, int)]
        return _Growth(known[0], known[1]) if len(known) == 2 else None
    material = material_of(context)
    mine, theirs = material.parts.table, Champion.read(context.files["champion"]).parts.table
    columns = shared_columns(mine, theirs)
    names = material.parts.names
    is_known = bool(set(columns) - {material.project.label})
    new = ~is_among(theirs, mine, columns) if is_known else np.ones(mine.rows, bool)
    return _Growth(theirs.rows, mine.rows, {part: new[names == part] for part in _PARTS})


def _measured(
    material: Material, new: Mapping[str, npt.NDArray[np.bool_]]
) -> tuple[list[Effect], Ambiguity | None]:
    """The effects on all slices, and whether the added rows contradict those of before."""
    rows = {part: material.rows(part) for part in _PARTS}
    before, added = rows["train"].take(~new["train"]), rows["train"].take(new["train"])
    # Without the added rows the dev part, on which fitting stops, would not have them either.
    dev, test = rows["dev"].take(~new["dev"]), rows["test"]
    without = learn(material.recipe, before, dev)
    cut = slices_of(material.project, material.parts)
    learned, tested = (_columns(material.parts.part(part), cut, new[part]) for part in ("train", "test"))
    found = effects(
        Compared(answered(without, test), answered(material.learned, test), tested),
        Compared(
            answered(without, before), answered(material.learned, before), _taken(learned, ~new["train"])
        ),
        (len(added), _taken(learned, new["train"])),
        _crossed(cut.slices),
        EFFECT_METRICS[material.encoding.task],
    )
    classes = len(material.encoding.classes)
    return found, ambiguity(before, added, answered(without, added), answered(without, dev), classes)


def _crossed(slices: Sequence[Sequence[str]]) -> list[list[str]]:
    """The slices, and each apart for rows of before and added ones, lest one pay for the other."""
    return [each for columns in ([], *map(list, slices)) for each in (columns, [*columns, ADDED]) if each]


def _columns(table: Table, cut: Slicing, added: npt.NDArray[np.bool_]) -> dict[str, pa.Array]:
    return {
        **cut.of({name: column(table, name) for name in cut.sources}),
        ADDED: pa.array(np.where(added, "added rows", "rows of before")),
    }


def _taken(columns: Mapping[str, pa.Array], rows: npt.NDArray[np.bool_]) -> dict[str, pa.Array]:
    return {name: values.filter(pa.array(rows)) for name, values in columns.items()}


def _harms(found: Sequence[Effect], unclear: Ambiguity | None) -> list[str]:
    """A warning for the slices that the added rows make worse, with the reason that the figures give."""
    worse = [effect for effect in found if effect.harm]
    if not worse:
        return []
    named = [f"{effect.name} ({', '.join(map(effect.told, effect.harm))})" for effect in worse[:_NAMED]]
    more = [f"{len(worse) - _NAMED} more"] if len(worse) > _NAMED else []
    reasons = []
    if unclear is not None and unclear.is_striking:
        reasons.append(f"the added rows contradict those of before: {unclear}")
    if any(effect.lacks_capacity for effect in worse):
        reasons.append(
            "the model is worse on the rows of before that it learns from, too: it may lack the room for "
            "both (more leaves, trees or layers)"
        )
    if not reasons:
        reasons.append("the figures do not say why; look at the added rows of these slices")
    return [f"the added rows make it worse on {', '.join([*named, *more])}; {'; '.join(reasons)}"]


def _parameters(project: Project) -> JSONObject:
    return {
        **recipe_parameters(project),
        "slices": [list(columns) for columns in project.configuration.evaluate.sliced],
    }


GROWTH_STEP = Step(
    "growth",
    (
        "dataset",
        "split",
        "transform",
        "training_transform",
        "training_files",
        "model",
        "champion",
        "previous_dataset",
    ),
    {"growth": Output("growth", ".json")},
    _grow,
    _parameters,
)
