"""POST /feedback on what another version answered: its classes count, not those of the live one."""

from __future__ import annotations

import datetime

import pytest
from serving_clients import Client

from tilth.tables import Label, Prediction, PredictionLog, read_feedback

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def logged(client: Client, label: Label, scores: dict[str, float] | None) -> str:
    """An answer of version 1; live is a model with the classes <=50K and >50K."""
    log = PredictionLog(client.directory)
    [identity] = log.append([Prediction("", NOON, "income", 1, "live", {}, label, scores, 0.001)])
    log.close()
    return identity


def tell(client: Client, identity: str, label: object) -> tuple[int, str]:
    answer = client.post("/feedback", {"prediction_id": identity, "label": label})
    return answer.status_code, answer.json().get("error", "")


@pytest.mark.parametrize(
    ("said", "names", "right", "kept"),
    [
        ("N", ("N", "Y"), "Y", "Y"),
        ("cat", ("cat", "dog", "owl"), "owl", "owl"),
        (0, ("0", "1"), 1, 1),
        (0, ("0", "1"), 1.0, 1),
        (True, ("false", "true"), False, False),
    ],
)
def test_a_class_of_the_model_that_answered(
    client: Client, said: Label, names: tuple[str, ...], right: Label, kept: Label
) -> None:
    identity = logged(client, said, dict.fromkeys(names, 0.5))
    assert tell(client, identity, right) == (200, "")
    label, _ = read_feedback(client.directory)[identity]
    assert (label, type(label)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("said", "names", "wrong", "expected"),
    [
        ("N", ("N", "Y"), ">50K", 'one of text "N", text "Y"'),
        (0, ("0", "1"), "1", "one of number 0, number 1"),
        (0, ("0", "1"), True, "one of number 0, number 1"),
        (True, ("false", "true"), 1, "one of "),
    ],
)
def test_a_class_of_the_live_model_only(
    client: Client, said: Label, names: tuple[str, ...], wrong: object, expected: str
) -> None:
    status, error = tell(client, logged(client, said, dict.fromkeys(names, 0.5)), wrong)
    assert status == 400
    assert expected in error
    assert read_feedback(client.directory) == {}


def test_a_number_was_predicted_then(client: Client) -> None:
    identity = logged(client, 3.25, None)
    assert tell(client, identity, ">50K")[0] == 400
    assert tell(client, identity, 4)[0] == 200
    assert read_feedback(client.directory)[identity][0] == 4.0
