"""Several labels and rankings over HTTP: answers, the protocol's tensors, the log, outcomes."""

from __future__ import annotations

import numpy as np
import pytest
from serving_clients import Client, MakeClient

from tilth.features import Transform
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.schemas import Column, Schema
from tilth.serving import ServedModel, fixed_model
from tilth.tables import open_table, read_feedback, read_predictions
from tilth.training import Recipe, Rows, export, learn

LABELS = LabelEncoding("multilabel", ("calm", "sea", "sky"))
RANKING = LabelEncoding("ranking", group="query")
SCHEMA = Schema((Column("blue", "float"), Column("wind", "float"), Column("query", "string", required=False)))


def _model(encoding: LabelEncoding, y: np.ndarray, groups: np.ndarray | None = None) -> ServedModel:
    random = np.random.default_rng(0)
    X = random.normal(size=(len(y), 2)).astype(np.float32)
    y = (X[:, :1] > [[9, 0, -0.5]]).astype(np.int64) if encoding.classes else y
    table = open_table({"blue": X[:, 0].astype(float), "wind": X[:, 1].astype(float)})
    transform = Transform(lambda x: {"blue": x["blue"], "wind": x["wind"]}).fit(table)
    learned = learn(Recipe(encoding, "lightgbm", {"n_estimators": 5}), Rows(X, y, groups=groups))
    graph = Graph.from_bytes(export(transform.to_onnx(), learned))
    return ServedModel("photos", 1, graph, encoding.task, encoding.classes, SCHEMA)


@pytest.fixture
def tagger(make_client: MakeClient) -> Client:
    return make_client(fixed_model(_model(LABELS, np.zeros(100, np.int64))))


@pytest.fixture
def ranker(make_client: MakeClient) -> Client:
    random = np.random.default_rng(1)
    grades = random.integers(0, 3, 100).astype(float)
    return make_client(fixed_model(_model(RANKING, grades, np.repeat(np.arange(10), 10))))


ROWS = [{"blue": 2.0, "wind": 0.0}, {"blue": -2.0, "wind": 0.0}]


def test_several_labels_are_a_list_with_the_probability_of_each(tagger: Client) -> None:
    content = tagger.post("/predict", ROWS).json()
    first, second = content["predictions"]
    assert first["label"] == ["sea", "sky"]
    assert second["label"] == []
    assert first["score"] is None
    assert list(first["scores"]) == ["calm", "sea", "sky"]
    assert first["scores"]["calm"] == 0
    alone = tagger.post("/predict", ROWS[0]).json()
    assert (alone["label"], alone["scores"]) == (first["label"], first["scores"])
    logged = read_predictions(tagger.directory)
    assert [made.label for made in logged] == [("sea", "sky"), (), ("sea", "sky")]


def test_outcomes_of_several_labels_are_lists_of_known_ones(tagger: Client) -> None:
    identity = tagger.post("/predict", ROWS[0]).json()["prediction_id"]
    accepted = tagger.post("/feedback", {"prediction_id": identity, "label": ["sky", "sea", "sky"]})
    assert accepted.json() == {"accepted": 1}
    assert read_feedback(tagger.directory)[identity][0] == ("sea", "sky")
    assert tagger.post("/feedback", {"prediction_id": identity, "label": []}).status_code == 200
    for wrong in (["moon"], "sea", None, [1], {"sea": True}):
        refused = tagger.post("/feedback", {"prediction_id": identity, "label": wrong})
        assert refused.status_code == 400
        assert refused.json()["expected"] == "a list of labels, of 'calm', 'sea', 'sky'"
    assert read_feedback(tagger.directory)[identity][0] == ()


def _tensors(rows: list[dict[str, float]]) -> dict[str, object]:
    names = ("blue", "wind")
    return {
        "inputs": [
            {"name": n, "shape": [len(rows)], "datatype": "FP64", "data": [row[n] for row in rows]}
            for n in names
        ]
    }


def test_the_protocol_gives_both_tensors_by_row_and_label(tagger: Client) -> None:
    outputs = tagger.get("/v2/models/photos").json()["outputs"]
    assert outputs == [
        {"name": "label", "datatype": "BOOL", "shape": [-1, 3]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 3]},
    ]
    label, probabilities = tagger.post("/v2/models/photos/infer", _tensors(ROWS)).json()["outputs"]
    assert (label["shape"], label["datatype"]) == ([2, 3], "BOOL")
    assert label["data"] == [False, True, True, False, False, False]
    assert label["parameters"] == {"classes": "calm,sea,sky"}
    assert [p > 0.5 for p in probabilities["data"]] == label["data"]


def test_the_description_says_what_a_label_is(tagger: Client, ranker: Client) -> None:
    schemas = tagger.get("/openapi.json").json()["components"]["schemas"]
    wanted = {"type": "array", "items": {"enum": ["calm", "sea", "sky"]}, "uniqueItems": True}
    assert schemas["Prediction"]["properties"]["label"] == wanted
    assert schemas["Outcome"]["properties"]["label"] == wanted
    assert ranker.get("/openapi.json").json()["components"]["schemas"]["Outcome"]["properties"]["label"] == {}


def test_a_ranking_gives_a_score_for_each_row_and_logs_its_query(ranker: Client) -> None:
    rows = [{**row, "query": "boats"} for row in ROWS]
    predictions = ranker.post("/predict", rows).json()["predictions"]
    assert all(isinstance(made["label"], float) and made["scores"] is None for made in predictions)
    assert [made.inputs["query"] for made in read_predictions(ranker.directory)] == ["boats", "boats"]
    (output,) = ranker.post("/v2/models/photos/infer", _tensors(ROWS)).json()["outputs"]
    assert output["name"] == "prediction"
    assert output["data"] == pytest.approx([made["label"] for made in predictions])


def test_outcomes_of_a_ranking_are_numbers_from_zero(ranker: Client) -> None:
    identity = ranker.post("/predict", ROWS[0]).json()["prediction_id"]
    assert ranker.post("/feedback", {"prediction_id": identity, "label": 2}).status_code == 200
    refused = ranker.post("/feedback", {"prediction_id": identity, "label": -1})
    assert refused.status_code == 400
    assert refused.json()["expected"] == "how relevant the row is, a number of at least 0"
    assert ranker.post("/feedback", {"prediction_id": identity, "label": ["a"]}).status_code == 400
