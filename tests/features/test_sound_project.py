"""A project on spoken digits of four speakers, from `tilth init` to the server (data: see its SOURCE.md)."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from served import get, post, serving
from tilth.features import Expression, Inputs, Transform
from tilth.tables import open_table, write_table

pytestmark = pytest.mark.slow

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def digits(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official division, index 0 to 4 for the test, as train.parquet and test.parquet."""
    folder = tmp_path_factory.mktemp("digits")
    with zipfile.ZipFile(shared_data("fsdd-four-speakers/recordings.zip")) as recordings:
        for name in recordings.namelist():
            if name.endswith(".wav"):
                digit, _, index = Path(name).stem.split("_")
                target = folder / ("test" if int(index) < 5 else "train") / digit / Path(name).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(recordings.read(name))
    for part in ("train", "test"):
        write_table(open_table(folder / part), folder / f"{part}.parquet")
    return folder


def test_a_project_on_recordings_knows_spoken_digits(digits: Path, tmp_path: Path, ask: Ask) -> None:
    assert open_table(digits / "train.parquet").rows == 600
    status, _, err = ask("init", digits / "train", "--label", "label", "--dir", tmp_path)
    assert status == 0, err
    assert "audio is a recording" in err
    features = (tmp_path / "features.py").read_text(encoding="utf-8")
    assert '"audio": x["audio"].at_rate(8000).mfcc().summary(),' in features
    assert '"audio course": x["audio"].at_rate(8000).mfcc().resample_time(10),' in features
    toml = tmp_path / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    text = text.replace('"lightgbm"', '"sklearn.ensemble.ExtraTreesClassifier"')
    text = text.replace("parameters = {}", "parameters = { n_estimators = 300 }")
    toml.write_text(text.replace("[0.6, 0.2, 0.2]", "[0.8, 0.1, 0.1]"), encoding="utf-8")
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    test = digits / "test.parquet"
    status, out, err = ask(
        "evaluate", test, "--label", "label", "--model", "train@1", "--dir", tmp_path, "--json"
    )
    assert status == 0, err
    accuracy = json.loads(out)["slices"][0]["metrics"]["accuracy"]["value"]
    assert accuracy >= 0.95

    speaker = "split_part(path, '_', 2)"
    command = ("evaluate", test, "--model", "train@1", "--slice", speaker, "--dir", tmp_path, "--json")
    slices = json.loads(ask(*command)[1])["slices"]
    assert {each["slice"].get(speaker): each["rows"] for each in slices[1:]} == dict.fromkeys(
        ("jackson", "nicolas", "theo", "yweweler"), 50
    )
    page = tmp_path / "page.html"
    assert ask("evaluate", test, "--model", "train@1", "--html", page, "--dir", tmp_path)[0] == 0
    assert page.read_text(encoding="utf-8").count("<audio") == round(200 * (1 - accuracy))

    answers = tmp_path / "answers.parquet"
    assert ask("predict", test, "-o", answers, "--dir", tmp_path)[0] == 0
    batch = open_table(answers).to_arrow()
    assert np.mean(batch["label"].to_numpy() == batch["tilth.label"].to_numpy()) == accuracy
    places = range(0, 200, 20)
    rows = [{"audio": base64.b64encode(batch["audio"][place].as_py()).decode()} for place in places]
    with serving(tmp_path) as (url, _):
        code, answer = post(f"{url}/predict", rows)
        assert code == 200, answer
        scores = [batch["tilth.score"][place].as_py() for place in places]
        assert [made["score"] for made in answer["predictions"]] == scores
        code, alone = post(f"{url}/predict", rows[3])
        assert (code, alone["score"]) == (200, scores[3])
        code, refused = post(f"{url}/predict", {"audio": "R0lGODlhAQABAAAAACw="})
        assert (code, refused["column"], refused["row"]) == (400, "audio", 0)
        described = get(f"{url}/openapi.json")["components"]["schemas"]["Row"]["properties"]["audio"]
        assert described["contentEncoding"] == "base64"
    status, out, err = ask("monitor", "--dir", tmp_path, "--json")
    assert status == 0, err
    assert json.loads(out)["rows"] == 11


def test_lightgbm_learns_from_summaries_and_courses(digits: Path) -> None:
    from lightgbm import LGBMClassifier

    def features(x: Inputs) -> dict[str, Expression]:
        coefficients = x["audio"].at_rate(8000).mfcc()
        return {"figures": coefficients.summary(), "course": coefficients.resample_time(10)}

    train, test = (open_table(digits / f"{part}.parquet") for part in ("train", "test"))
    transform = Transform(features).fit(train)
    model = LGBMClassifier(
        n_estimators=300, num_leaves=8, learning_rate=0.05, colsample_bytree=0.2, verbose=-1
    )
    model.fit(transform.transform(train), train.select(["label"]).to_arrow()["label"].to_numpy())
    truth = test.select(["label"]).to_arrow()["label"].to_numpy()
    assert np.mean(model.predict(transform.transform(test)) == truth) >= 0.95
