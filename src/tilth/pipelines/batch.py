"""`tilth predict`: a whole table, with the same graph as the server."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.pipelines.release import find_version
from tilth.pipelines.scoring import run_model
from tilth.projects import Project
from tilth.tables import open_table, write_table
from tilth.types import JSONObject

__all__ = ["predict_table"]


def predict_table(project: Project, data: str, output: Path, *, reference: str | None = None) -> int:
    """Predict every row of a table and write it with the answers beside its columns.

    Args:
        project: the project.
        data: the rows to predict.
        output: where to write; the suffix picks the format.
        reference: which model version; default: the champion.

    Returns:
        The number of rows. The file has the columns of the data, `tilth.label` (the prediction), and for
        classes `tilth.score` (the probability of what was predicted) and `tilth.positive`.

    Raises:
        ColumnNotFoundError: a column that the model needs is not there.
        DataError: the data cannot be read, or a column does not hold what the model expects.
    """
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
    graph = Graph.from_path(project.artifacts().verify(version.artifact.digest, ".onnx"))
    section = project.configuration.data
    schema = project.schema()
    types = {name: schema[name].type for name in graph.inputs if name in schema.names}
    table = open_table(data, missing=section.missing)
    table = open_table(
        data, missing=section.missing, types={n: t for n, t in types.items() if n in table.columns}
    )
    table.select(list(graph.inputs))
    encoding = LabelEncoding.from_json(cast("JSONObject", version.properties["label"]))
    write_table(encoding.answers(table, *run_model(graph, table, encoding)), output)
    return table.rows
