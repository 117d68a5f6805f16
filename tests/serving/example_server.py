"""A small real model and a server of it: used by the tests in process, and run by them as a process.

    python example_server.py LOG_DIRECTORY [--versions FILE]

prints "listening HOST PORT GRPC_PORT" once it is ready. With --versions it serves the version that the
file names.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tilth.inference import Graph
from tilth.schemas import Column, Schema
from tilth.serving import (
    GrpcAddress,
    ModelSource,
    ServedModel,
    ServingSettings,
    create_app,
    fixed_model,
    serve,
)
from tilth.tables import FeedbackLog, PredictionLog

CLASSES = ("<=50K", ">50K")
JOBS = ("Clerical", "Exec", "Sales")


def income_schema() -> Schema:
    """Two numbers, two texts (one of categories), a flag, a date, and the label."""
    return Schema(
        columns=(
            Column(name="age", type="int", low=0, high=120),
            Column(name="hours", type="float", required=False, min_present=0.0),
            Column(name="job", type="string", domain=JOBS),
            Column(name="note", type="string", required=False, min_present=0.0),
            Column(name="married", type="bool"),
            Column(name="since", type="datetime", required=False, min_present=0.0),
            Column(name="income", type="string", domain=CLASSES, not_in=("serving",)),
        )
    )


ROW = {
    "age": 39,
    "hours": 40.5,
    "job": "Exec",
    "note": "likes hiking",
    "married": True,
    "since": "2020-01-31T08:00:00",
}


def income_probability(age: float, hours: float | None, job: str, married: bool, bias: float = 0.0) -> float:
    """What the graph computes, in plain Python."""
    weight = {"Exec": 1.0, "Sales": 0.25}.get(job, 0.0)
    z = 0.05 * (age - 40.0) + 0.02 * (40.0 if hours is None else hours) + weight + married - 2.0 + bias
    return float(1.0 / (1.0 + 2.718281828459045 ** (-z)))


def income_graph(bias: float = 0.0) -> bytes:
    """An ONNX graph from raw columns to label and probabilities."""
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h

    def number(name: str, value: float) -> onnx.TensorProto:
        return h.make_tensor(name, T.DOUBLE, [1, 1], [value])

    nodes = [
        h.make_node("IsNaN", ["hours"], ["no_hours"]),
        h.make_node("Where", ["no_hours", "forty", "hours"], ["hours_filled"]),
        h.make_node(
            "LabelEncoder",
            ["job"],
            ["job_weight32"],
            domain="ai.onnx.ml",
            keys_strings=["Exec", "Sales"],
            values_floats=[1.0, 0.25],
            default_float=0.0,
        ),
        h.make_node("Cast", ["job_weight32"], ["job_weight"], to=T.DOUBLE),
        h.make_node("Sub", ["age", "forty"], ["age_centered"]),
        h.make_node("Mul", ["age_centered", "age_weight"], ["a"]),
        h.make_node("Mul", ["hours_filled", "hours_weight"], ["b"]),
        h.make_node("Sum", ["a", "b", "job_weight", "married", "bias"], ["z"]),
        h.make_node("Sigmoid", ["z"], ["p"]),
        h.make_node("Sub", ["one", "p"], ["q"]),
        h.make_node("Concat", ["q", "p"], ["both"], axis=1),
        h.make_node("Cast", ["both"], ["probabilities"], to=T.FLOAT),
        h.make_node("ArgMax", ["both"], ["index"], axis=1, keepdims=0),
        h.make_node(
            "LabelEncoder",
            ["index"],
            ["label"],
            domain="ai.onnx.ml",
            keys_int64s=[0, 1],
            values_strings=list(CLASSES),
            default_string="",
        ),
    ]
    kinds = {"age": T.DOUBLE, "hours": T.DOUBLE, "job": T.STRING, "married": T.DOUBLE}
    graph = h.make_graph(
        nodes,
        "income",
        [h.make_tensor_value_info(name, kind, ["N", 1]) for name, kind in kinds.items()],
        [
            h.make_tensor_value_info("label", T.STRING, ["N"]),
            h.make_tensor_value_info("probabilities", T.FLOAT, ["N", 2]),
        ],
        [
            number("forty", 40.0),
            number("age_weight", 0.05),
            number("hours_weight", 0.02),
            number("one", 1.0),
            number("bias", bias - 2.0),
        ],
    )
    opsets = [h.make_opsetid("", 18), h.make_opsetid("ai.onnx.ml", 3)]
    model = h.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def half_plus_two_graph() -> bytes:
    """A regression: x / 2 + 2."""
    from onnx import TensorProto as T
    from onnx import helper as h

    graph = h.make_graph(
        [
            h.make_node("Mul", ["x", "half"], ["m"]),
            h.make_node("Add", ["m", "two"], ["s"]),
            h.make_node("Cast", ["s"], ["prediction"], to=T.FLOAT),
        ],
        "half_plus_two",
        [h.make_tensor_value_info("x", T.DOUBLE, ["N", 1])],
        [h.make_tensor_value_info("prediction", T.FLOAT, ["N", 1])],
        [h.make_tensor("half", T.DOUBLE, [1, 1], [0.5]), h.make_tensor("two", T.DOUBLE, [1, 1], [2.0])],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def income_model(version: int = 1) -> ServedModel:
    """That graph as a served model; each version answers a little differently."""
    graph = Graph.from_bytes(income_graph(bias=0.1 * (version - 1)))
    return ServedModel("income", version, graph, "binary", CLASSES)


def file_source(path: Path) -> ModelSource:
    """The version that stands in a file."""
    return ModelSource(
        poll=lambda: ("income", int(path.read_text())), load=lambda _name, version: income_model(version)
    )


def say(line: str) -> None:
    """Write a line for the process that started this one."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--versions", type=Path)
    parser.add_argument("--grpc", action="store_true")
    arguments = parser.parse_args()
    log, feedback = PredictionLog(arguments.directory), FeedbackLog(arguments.directory)
    source = file_source(arguments.versions) if arguments.versions else fixed_model(income_model())
    settings = ServingSettings(poll_interval_s=0.05)
    grpc = GrpcAddress("127.0.0.1", 0) if arguments.grpc else None
    try:
        serve(
            create_app(source, log, feedback, income_schema(), settings=settings, grpc=grpc),
            port=0,
            settings=settings,
            started=lambda host, port: say(f"listening {host} {port} {grpc.port if grpc else 0}"),
        )
    finally:
        log.close()
        feedback.close()
    say("ended")


if __name__ == "__main__":
    sys.exit(main())
