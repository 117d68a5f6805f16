"""Where a graph can run: which operators each target's runtime has.

All three targets are builds of ONNX Runtime. What is written here was tried: transforms with the operators on
texts, lists, categories, numbers, dates and images were run in Python (onnxruntime 1.31) and in WebAssembly
(onnxruntime-web 1.30 in node), and gave the same numbers. The packages for Android and iOS are taken at their
word: they are built from the same sources with all operators of these domains (the "full" packages, not the
reduced `onnxruntime-mobile`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tilth.errors import GraphError
from tilth.features.graph_writer import ML_DOMAIN, OPSET, RUNTIME_DOMAIN

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

__all__ = ["TARGETS", "Target", "Unsupported", "unsupported"]

Target = Literal["server", "browser", "mobile"]
"""onnxruntime (Linux, macOS, Windows), onnxruntime-web, onnxruntime-android and onnxruntime-objc."""

TARGETS: tuple[Target, ...] = ("server", "browser", "mobile")

_VERSIONS = {"": OPSET, "ai.onnx": OPSET, ML_DOMAIN: 3, RUNTIME_DOMAIN: 1}
"""The newest version of each domain that was tried on all targets."""

_RUNTIME_OPERATORS = frozenset({"MurmurHash3", "Tokenizer"})
"""Of ONNX Runtime's own operators those that were tried on all targets."""

_UPPER = "some letters differ from what other systems give: ß becomes ẞ, elsewhere it stays"
_LOCALE = "it needs a language that is not installed everywhere"
_NO_LOCALE = "iOS has no locale of that name, so that loading the graph may fail there"


@dataclass(frozen=True)
class Unsupported:
    """An operator that a target does not have, or computes otherwise.

    Args:
        operator: its name.
        domain: where it is defined; "" for the standard.
        reason: what is wrong, to follow "operator: ".
        count: how many nodes have it.
    """

    operator: str
    domain: str
    reason: str
    count: int = 1

    def __str__(self) -> str:
        return f"{self.domain + '.' if self.domain else ''}{self.operator}: {self.reason}"


def unsupported(model: bytes, target: Target) -> list[Unsupported]:
    """What of a model does not run on a target, or not with the same result; empty where all does.

    Args:
        model: an ONNX file's bytes, a transform or a whole model.
        target: where it is to run.

    Raises:
        GraphError: not an ONNX model, or a target that is not known.

    Example:
        >>> from tilth.features import Transform
        >>> names = {"name": ["Ada", "Bob"]}
        >>> made = Transform(lambda x: {"name": x["name"].upper().hash(100)}).fit(names)
        >>> unsupported(made.to_onnx(), "server")
        []
        >>> print(*unsupported(made.to_onnx(), "browser"))
        StringNormalizer: some letters differ from what other systems give: ß becomes ẞ, elsewhere it stays
    """
    if target not in TARGETS:
        raise GraphError(f"there is no target '{target}'", expected="one of " + ", ".join(TARGETS))
    found: dict[tuple[str, str, str], int] = {}
    for node, version in _nodes(model):
        reason = _reason(node, version, target)
        if reason is not None:
            key = (node.op_type, _domain(node), reason)
            found[key] = found.get(key, 0) + 1
    return [Unsupported(*key, count) for key, count in found.items()]


def _nodes(model: bytes) -> Iterator[tuple[NodeProto, int | None]]:
    """All nodes, those of inner graphs and functions too, with the version of their domain."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        loaded = onnx.load_from_string(model)
    except DecodeError as error:
        raise GraphError("this is not an ONNX model", expected="the bytes of an .onnx file") from error
    versions = {opset.domain or "": opset.version for opset in loaded.opset_import}
    graphs: list[GraphProto] = [loaded.graph]
    while graphs:
        graph = graphs.pop()
        for node in graph.node:
            yield node, versions.get(_domain(node))
            graphs.extend(attribute.g for attribute in node.attribute if attribute.HasField("g"))
            graphs.extend(inner for attribute in node.attribute for inner in attribute.graphs)


def _domain(node: NodeProto) -> str:
    return "" if node.domain == "ai.onnx" else node.domain


def _reason(node: NodeProto, version: int | None, target: Target) -> str | None:
    domain = _domain(node)
    newest = _VERSIONS.get(domain)
    if newest is None:
        return f"no runtime knows the domain {domain} without an extension"
    if version is not None and version > newest:
        return f"version {version} of {domain or 'the standard'} was not tried, only up to {newest}"
    if domain == RUNTIME_DOMAIN and node.op_type not in _RUNTIME_OPERATORS:
        return "one of ONNX Runtime's own operators that was not tried on all targets"
    if domain == "" and node.op_type == "StringNormalizer":
        return _case_reason(node, target)
    return None


def _case_reason(node: NodeProto, target: Target) -> str | None:
    """Changing the case of letters goes by a locale of the C library."""
    values = {attribute.name: attribute.s.decode() for attribute in node.attribute if attribute.s}
    if values.get("case_change_action", "NONE") == "NONE":
        return None
    if values.get("locale", "") not in ("C.UTF-8", "C"):
        return _LOCALE
    if target == "mobile" and values["locale"] != "C":
        return _NO_LOCALE
    return _UPPER if target == "browser" and values["case_change_action"] == "UPPER" else None
