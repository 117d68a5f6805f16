"""The transform is made anew when a file in the folder `vocabularies` changes, and only then."""

from __future__ import annotations

from pathlib import Path

from project_factory import hurried_project
from tilth.pipelines.model_steps import MODEL_STEPS
from tilth.pipelines.vocabularies import vocabulary_digests


def test_the_files_are_told_by_their_content(tmp_path: Path) -> None:
    assert vocabulary_digests(tmp_path) == {}
    (tmp_path / "vocabularies" / "inner").mkdir(parents=True)
    (tmp_path / "vocabularies" / "b.txt").write_text("one\n")
    (tmp_path / "vocabularies" / "inner" / "a.txt").write_text("one\n")
    before = vocabulary_digests(tmp_path)
    assert list(before) == ["b.txt", "inner/a.txt"]
    assert before["b.txt"] == before["inner/a.txt"]
    (tmp_path / "vocabularies" / "b.txt").write_text("two\n")
    assert vocabulary_digests(tmp_path)["b.txt"] != before["b.txt"]


def test_they_are_parameters_of_the_transform(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    (transform,) = (step for step in MODEL_STEPS if step.name == "transform")
    without = transform.parameters(project)
    assert "vocabularies" not in without
    (tmp_path / "vocabularies").mkdir()
    (tmp_path / "vocabularies" / "words.txt").write_text("one\n")
    assert transform.parameters(project) == {**without, "vocabularies": vocabulary_digests(tmp_path)}
