"""What each target's runtime lacks, and where it differs."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from tilth.errors import GraphError
from tilth.features import Expression, Inputs, Transform
from tilth.features.targets import TARGETS, Target, Unsupported, unsupported

DATA = {"t": ["Hello World", "b"], "n": [1, 2]}


def everything(x: Inputs) -> dict[str, Expression]:
    return {
        "words": x["t"].tokens().tfidf(),
        "hash": x["t"].hash(10),
        "split": x["t"].split(",").length(),
        "match": x["t"].matches("a+"),
        "number": x["n"].zscore(),
        "bucket": x["n"].buckets([1, 2]),
    }


@pytest.mark.parametrize("target", TARGETS)
def test_transforms_run_on_all_targets(target: Target) -> None:
    assert unsupported(Transform(everything).fit(DATA).to_onnx(), target) == []


def test_the_case_of_letters_goes_by_a_locale() -> None:
    lower = Transform(lambda x: {"y": x["t"].lower().hash(9)}).fit(DATA).to_onnx()
    upper = Transform(lambda x: {"y": x["t"].upper().hash(9)}).fit(DATA).to_onnx()
    assert [unsupported(model, "server") for model in (lower, upper)] == [[], []]
    assert unsupported(lower, "browser") == []
    assert "ß becomes ẞ" in str(unsupported(upper, "browser")[0])
    assert "iOS" in str(unsupported(lower, "mobile")[0])


def model(operator: str, domain: str, version: int = 1, **attributes: object) -> bytes:
    node = helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)
    ports = [helper.make_tensor_value_info(name, TensorProto.STRING, [None]) for name in "xy"]
    graph = helper.make_graph([node, node], "g", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 20)] if domain else []
    made = helper.make_model(graph, opset_imports=[*opsets, helper.make_opsetid(domain, version)])
    return bytes(made.SerializeToString())


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (model("Sentencepiece", "ai.onnx.contrib"), "no runtime knows the domain ai.onnx.contrib"),
        (model("WordConvEmbedding", "com.microsoft"), "not tried on all targets"),
        (model("Identity", "", 99), "version 99 of the standard was not tried"),
        (
            model("StringNormalizer", "", 20, case_change_action="LOWER"),
            "needs a language that is not installed everywhere",
        ),
    ],
)
def test_what_is_lacking_is_told_once_with_its_reason(made: bytes, expected: str) -> None:
    (found,) = unsupported(made, "browser")
    assert expected in found.reason
    assert found.count == 2


def test_inner_graphs_are_looked_into() -> None:
    inner = helper.make_graph(
        [helper.make_node("Odd", ["x"], ["z"], domain="odd")],
        "inner",
        [],
        [helper.make_tensor_value_info("z", TensorProto.STRING, None)],
    )
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    ports = [helper.make_tensor_value_info(name, TensorProto.STRING, [None]) for name in "xy"]
    graph = helper.make_graph(
        [branch], "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, []), ports[0]], ports[1:]
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("odd", 1)]
    )
    found = unsupported(made.SerializeToString(), "server")
    assert found == [Unsupported("Odd", "odd", "no runtime knows the domain odd without an extension", 2)]


def test_bad_arguments() -> None:
    with pytest.raises(GraphError, match="there is no target 'fridge'"):
        unsupported(b"", "fridge")  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="not an ONNX model"):
        unsupported(b"nonsense", "server")
