"""Small models to be explained: raw columns, features, an estimator, one graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.explanation import ExplainedModel
from tilth.features import Transform
from tilth.inference import Graph, read_trees
from tilth.metrics import Answered, LabelEncoding
from tilth.tables import open_table
from tilth.training import Learned, export, fit_estimator, make_estimator
from tilth.types import Task

ENCODINGS: Mapping[Task, LabelEncoding] = {
    "binary": LabelEncoding("binary", ("no", "yes")),
    "multiclass": LabelEncoding("multiclass", ("a", "b", "c")),
    "regression": LabelEncoding("regression"),
}


def raw_rows(rows: int = 300, seed: int = 0) -> pa.Table:
    """Four columns: two numbers, of which one has missing values, a category and a flag."""
    random = np.random.default_rng(seed)
    amount = np.where(random.random(rows) < 0.1, np.nan, random.normal(0, 1, rows).round(2))
    return pa.table(
        {
            "amount": pa.array(amount, from_pandas=True),
            "size": random.normal(0, 1, rows).round(2),
            "city": random.choice(["Bern", "Rome", "Ulm"], rows),
            "new": random.integers(0, 2, rows),
        }
    )


def features(x: Any) -> dict[str, Any]:
    """Each feature of one column; the city becomes three."""
    return {"amount": x["amount"], "size": x["size"], "city": x["city"].one_hot(), "new": x["new"]}


def crossed(x: Any) -> dict[str, Any]:
    """The same with one feature of two columns."""
    return {**features(x), "both": x["size"] * x["new"]}


@dataclass(frozen=True)
class Made:
    """A model with what it was made of."""

    graph: Graph
    estimator: Any
    X: npt.NDArray[np.floating]
    rows: pa.Table
    encoding: LabelEncoding

    @property
    def explained(self) -> ExplainedModel:
        """The model as it is explained."""
        return ExplainedModel(self.ask, self.encoding, tuple(self.graph.inputs), read_trees(self.graph))

    def ask(self, rows: pa.Table) -> Answered:
        """What the graph says."""
        found = self.graph.run_batch(rows.combine_chunks())
        nothing = np.zeros(rows.num_rows, np.int64)
        if self.encoding.is_number:
            return Answered(nothing, found["prediction"].ravel().astype(np.float64))
        codes = {value: code for code, value in enumerate(self.encoding.classes)}
        said = np.array([codes[value] for value in found["label"].ravel().tolist()], np.int64)
        return Answered(nothing, said, found["probabilities"])


def make_model(
    estimator: str,
    task: Task = "binary",
    *,
    definition: Any = features,
    rows: pa.Table | None = None,
    **parameters: object,
) -> Made:
    """Rows whose label depends on an interaction, learned and exported."""
    table = raw_rows() if rows is None else rows
    transform = Transform(definition).fit(open_table(table))
    X = transform.transform(open_table(table))
    amount = np.nan_to_num(table["amount"].to_numpy(zero_copy_only=False).astype(np.float64), nan=0.7)
    size, new = table["size"].to_numpy(), table["new"].to_numpy()
    city = np.asarray(table["city"].to_pylist()) == "Rome"
    signal = amount * size + 2.0 * new * city + 0.3 * size
    targets = {
        "binary": (signal > 0.4).astype(np.int64),
        "multiclass": np.digitize(signal, [-0.2, 0.8]),
        "regression": signal,
    }
    fitted: Any = fit_estimator(make_estimator(estimator, parameters, task=task, seed=1), X, targets[task])
    made = export(transform.to_onnx(), Learned(fitted, ENCODINGS[task]))
    return Made(Graph.from_bytes(made), fitted, X, table, ENCODINGS[task])
