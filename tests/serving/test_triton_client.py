"""The public client of the Open Inference Protocol, unchanged, over HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from example_server import JOBS, income_probability
from serving_clients import ServerProcess

from tilth.tables import read_predictions

AGES = [39.0, 50.0, 17.0]
HOURS = [40.5, float("nan"), 12.0]
WORK = [JOBS[1], JOBS[2], JOBS[0]]
MARRIED = [True, False, False]
EXPECTED = [
    income_probability(age, None if np.isnan(hours) else hours, job, married)
    for age, hours, job, married in zip(AGES, HOURS, WORK, MARRIED, strict=True)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all of these."""
    running = ServerProcess(tmp_path_factory.mktemp("triton") / "predictions", "--grpc")
    yield running
    running.process.terminate()
    running.finish()
    for stream in (running.process.stdout, running.process.stderr):
        assert stream is not None
        stream.close()


@pytest.fixture
def http(server: ServerProcess) -> Iterator[Any]:
    """A client over HTTP."""
    from tritonclient.http import InferenceServerClient

    client = InferenceServerClient(f"{server.host}:{server.port}")
    yield client
    client.close()


@pytest.fixture
def grpc(server: ServerProcess) -> Iterator[Any]:
    """A client over gRPC."""
    from tritonclient.grpc import InferenceServerClient

    client = InferenceServerClient(f"{server.host}:{server.grpc_port}")
    yield client
    client.close()


def inputs(module: Any, **how: Any) -> list[Any]:
    """Three rows as tensors of the client."""
    columns = {
        "age": (np.array(AGES, np.int64), "INT64"),
        "hours": (np.array(HOURS, np.float64).reshape(-1, 1), "FP64"),
        "job": (np.array(WORK, object), "BYTES"),
        "married": (np.array(MARRIED), "BOOL"),
    }
    tensors = []
    for name, (values, datatype) in columns.items():
        tensor = module.InferInput(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, **how)
        tensors.append(tensor)
    return tensors


def binary_inputs() -> list[Any]:
    """The same as bytes."""
    import tritonclient.http as module

    return inputs(module, binary_data=True)


def json_inputs() -> list[Any]:
    """The same as JSON; the client would write NaN, which is no JSON, so the column of hours stays out."""
    import tritonclient.http as module

    return [each for each in inputs(module, binary_data=False) if each.name() != "hours"]


def check(result: Any, expected: list[float]) -> None:
    probabilities = result.as_numpy("probabilities")
    assert probabilities.dtype == np.float32
    assert probabilities[:, 1] == pytest.approx(expected, abs=1e-6)
    labels = [str(each, "utf-8") if isinstance(each, bytes) else each for each in result.as_numpy("label")]
    assert labels == [">50K" if p > 0.5 else "<=50K" for p in expected]


def test_both_say_that_the_server_is_there(http: Any, grpc: Any) -> None:
    for client in (http, grpc):
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("income")
        assert client.is_model_ready("income", "1")


def test_metadata_are_the_same_over_both(http: Any, grpc: Any) -> None:
    over_http = http.get_model_metadata("income")
    over_grpc = grpc.get_model_metadata("income", as_json=True)
    assert over_http["platform"] == over_grpc["platform"] == "onnx_onnxv1"
    assert over_http["versions"] == over_grpc["versions"] == ["1"]
    for part in ("inputs", "outputs"):
        assert [(t["name"], t["datatype"]) for t in over_http[part]] == [
            (t["name"], t["datatype"]) for t in over_grpc[part]
        ]
        assert [t["shape"] for t in over_http[part]] == [list(map(int, t["shape"])) for t in over_grpc[part]]
    assert "binary_tensor_data" in http.get_server_metadata()["extensions"]
    assert grpc.get_server_metadata().name == "tilth"


def test_the_repository_names_the_model_over_both(http: Any, grpc: Any) -> None:
    assert http.get_model_repository_index()[0]["name"] == "income"
    assert grpc.get_model_repository_index().models[0].state == "READY"


@pytest.mark.parametrize("as_bytes", [True, False])
def test_bytes_over_http(http: Any, as_bytes: bool) -> None:
    from tritonclient.http import InferRequestedOutput

    outputs = [InferRequestedOutput(name, binary_data=as_bytes) for name in ("label", "probabilities")]
    result = http.infer("income", binary_inputs(), outputs=outputs, request_id="seven")
    check(result, EXPECTED)
    assert result.get_response()["id"] == "seven"
    assert ("binary_data_size" in result.get_output("label").get("parameters", {})) is as_bytes


