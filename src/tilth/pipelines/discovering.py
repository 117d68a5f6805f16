"""Where a run's model is worse than elsewhere, sought on the dev part."""

from __future__ import annotations

from tilth.evaluation import Discovery, ScoredRows, discover
from tilth.inference import Graph
from tilth.metrics import Answered, LabelEncoding
from tilth.pipelines.parts import Parts
from tilth.pipelines.scoring import answer, column
from tilth.projects import Project

__all__ = ["discover_on_dev"]


def discover_on_dev(
    project: Project, parts: Parts, encoding: LabelEncoding, graph: Graph
) -> Discovery | None:
    """The slices of the dev part on which the model is worse.

    The test part stays out of it: what is mended after having been seen there is no longer tested by it.

    Args:
        project: whose [evaluate] section says whether to seek, and how many rows a slice needs.
        parts: the dealt data.
        encoding: the task and its classes.
        graph: the model.

    Returns:
        None where it is not wanted, for rankings, and without dev rows.
    """
    section = project.configuration.evaluate
    if not section.discover or encoding.task == "ranking" or not (parts.names == "dev").any():
        return None
    dev = parts.part("dev")
    found = answer(graph, dev, encoding)
    truth = encoding.encode(column(dev, project.label))
    weight = () if section.weight is None else (section.weight,)
    answered = Answered(truth, found.predictions, found.scores)
    rows = ScoredRows(dev, project.label, encoding, answered, roles=weight)
    return discover(rows, minimum_rows=section.minimum_rows)
