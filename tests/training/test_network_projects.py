"""Networks on real recordings, images and texts, from `tilth init` to a registered model."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tilth.inference import Graph
from tilth.projects import Project
from tilth.tables import open_table

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

Ask = Callable[..., tuple[int, str, str]]
Find = Callable[[str], Path]

AUDIO = 'x["audio"].at_rate(8000).mel_spectrogram(40).first_frames(60)'
IMAGE = 'x["image"].grey().resize(28, 28).pixels()'
TEXT = 'x["CONTENT"].lower().tokens().token_ids(60, top=3000, min_count=2)'


def make_project(ask: Ask, data: Path, label: str, folder: Path, feature: str, parameters: str = "") -> None:
    """A project whose only feature is given, with a network, and no learning curve (as long again)."""
    assert ask("init", data, "--label", label, "--dir", folder)[0] == 0
    (folder / "features.py").write_text(f"def features(x):\n    return {{'it': {feature}}}\n")
    toml = folder / "tilth.toml"
    text = toml.read_text()
    assert 'estimator = "lightgbm"' in text
    text = text.replace('estimator = "lightgbm"', 'estimator = "network"')
    text = text.replace("[train]\n", "[train]\nlearning_curve = []\n")
    toml.write_text(text.replace("parameters = {}", f"parameters = {{ {parameters} }}"))


def measured(ask: Ask, folder: Path, metric: str, *data: Path) -> float:
    status, out, err = ask("evaluate", *data, "--model", "champion", "--dir", folder, "--json")
    assert status == 0, err
    found = json.loads(out)["slices"][0]["metrics"][metric]["value"]
    return float(found)


def champion(folder: Path) -> Graph:
    project = Project.load(folder)
    with project.workspace.store() as store:
        version = store.model_version(project.name, 1)
    return Graph.from_path(project.workspace.artifacts().verify(version.artifact.digest, ".onnx"))


def assert_rows_stand_alone(graph: Graph, data: Path, every: int) -> None:
    """A served row has the bits of the same row in bulk."""
    rows = open_table(data).select(list(graph.inputs)).to_arrow()
    rows = rows.take(list(range(0, rows.num_rows, every)))
    bulk = graph.run_batch(rows)
    for row in range(rows.num_rows):
        for name, values in graph.run_batch(rows.slice(row, 1)).items():
            np.testing.assert_array_equal(values[0], bulk[name][row])


def write_images(
    folder: Path, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer], names: list[str]
) -> Path:
    for number, (pixels, label) in enumerate(zip(images, labels.ravel().tolist(), strict=True)):
        path = folder / names[label] / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def test_spoken_digits(shared_data: Find, tmp_path: Path, ask: Ask) -> None:
    """The official division: recordings 0 to 4 of each speaker and digit are the test."""
    with zipfile.ZipFile(shared_data("fsdd-four-speakers/recordings.zip")) as recordings:
        for name in recordings.namelist():
            if name.endswith(".wav"):
                digit, _, index = Path(name).stem.split("_")
                target = tmp_path / ("test" if int(index) < 5 else "train") / digit / Path(name).name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(recordings.read(name))
    project = tmp_path / "project"
    make_project(ask, tmp_path / "train", "label", project, AUDIO, 'augment = ["shift", "mask"]')
    status, _, err = ask("run", "--dir", project)
    assert status == 0, err
    assert measured(ask, project, "accuracy", tmp_path / "test") >= 0.95
    assert_rows_stand_alone(champion(project), tmp_path / "test", 20)

    # The same again: every step's result has the same bytes, the network's too.
    status, out, err = ask("reproduce", "train@champion", "--dir", project, "--json")
    assert status == 0, err
    assert json.loads(out)["steps"]["train"]["outcome"] == "identical"


def test_x_rays(shared_data: Find, tmp_path: Path, ask: Ask) -> None:
    """The images that MedMNIST keeps for validation; the paper's ResNet-18 has 0.944 on its test images."""
    arrays = np.load(shared_data("pneumoniamnist-trainval/pneumonia_trainval.npz"))
    names = ["normal", "pneumonia"]
    train, val = (
        write_images(tmp_path / part, arrays[f"{part}_images"], arrays[f"{part}_labels"], names)
        for part in ("train", "val")
    )
    project = tmp_path / "project"
    make_project(ask, train, "label", project, IMAGE, "epochs = 10")
    status, _, err = ask("run", "--dir", project)
    assert status == 0, err
    assert measured(ask, project, "auroc", val) >= 0.93
    assert_rows_stand_alone(champion(project), val, 50)


def test_handwritten_digits(shared_data: Find, tmp_path: Path, ask: Ask) -> None:
    arrays = np.load(shared_data("mnist-1000/mnist_1000.npz"))
    names = [f"digit {digit}" for digit in range(10)]
    folder = write_images(tmp_path / "digits", arrays["images"], arrays["labels"], names)
    project = tmp_path / "project"
    make_project(ask, folder, "label", project, IMAGE, 'augment = ["shift"], epochs = 50')
    status, _, err = ask("run", "--dir", project)
    assert status == 0, err
    assert measured(ask, project, "accuracy") >= 0.92


def test_words_tell_spam(shared_data: Find, tmp_path: Path, ask: Ask) -> None:
    data = shared_data("youtube-spam/youtube_spam.csv.gz")
    project = tmp_path / "project"
    make_project(ask, data, "CLASS", project, TEXT, "epochs = 15")
    status, _, err = ask("run", "--dir", project)
    assert status == 0, err
    assert measured(ask, project, "accuracy") >= 0.9
    assert_rows_stand_alone(champion(project), data, 100)
