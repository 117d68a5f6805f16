"""The operators that compute a row of their result from that row of their arguments alone.

What is in this table may be run on the distinct values of a column instead of on every row. An operator that
is not in it is run on every row: slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["attributes", "gives_texts", "is_by_rows", "is_padded"]

_STRING = 8
"""TensorProto.STRING."""

Constants = Mapping[str, "TensorProto"]


def is_by_rows(node: NodeProto, constants: Constants) -> bool:
    """Whether a row of what a node gives depends on nothing but that row of what it takes.

    Args:
        node: an operator applied to tensors whose first axis is the rows, or to constants.
        constants: the model's constant tensors by name.

    Example:
        >>> from onnx import helper
        >>> is_by_rows(helper.make_node("Concat", ["a", "b"], ["c"], axis=1), {})
        True
        >>> is_by_rows(helper.make_node("Concat", ["a", "b"], ["c"], axis=0), {})
        False
    """
    known = _BY_ROWS.get((node.domain, node.op_type))
    return known is not None and known(node, constants)


def gives_texts(node: NodeProto, takes_texts: bool) -> list[bool]:
    """For each result of a node whether it holds texts.

    Args:
        node: an operator.
        takes_texts: whether any of its arguments holds texts.
    """
    kind = node.op_type
    if kind == "Cast":
        found = attributes(node)["to"] == _STRING
    elif kind == "LabelEncoder":
        given = attributes(node)
        found = "values_strings" in given or _is_text(given.get("values_tensor"))
    elif kind == "Constant":
        given = attributes(node)
        found = "value_string" in given or "value_strings" in given or _is_text(given.get("value"))
    elif any(each.name == "classlabels_strings" for each in node.attribute):
        return [place == 0 for place in range(len(node.output))]
    else:
        found = takes_texts and kind not in _NUMBERS_OF_TEXTS
    return [found and not (kind == "StringSplit" and place == 1) for place in range(len(node.output))]


def is_padded(node: NodeProto, padded: Sequence[bool], constants: Constants) -> bool:
    """Whether what a node gives is as wide as the longest row asks for.

    Args:
        node: an operator that goes by rows.
        padded: the same of each of its arguments.
        constants: the model's constant tensors by name.
    """
    kind = node.op_type
    if kind in ("Tokenizer", "StringSplit"):
        return True
    if kind in ("TfIdfVectorizer", "ReduceSum"):
        return False
    if kind == "ScatterElements":
        return padded[0]
    if kind == "Slice":
        start, stop = _numbers(node, 1, constants), _numbers(node, 2, constants)
        return any(padded) and not (start == [0] and stop == [1])  # there is one column at least
    return any(padded)


def attributes(node: NodeProto) -> dict[str, Any]:
    """A node's attributes; a long list of them is not looked into."""
    from onnx import helper

    return {
        each.name: None
        if len(each.strings) + len(each.ints) + len(each.floats) > _LONG
        else helper.get_attribute_value(each)
        for each in node.attribute
    }


_LONG = 64


def _is_text(tensor: TensorProto | None) -> bool:
    return tensor is not None and tensor.data_type == _STRING


def _always(_: NodeProto, __: Constants) -> bool:
    return True


def _beside(node: NodeProto, _: Constants) -> bool:
    """Tensors put side by side, not one below the other."""
    return bool(attributes(node).get("axis", 0) > 0)


def _chosen(node: NodeProto, constants: Constants) -> bool:
    """Columns chosen by constants, or constants chosen by each row."""
    if node.input[1] in constants:
        return _beside(node, constants)
    return node.input[0] in constants and attributes(node).get("axis", 0) == 0


def _between(node: NodeProto, constants: Constants) -> bool:
    """Columns between constant bounds."""
    axes = _numbers(node, 3, constants)
    return bool(axes) and min(axes) > 0


def _other_axes(node: NodeProto, constants: Constants) -> bool:
    """Axes put in or taken out behind the first."""
    axes = _numbers(node, 1, constants)
    return bool(axes) and min(axes) > 0


def _keeps_rows(node: NodeProto, constants: Constants) -> bool:
    """A new shape that leaves the first axis free: so many rows as before, or a multiple of them."""
    shape = _numbers(node, 1, constants)
    return bool(shape) and (shape[0] == -1 or (shape[0] == 0 and not attributes(node).get("allowzero", 0)))


def _keeps_all(node: NodeProto, _: Constants) -> bool:
    """No words are thrown out, and rows with them."""
    return "stopwords" not in attributes(node)


def _numbers(node: NodeProto, place: int, constants: Constants) -> list[int]:
    from onnx import numpy_helper

    if len(node.input) <= place or node.input[place] not in constants:
        return []
    return [int(value) for value in numpy_helper.to_array(constants[node.input[place]]).ravel()]


_NUMBERS_OF_TEXTS = frozenset(
    {"Equal", "RegexFullMatch", "TfIdfVectorizer", "MurmurHash3", "OneHotEncoder", "Shape", "Size"}
)
"""What takes texts and gives none. Of an operator not known it is supposed that it gives texts."""

_ELEMENTWISE = (
    "Abs Add And Cast Ceil Clip Div Equal Floor Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual "
    "Max Min Mod Mul Neg Not Or RegexFullMatch Round StringConcat StringSplit Sub TfIdfVectorizer Where Xor"
)

_BY_ROWS: dict[tuple[str, str], Callable[[NodeProto, Constants], bool]] = {
    **{("", name): _always for name in _ELEMENTWISE.split()},
    ("", "StringNormalizer"): _keeps_all,
    ("", "Concat"): _beside,
    ("", "Gather"): _chosen,
    ("", "Slice"): _between,
    ("", "ReduceSum"): _other_axes,
    ("", "ScatterElements"): _beside,
    ("", "Squeeze"): _other_axes,
    ("", "Unsqueeze"): _other_axes,
    ("", "Reshape"): _keeps_rows,
    ("ai.onnx.ml", "LabelEncoder"): _always,
    ("com.microsoft", "MurmurHash3"): _always,
    ("com.microsoft", "Tokenizer"): _always,
}
