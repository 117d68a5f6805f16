"""`tilth predict`: a whole table, with the same graph as the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.pipelines.release import find_version
from tilth.pipelines.scoring import run_model
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.tables import Table, open_table, write_table
from tilth.types import JSONObject

__all__ = ["predict_table"]


def predict_table(project: Project, data: str, output: Path, *, reference: str | None = None) -> int:
    """Predict every row of a table and write it with the answers beside its columns.

    The table is read by the schema that belongs to the model version, whatever schema.toml says by now.

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
    artifacts = project.artifacts()
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
    graph = Graph.from_path(artifacts.verify(version.artifact.digest, ".onnx"))
    text = artifacts.read_bytes(str(version.properties["schema"]), ".toml").decode()
    schema = Schema.from_toml(text, where=f"the schema of {version.reference}")
    # A version from before it kept them was made with what tilth.toml says.
    kept = version.properties.get("missing", list(project.configuration.data.missing))
    table = _read(data, schema, cast("list[str]", kept), list(graph.inputs))
    encoding = LabelEncoding.from_json(cast("JSONObject", version.properties["label"]))
    write_table(encoding.answers(table, *run_model(graph, table, encoding)), output)
    return table.rows


def _read(data: str, schema: Schema, missing: Sequence[str], inputs: Sequence[str]) -> Table:
    """The table, with the columns that the model needs in the types that it learned from."""
    table = open_table(data, missing=missing)
    table.select(inputs)
    types = {name: schema[name].type for name in inputs if name in schema.names}
    return open_table(data, missing=missing, types=types)