def test_bytes_over_http_without_a_word_on_outputs(http: Any) -> None:
    check(http.infer("income", binary_inputs(), model_version="1"), EXPECTED)


def test_json_over_http(http: Any) -> None:
    expected = [
        income_probability(age, None, job, married)
        for age, job, married in zip(AGES, WORK, MARRIED, strict=True)
    ]
    check(http.infer("income", json_inputs()), expected)


def test_grpc_with_ids_that_are_in_the_log(grpc: Any, server: ServerProcess) -> None:
    import tritonclient.grpc as module

    outputs = [module.InferRequestedOutput(name) for name in ("label", "probabilities", "prediction_id")]
    result = grpc.infer("income", inputs(module), outputs=outputs, request_id="eight")
    check(result, EXPECTED)
    assert result.get_response().id == "eight"
    ids = [str(each, "utf-8") for each in result.as_numpy("prediction_id")]
    logged = {made.id: made for made in read_predictions(server.directory)}
    assert [logged[each].inputs["job"] for each in ids] == WORK
    assert [logged[each].inputs["hours"] for each in ids] == [40.5, None, 12.0]


def test_typed_contents_over_grpc_are_answered_so(server: ServerProcess) -> None:
    import grpc as library
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    request = service_pb2.ModelInferRequest(model_name="income", id="nine")
    for name, datatype, contents in (
        ("age", "INT32", {"int_contents": [39]}),
        ("job", "BYTES", {"bytes_contents": [b"Exec"]}),
        ("married", "BOOL", {"bool_contents": [True]}),
    ):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1])
        tensor.contents.CopyFrom(service_pb2.InferTensorContents(**contents))
    with library.insecure_channel(f"{server.host}:{server.grpc_port}") as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
    assert not answer.raw_output_contents
    outputs = {each.name: each for each in answer.outputs}
    assert list(outputs["label"].contents.bytes_contents) == [b">50K"]
    expected = income_probability(39, None, "Exec", True)
    assert outputs["probabilities"].contents.fp32_contents[1] == pytest.approx(expected, abs=1e-6)
    assert outputs["probabilities"].parameters["classes"].string_param == "<=50K,>50K"


def wrong_flags(module: Any) -> list[Any]:
    tensors = [each for each in inputs(module) if each.name() != "married"]
    flag = module.InferInput("married", [3], "INT64")
    flag.set_data_from_numpy(np.array([1, 2, 3], np.int64))
    return [*tensors, flag]


@pytest.mark.parametrize(
    ("call", "status", "words"),
    [
        (lambda c, m: c.infer("nobody", inputs(m)), "NOT_FOUND", "Model nobody not found"),
        (lambda c, m: c.infer("income", inputs(m), model_version="9"), "NOT_FOUND", "version 9"),
        (lambda c, m: c.infer("income", inputs(m)[:2]), "INVALID_ARGUMENT", "'job' is missing"),
        (lambda c, m: c.infer("income", wrong_flags(m)), "INVALID_ARGUMENT", "'married' wants true or false"),
        (
            lambda c, m: c.infer(
                "income", inputs(m), outputs=[m.InferRequestedOutput("label", class_count=2)]
            ),
            "INVALID_ARGUMENT",
            "classification",
        ),
        (lambda c, _: c.is_model_ready("nobody"), "NOT_FOUND", "nobody"),
        (lambda c, m: c.infer("income", inputs(m), timeout=1), "DEADLINE_EXCEEDED", "deadline"),
    ],
)
def test_mistakes_over_grpc_have_their_status(
    grpc: Any, call: Callable[[Any, Any], Any], status: str, words: str
) -> None:
    import tritonclient.grpc as module
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException) as caught:
        call(grpc, module)
    assert status in str(caught.value.status())
    assert words in str(caught.value.message())


def test_a_refusal_over_http_says_why(http: Any) -> None:
    from tritonclient.utils import InferenceServerException

    with pytest.raises(InferenceServerException, match="'job' is missing"):
        http.infer("income", binary_inputs()[:2])


def test_calls_over_grpc_are_counted(grpc: Any, server: ServerProcess) -> None:
    import urllib.request

    assert grpc.is_server_ready()
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'endpoint="grpc ServerReady"' in text
