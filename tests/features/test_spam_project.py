"""A project on real comments: words and pairs of words tell spam, and a served row is a trained one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tilth.inference import Graph
from tilth.projects import Project
from tilth.tables import open_table

pytestmark = pytest.mark.slow

FEATURES = '''"""Comments as words, pairs of words, and signs that people look for."""


def features(x):
    text = x["CONTENT"].lower()
    words = text.tokens()
    return {
        "word": words.tfidf(top=1000, min_count=2),
        "pair": words.ngrams(2).bag_of_words(top=300, min_count=3),
        "known": words.vocabulary(file="vocabularies/signs.txt").max(),
        "length": text.length(),
        "words": words.length(),
        "link": text.matches(r"(?s).*(https?:|www\\.|\\.com).*"),
        "exclamations": x["CONTENT"].tokens("!").length(),
    }
'''

Ask = Callable[..., tuple[int, str, str]]


def steps(document: str) -> dict[str, str]:
    return {step["step"]: step["state"] for step in json.loads(document)["steps"]}


def test_words_tell_spam(tmp_path: Path, shared_data: Callable[[str], Path], ask: Ask) -> None:
    data = shared_data("youtube-spam/youtube_spam.csv.gz")
    assert ask("init", data, "--label", "CLASS", "--dir", tmp_path)[0] == 0
    (tmp_path / "features.py").write_text(FEATURES)
    (tmp_path / "vocabularies").mkdir()
    signs = tmp_path / "vocabularies" / "signs.txt"
    signs.write_text("subscribe\nhttp\nchannel\n")
    status, _, errors = ask("run", "--dir", tmp_path)
    assert status == 0, errors

    document = json.loads(ask("evaluate", "--model", "champion", "--dir", tmp_path, "--json")[1])
    assert document["slices"][0]["metrics"]["accuracy"]["value"] >= 0.92

    assert steps(ask("run", "--dir", tmp_path, "--json")[1])["transform"] == "skipped"
    signs.write_text("subscribe\nhttp\n")
    assert steps(ask("run", "--dir", tmp_path, "--json")[1])["transform"] == "complete"

    # Training runs the transform in bulk, a server the whole model on one row.
    project = Project.load(tmp_path)
    with project.workspace.store() as store:
        version = store.model_version(project.name, 1)
    graph = Graph.from_path(project.workspace.artifacts().verify(version.artifact.digest, ".onnx"))
    rows = open_table(data).select(list(graph.inputs)).to_arrow()
    bulk = graph.run_batch(rows)
    for row in range(0, rows.num_rows, 97):
        alone = graph.run_batch(rows.slice(row, 1))
        for name, values in alone.items():
            np.testing.assert_array_equal(values[0], bulk[name][row])
