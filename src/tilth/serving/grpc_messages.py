"""The messages of the Open Inference Protocol over gRPC, in a pool of their own.

Made here from a table of their fields, so that nothing is generated, and so that a process which also holds a
client's generated classes of the same names keeps both. Names and numbers are those of the protocol
(kserve/open-inference-protocol, open_inference_grpc.proto) and of Triton's model repository extension.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

__all__ = ["METHODS", "SERVICE", "message"]

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

METHODS = {
    "ServerLive": ("ServerLiveRequest", "ServerLiveResponse"),
    "ServerReady": ("ServerReadyRequest", "ServerReadyResponse"),
    "ModelReady": ("ModelReadyRequest", "ModelReadyResponse"),
    "ServerMetadata": ("ServerMetadataRequest", "ServerMetadataResponse"),
    "ModelMetadata": ("ModelMetadataRequest", "ModelMetadataResponse"),
    "ModelInfer": ("ModelInferRequest", "ModelInferResponse"),
    "RepositoryIndex": ("RepositoryIndexRequest", "RepositoryIndexResponse"),
}
"""The methods of the service, with the messages that they take and give."""

# A field: its type, its name, its number. "*" is repeated; "map" is from text to InferParameter; a type in
# capitals is a message; "?" is one of several.
_FIELDS = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready 1",
    "ModelReadyRequest": "string name 1, string version 2",
    "ModelReadyResponse": "bool ready 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name 1, string version 2, *string extensions 3",
    "ModelMetadataRequest": "string name 1, string version 2",
    "ModelMetadataResponse.TensorMetadata": "string name 1, string datatype 2, *int64 shape 3",
    "ModelMetadataResponse": "string name 1, *string versions 2, string platform 3, "
    "*ModelMetadataResponse.TensorMetadata inputs 4, *ModelMetadataResponse.TensorMetadata outputs 5",
    "InferParameter": "?bool bool_param 1, ?int64 int64_param 2, ?string string_param 3, "
    "?double double_param 4, ?uint64 uint64_param 5",
    "InferTensorContents": "*bool bool_contents 1, *int32 int_contents 2, *int64 int64_contents 3, "
    "*uint32 uint_contents 4, *uint64 uint64_contents 5, *float fp32_contents 6, *double fp64_contents 7, "
    "*bytes bytes_contents 8",
    "ModelInferRequest.InferInputTensor": "string name 1, string datatype 2, *int64 shape 3, "
    "map parameters 4, InferTensorContents contents 5",
    "ModelInferRequest.InferRequestedOutputTensor": "string name 1, map parameters 2",
    "ModelInferRequest": "string model_name 1, string model_version 2, string id 3, map parameters 4, "
    "*ModelInferRequest.InferInputTensor inputs 5, *ModelInferRequest.InferRequestedOutputTensor outputs 6, "
    "*bytes raw_input_contents 7",
    "ModelInferResponse.InferOutputTensor": "string name 1, string datatype 2, *int64 shape 3, "
    "map parameters 4, InferTensorContents contents 5",
    "ModelInferResponse": "string model_name 1, string model_version 2, string id 3, map parameters 4, "
    "*ModelInferResponse.InferOutputTensor outputs 5, *bytes raw_output_contents 6",
    "RepositoryIndexRequest": "string repository_name 1, bool ready 2",
    "RepositoryIndexResponse.ModelIndex": "string name 1, string version 2, string state 3, string reason 4",
    "RepositoryIndexResponse": "*RepositoryIndexResponse.ModelIndex models 1",
}


@cache
def message(name: str) -> Any:
    """The class of a message.

    Example:
        >>> request = message("ModelReadyRequest")(name="census", version="3")
        >>> message("ModelReadyRequest").FromString(request.SerializeToString()).version
        '3'
    """
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool

    file = FileDescriptorProto(name="open_inference.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        if "." not in name:
            _add(file, name, fields)
    pool = DescriptorPool()
    pool.Add(file)
    return pool


def _add(file: FileDescriptorProto, name: str, fields: str) -> None:
    own = file.message_type.add(name=name)
    _fill(own, name, fields)
    for inner, its in _FIELDS.items():
        outer, _, short = inner.partition(".")
        if outer == name and short:
            _fill(own.nested_type.add(name=short), inner, its)


def _fill(own: DescriptorProto, name: str, fields: str) -> None:
    for text in filter(None, fields.split(", ")):
        kind, field, number = text.split(" ")
        if kind == "map":
            _add_map(own, name, field, int(number))
            continue
        added = own.field.add(name=field, number=int(number))
        added.label = added.LABEL_REPEATED if kind.startswith("*") else added.LABEL_OPTIONAL
        if kind.startswith("?"):
            if not own.oneof_decl:
                own.oneof_decl.add(name="parameter_choice")
            added.oneof_index = 0
        plain = kind.lstrip("*?")
        if plain[0].isupper():
            added.type = added.TYPE_MESSAGE
            added.type_name = f".{PACKAGE}.{plain}"
        else:
            added.type = getattr(added, f"TYPE_{plain.upper()}")


def _add_map(own: DescriptorProto, name: str, field: str, number: int) -> None:
    """A map is a repeated message of keys and values, by protobuf's rules for maps."""
    entry = own.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    key = entry.field.add(name="key", number=1)
    key.type, key.label = key.TYPE_STRING, key.LABEL_OPTIONAL
    value = entry.field.add(name="value", number=2, type_name=f".{PACKAGE}.InferParameter")
    value.type, value.label = value.TYPE_MESSAGE, value.LABEL_OPTIONAL
    added = own.field.add(name=field, number=number, type_name=f".{PACKAGE}.{name}.ParametersEntry")
    added.type, added.label = added.TYPE_MESSAGE, added.LABEL_REPEATED
