"""Projects on folders of images: known by their contents, from init to lineage."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tilth.errors import DataError, ProjectError
from tilth.pipelines.sources import digest_of_source, is_source
from tilth.projects import Project, initialize
from tilth.schemas import Schema

Ask = Callable[..., tuple[int, str, str]]


def make_images(folder: Path, each: int = 40) -> Path:
    """Bars that stand and bars that lie, by class."""
    generator = np.random.default_rng(0)
    for name in ("standing", "lying"):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            pixels = generator.integers(0, 60, (20, 24), dtype=np.uint8)
            start = int(generator.integers(4, 12))
            if name == "standing":
                pixels[:, start : start + 4] += 150
            else:
                pixels[start : start + 4] += 150
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def test_a_folder_is_known_by_its_paths_and_contents(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "bars", 3)
    before = digest_of_source(folder)
    assert is_source(folder)
    os.utime(folder / "lying" / "0.png", (0, 0))
    (folder / "notes.txt").write_text("not part of the table")
    assert digest_of_source(folder) == before
    (folder / "metadata.csv").write_text("file_name,camera\nlying/0.png,a\n")
    with_metadata = digest_of_source(folder)
    assert with_metadata != before
    (folder / "lying" / "0.png").rename(folder / "standing" / "9.png")
    assert digest_of_source(folder) not in (before, with_metadata)


def test_a_folder_of_something_else_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    assert not is_source(tmp_path)
    with pytest.raises(DataError, match="a project reads files"):
        initialize(tmp_path, "x", tmp_path / "project")


def test_init_writes_features_of_images(tmp_path: Path) -> None:
    made = initialize(make_images(tmp_path / "bars"), "label", tmp_path / "project")
    assert any("image is an image" in sentence for sentence in made.assumptions)
    text = (tmp_path / "project" / "features.py").read_text()
    assert '"image edges": x["image"].resize(28, 28).hog(7, 9),' in text
    assert '"image coarse": x["image"].grey().resize(8, 8).scale_pixels(0, 1).pixels(),' in text
    assert '"image brightness": x["image"].brightness().fill_missing("median").zscore(),' in text
    assert "image.sharpness" not in text
    schema = Schema.from_toml((tmp_path / "project" / "schema.toml").read_text())
    assert "serving" in schema["path"].not_in
    assert schema["image"].type == "image"


def test_the_part_that_a_file_came_in_is_no_feature(tmp_path: Path) -> None:
    folder = tmp_path / "bars"
    for part in ("train", "test"):
        make_images(folder / part, 10)
    initialize(folder, "label", tmp_path / "project")
    text = (tmp_path / "project" / "features.py").read_text()
    assert '# "split" is left out: it is not known when a prediction is asked for' in text


def test_a_project_goes_from_a_folder_to_answers(tmp_path: Path, ask: Ask) -> None:
    folder = make_images(tmp_path / "bars")
    project = tmp_path / "project"
    assert ask("init", folder, "--label", "label", "--dir", project)[0] == 0
    toml = project / "tilth.toml"
    toml.write_text(toml.read_text().replace("parameters = {}", "parameters = { n_estimators = 10 }"))
    status, _, errors = ask("run", "--dir", project)
    assert status == 0, errors
    assert "skipped" in ask("run", "--dir", project)[2]
    Image.new("L", (30, 30), 9).save(folder / "lying" / "new.png")
    again = ask("run", "profile", "--dir", project)[2]
    assert "81 rows" in again
    status, told, _ = ask("lineage", folder, "--dir", project)
    assert status == 0
    assert "ingest" in told
    assert ask("predict", folder, "-o", tmp_path / "out.csv", "--dir", project)[0] == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "path,label,tilth.label,tilth.score,tilth.positive"
    right = [line.split(",")[1] == line.split(",")[2] for line in lines[1:]]
    assert np.mean(right) > 0.9
    assert ask("predict", folder, "-o", tmp_path / "out.parquet", "--dir", project)[0] == 0


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    folder = make_images(tmp_path / "bars", 12)
    initialize(folder, "label", tmp_path / "project")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ProjectError, match="is not there"):
        Project.load(tmp_path / "project").sources()
