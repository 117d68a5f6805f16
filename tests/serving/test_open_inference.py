"""The Open Inference Protocol over JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from example_server import ROW, income_probability
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from serving_clients import Client

from tilth.errors import RequestError
from tilth.serving.tensors import Tensor, decode_tensor, encode_tensor
from tilth.tables import read_predictions

Case = Callable[[str, str], dict[str, Any]]


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def request(**changes: dict[str, Any] | None) -> dict[str, Any]:
    tensors = {
        "age": tensor("age", "INT64", [39, 25]),
        "hours": tensor("hours", "FP64", [40.5, None], [2, 1]),
        "job": tensor("job", "BYTES", ["Exec", "Sales"]),
        "married": tensor("married", "BOOL", [[True], [False]], [2, 1]),
        **changes,
    }
    return {"inputs": [t for t in tensors.values() if t is not None]}


def test_health_and_metadata(client: Client, shared_case: Case) -> None:
    for path in shared_case("serving_oip", "oip-1")["input"]["get"]:
        answer = client.get(path.replace("sum-model", "income").replace("v1.2.3", "1"))
        assert answer.status_code == 200
    assert client.get("/v2/health/live").json() == {"live": True, "ready": True}
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}
    assert set(client.get("/v2").json()) == set(shared_case("serving_oip", "oip-2")["expected"]["keys"])
    model = client.get("/v2/models/income").json()
    assert model == client.get("/v2/models/income/versions/1").json()
    assert set(model) == set(shared_case("serving_oip", "oip-3")["expected"]["body"])
    assert (model["name"], model["versions"], model["platform"]) == ("income", ["1"], "onnx_onnxv1")
    assert {t["name"]: t["datatype"] for t in model["inputs"]} == {
        "age": "INT64",
        "hours": "FP64",
        "job": "BYTES",
        "married": "BOOL",
    }
    assert [t["name"] for t in model["outputs"]] == ["label", "probabilities"]
    assert client.get("/v2/models").json() == {"models": ["income"]}


def test_repository_index(client: Client, shared_case: Case) -> None:
    answer = client.post("/v2/repository/index", {})
    assert answer.status_code == 200
    assert len(answer.json()) == shared_case("serving_oip", "oip-10")["expected"]["n_models"]


@pytest.mark.parametrize("path", ["", "/versions/1"])
def test_infer(client: Client, path: str) -> None:
    answer = client.post(f"/v2/models/income{path}/infer", {"id": "call-7", **request()})
    assert answer.status_code == 200
    content = answer.json()
    assert (content["model_name"], content["model_version"], content["id"]) == ("income", "1", "call-7")
    label, probabilities = content["outputs"]
    assert label == {"name": "label", "shape": [2], "datatype": "BYTES", "data": [">50K", "<=50K"]}
    p, q = income_probability(39, 40.5, "Exec", True), income_probability(25, None, "Sales", False)
    assert (probabilities["name"], probabilities["datatype"]) == ("probabilities", "FP32")
    assert probabilities["shape"] == [2, 2]
    assert probabilities["data"] == pytest.approx([1 - p, p, 1 - q, q], abs=1e-6)
    assert probabilities["parameters"] == {"classes": "<=50K,>50K"}


def test_infer_is_logged_and_gives_ids(client: Client) -> None:
    content = client.post("/v2/models/income/infer", request()).json()
    logged = read_predictions(client.directory)
    assert content["parameters"]["prediction_ids"].split(",") == [p.id for p in logged]
    assert logged[0].inputs == {"age": 39, "hours": 40.5, "job": "Exec", "married": True}


def test_only_the_outputs_that_are_asked_for(client: Client) -> None:
    wanted = [{"name": "prediction_id"}, {"name": "label"}]
    content = client.post("/v2/models/income/infer", {**request(), "outputs": wanted}).json()
    ids, label = content["outputs"]
    assert (ids["name"], label["name"]) == ("prediction_id", "label")
    assert ids["data"] == content["parameters"]["prediction_ids"].split(",")


def test_infer_and_predict_agree(client: Client) -> None:
    rows = [{**ROW, "age": age} for age in (20, 40, 60)]
    plain = client.post("/predict", rows).json()["predictions"]
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in ROW}
    kinds = {
        "age": "INT32",
        "hours": "FP32",
        "job": "BYTES",
        "note": "BYTES",
        "married": "BOOL",
        "since": "BYTES",
    }
    inputs = [tensor(name, kinds[name], values) for name, values in columns.items()]
    label, probabilities = client.post("/v2/models/income/infer", {"inputs": inputs}).json()["outputs"]
    assert label["data"] == [p["label"] for p in plain]
    assert probabilities["data"] == [value for p in plain for value in p["scores"].values()]


@pytest.mark.parametrize("name", ["my-model", "income"])
def test_unknown_models_and_versions(client: Client, shared_case: Case, name: str) -> None:
    case = shared_case("serving_oip", "oip-6")
    path = case["input"]["post"].replace("my-model", name)
    answer = client.post(path, request())
    assert answer.status_code == case["expected"]["status"]
    assert answer.json() == {"error": case["expected"]["error"].replace("my-model", name)}
    assert client.get(f"/v2/models/{name}/versions/v0/ready").status_code == 404


def test_an_unknown_model_without_a_version(client: Client) -> None:
    assert client.post("/v2/models/nobody/infer", request()).json() == {"error": "Model nobody not found"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "missing required field `inputs`"),
    ({"inputs": []}, "there are no rows"),
    ({"inputs": [{"name": "age"}]}, "missing required field"),
    (request(age=tensor("age", "INT64", [39, 25, 3])), "the tensors differ in length"),
    (request(age=tensor("age", "INT64", [39, 25], [3])), "does not fit its shape [3]"),
    (request(age=tensor("age", "INT64", [39, 25], [2, 2])), "does not fit its shape [2, 2]"),
    (request(age=tensor("age", "INT64", [39, 25], [1, 2])), "is not one column"),
    (request(age=tensor("age", "INT64", [39, 25], [0])), "impossible shape"),
    (request(age=tensor("age", "INT64", [39, 25], [-2])), "impossible shape"),
    (request(age=tensor("age", "INT64", [39, 25], [2**40, 2**40])), "impossible shape"),
    (request(age=tensor("age", "INT64", [39, 25], [1] * 50)), "impossible shape"),
    (request(age=tensor("age", "INT64", [], [2])), "does not fit its shape"),
    (request(age=tensor("age", "INT64", [[39], [25, 3]], [2, 1])), "does not fit its shape"),
    (request(age=tensor("age", "INT64", [[[39]], [[25]]], [2, 1])), "not INT64"),
    (request(age=tensor("age", "INT64", [39.5, 25])), "not INT64"),
    (request(age=tensor("age", "INT8", [300, 25])), "not INT8"),
    (request(age=tensor("age", "UINT8", [-1, 25])), "not UINT8"),
    (request(age=tensor("age", "FP64", [39.5, 25.0])), "column 'age' wants a whole number"),
    (request(age=tensor("age", "BYTES", ["39", "25"])), "without quotes"),
    (request(age=tensor("age", "INT99", [39, 25])), "unknown datatype"),
    (request(age=None), "column 'age' is missing"),
    (request(agee=tensor("agee", "INT64", [1, 2])), "unknown column 'agee': did you mean 'age'?"),
    (request(other=tensor("age", "INT64", [1, 2])), "is there twice"),
    (request(hours=tensor("hours", "FP32", [1e300, 2])), "not FP32"),
    (request(hours=tensor("hours", "FP64", [10**400, 2])), "not FP64"),
    (request(hours=tensor("hours", "FP64", [10**309, 2])), "not FP64"),
    (request(married=tensor("married", "BOOL", [1, 0])), "not BOOL"),
    ({**request(), "outputs": [{"name": "shap"}]}, "there is no output 'shap'"),
    ({**request(), "id": 5}, "Expected `str | null`, got `int`"),
]


@pytest.mark.parametrize(("content", "words"), REFUSED)
def test_refusals(client: Client, content: dict[str, Any], words: str) -> None:
    answer = client.post("/v2/models/income/infer", content)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert read_predictions(client.directory) == []


def test_unexpected_values_come_back_as_parameters(client: Client) -> None:
    odd = request(job=tensor("job", "BYTES", ["Pilot", "Exec"]))
    warnings = client.post("/v2/models/income/infer", odd).json()["parameters"]["warnings"]
    assert warnings == 'row 0, column job: got the text "Pilot", expected one of Clerical, Exec, Sales'


def test_tensor_cases(shared_case: Case) -> None:
    case = shared_case("serving_oip", "oip-11")
    array = np.array(case["input"]["array"], dtype=case["input"]["dtype"])
    assert encode_tensor("a", array) == {"name": "a", **case["expected"]}
    case = shared_case("serving_oip", "oip-14")
    assert decode_tensor(Tensor(**case["input"])).tolist() == case["expected"]["array"]


DTYPES = st.sampled_from([np.int8, np.int64, np.uint16, np.float32, np.float64, np.bool_])


@given(
    hnp.arrays(
        DTYPES,
        hnp.array_shapes(max_dims=3, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False, "allow_subnormal": False},
    )
)
def test_what_is_encoded_is_decoded(array: np.ndarray) -> None:
    encoded = encode_tensor("x", array)
    decoded = decode_tensor(Tensor(**encoded))  # type: ignore[arg-type]
    nested = decode_tensor(Tensor(**{**encoded, "data": array.tolist()}))  # type: ignore[arg-type]
    for found in (decoded, nested):
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_a_null_has_no_array_of_integers() -> None:
    with pytest.raises(RequestError, match="has a null"):
        decode_tensor(Tensor("x", [1], "INT32", [None]))
