"""`export`: transform, estimator and decision as one ONNX file, from raw columns to answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tilth.errors import GraphError, TrainingError
from tilth.inference import ROW_CELLS_KEY, Graph
from tilth.training.conversion import FEATURES, Conversion
from tilth.training.conversions import conversions_of
from tilth.training.decision_graph import decision_nodes
from tilth.training.learning import Learned

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["export"]


def export(transform: bytes, learned: Learned, *, metadata: Mapping[str, str] | None = None) -> bytes:
    """One ONNX file that takes raw columns and answers as what was learned does.

    Its outputs are `label` (n,), in the values of the label column, and `probabilities`, float32
    (n, classes), in the order of the encoding's classes; for several labels `label` is bool (n, classes), for
    regression and ranking there is `prediction`, float32 (n,). The same transform and estimator give the same
    bytes.

    Args:
        transform: the ONNX transform, whose only output is `features`, float32 (n, f).
        learned: fitted on these features.
        metadata: what else the file shall say about itself.

    Raises:
        TrainingError: the estimator has no ONNX form, or a raw column bears the name of an output.
    """
    import onnx

    model = onnx.load_from_string(transform)
    _check_transform(model, learned)
    failure: GraphError | None = None
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    for conversion in conversions_of(learned.estimator, opset):
        made = _assembled(model, conversion, learned, metadata or {})
        try:
            Graph.from_bytes(made)
        except GraphError as error:  # no operator for double precision: the next one computes in single
            failure = error
        else:
            return made
    raise TrainingError(
        f"{type(learned.estimator).__name__} makes a graph that cannot be run: {failure and failure.what}",
        mend="choose another estimator, such as lightgbm",
    ) from failure


def _assembled(
    transform: ModelProto,
    conversion: Conversion,
    learned: Learned,
    metadata: Mapping[str, str],
) -> bytes:
    from onnx import helper

    encoding, estimator = learned.encoding, cast("Any", learned.estimator)
    met = np.asarray(estimator.classes_, np.int64) if encoding.classes else np.empty(0, np.int64)
    nodes, constants, outputs = decision_nodes(
        conversion.output, encoding, met, learned.decision, learned.calibration
    )
    graph = helper.make_graph(
        [*transform.graph.node, *conversion.nodes, *nodes],
        "tilth",
        list(transform.graph.input),
        outputs,
        [*transform.graph.initializer, *conversion.constants, *constants],
    )
    opsets = {"ai.onnx.ml": 3}
    for domain, version in (*((o.domain, o.version) for o in transform.opset_import), *conversion.opsets):
        opsets[domain] = max(version, opsets.get(domain, 1))
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items())],
        functions=list(transform.functions),
        ir_version=transform.ir_version,
        producer_name="tilth",
    )
    told = {entry.key: entry.value for entry in transform.metadata_props}
    told |= {
        "tilth.task": encoding.task,
        "tilth.classes": json.dumps(list(encoding.classes), ensure_ascii=False),
        **(learned.decision.metadata(encoding.task) if encoding.classes else {}),
        **({ROW_CELLS_KEY: str(conversion.row_cells)} if conversion.row_cells else {}),
        **metadata,
    }
    helper.set_model_props(model, dict(sorted(told.items())))
    return bytes(model.SerializeToString(deterministic=True))


def _check_transform(model: ModelProto, learned: Learned) -> None:
    encoding, estimator = learned.encoding, cast("Any", learned.estimator)
    taken = {"prediction"} if encoding.is_number else {"label", "probabilities"}
    for column in model.graph.input:
        if column.name in taken:
            raise TrainingError(
                f"a raw column is called '{column.name}', as an output of the model is",
                where=f"column '{column.name}'",
                mend="rename the column in the data, or leave it out in features.py",
            )
    if [output.name for output in model.graph.output] != [FEATURES]:
        raise TrainingError("the transform does not give features", expected=f"one output '{FEATURES}'")
    width = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    if width and width != estimator.n_features_in_:
        raise TrainingError(
            f"the transform gives {width} features, the estimator was fitted on {estimator.n_features_in_}",
            mend="fit the estimator on what this transform gives",
        )
