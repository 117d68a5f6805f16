"""Features that belong together: what an image, frames and tokens are, and where they stand."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tilth.errors import FeatureError
from tilth.features import Block, Expression, Inputs, Transform, blocks_of
from tilth.features.blocks import block_notes
from tilth.features.compiler import compile_features
from tilth.features.fitting import fit_nodes
from tilth.features.nodes import column_names
from tilth.inference import Graph
from tilth.tables import open_table

RATE = 8000
texts = st.lists(
    st.none() | st.lists(st.sampled_from(["a", "b", "ü", "word"]), max_size=7), min_size=1, max_size=8
)


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()


def of_clips(feature: Expression, clips: list[bytes | None]) -> np.ndarray:
    data = pa.table({"clip": pa.array(clips, pa.large_binary())})
    names = feature.node.operation.column_names("y")  # type: ignore[attr-defined]
    graph = Graph.from_bytes(compile_features([feature.node], names, {"clip": "audio"}))
    bulk = graph.run_batch(data)["features"]
    alone = [graph.run_batch(data.slice(row, 1))["features"] for row in range(len(clips))]
    np.testing.assert_array_equal(bulk, np.concatenate(alone))
    return bulk


@settings(max_examples=60)
@given(texts, st.integers(1, 9), st.none() | st.integers(1, 3), st.integers(1, 2))
def test_token_ids_are_ranks(
    lists: list[list[str] | None], length: int, top: int | None, min_count: int
) -> None:
    rows = pa.table({"t": pa.array(lists, pa.list_(pa.string()))})
    transform = Transform(lambda x: {"y": x["t"].token_ids(length, top, min_count)}).fit(rows)
    words = [word for items in lists for word in items or []]
    ranked = sorted(set(words), key=lambda word: (words.count(word), word), reverse=True)
    known = [word for word in ranked if words.count(word) >= min_count][:top]
    wanted = np.zeros((len(lists), length), np.float32)
    for row, items in enumerate(lists):
        for place, word in enumerate((items or [])[:length]):
            wanted[row, place] = known.index(word) + 2 if word in known else 1
    bulk = transform.transform(rows)
    np.testing.assert_array_equal(bulk, wanted)
    alone = [transform.transform(rows.slice(row, 1)) for row in range(len(lists))]
    np.testing.assert_array_equal(np.concatenate(alone), wanted)
    assert blocks_of(transform.graph) == (Block("tokens", "y", 0, length, (length,), len(known) + 2),)
    assert bulk.max(initial=0) < len(known) + 2


def test_words_that_training_had_not_are_unknown_and_gaps_are_closed() -> None:
    transform = Transform(lambda x: {"y": x["t"].token_ids(3)})
    transform.fit(pa.table({"t": pa.array([["a", "b", "a"]])}))
    assert transform.feature_names == ("y[0]", "y[1]", "y[2]")
    new = pa.table({"t": pa.array([["new", None, "a", "b"], [None], None])})
    assert transform.transform(new).tolist() == [[1, 2, 3], [0, 0, 0], [0, 0, 0]]


def test_first_frames_are_the_frames_and_fill_behind_them() -> None:
    clip = Inputs({"clip": "audio"})["clip"].at_rate(RATE)
    samples = np.linspace(-0.5, 0.5, 50, dtype=np.float32)
    cut = clip.frames(10 / RATE, 10 / RATE)
    found = of_clips(cut.first_frames(3), [wav(samples), wav(samples[:10]), None])
    np.testing.assert_allclose(found[0], samples[:30], atol=1e-6)
    np.testing.assert_allclose(found[1, :10], samples[:10], atol=1e-6)
    assert np.isnan(found[1, 10:]).all()
    assert np.isnan(found[2]).all()
    filled = of_clips(cut.first_frames(3, -1), [wav(samples[:10]), None])
    assert (filled[0, 10:] == -1).all()
    assert np.isnan(filled[1]).all()


def test_blocks_lie_where_their_columns_are() -> None:
    rows = pa.table(
        {
            "n": [1.0, 2.0],
            "c": ["x", "y"],
            "t": ["good day", "bye"],
            "photo": pa.array([png(np.zeros((4, 4))), png(np.full((4, 4), 9))]),
        }
    )
    types = {"n": "float", "c": "string", "t": "string", "photo": "image", "clip": "audio"}
    x = Inputs(types)  # type: ignore[arg-type] # the names of column types

    features = {
        "n": x["n"].zscore(),
        "photo": x["photo"].resize(2, 3).pixels(),
        "c": x["c"].one_hot(),
        "course": x["clip"].mfcc(5).resample_time(4),
        "words": x["t"].tokens().token_ids(6),
        "mean": x["clip"].mfcc(5).summary("mean"),
        "first": x["clip"].mfcc(2).first_frames(3),
    }
    fitted = fit_nodes([feature.node for feature in features.values()], open_table(rows))
    notes = block_notes(list(features), fitted)
    names = [name for key, node in zip(features, fitted, strict=True) for name in column_names(node, key)]
    found = [Block(**{**entry, "shape": tuple(entry["shape"])}) for entry in json.loads(*notes.values())]
    assert [(block.kind, block.name, block.shape, block.size) for block in found] == [
        ("image", "photo", (2, 3, 3), 0),
        ("frames", "course", (4, 5), 0),
        ("tokens", "words", (6,), 5),
        ("frames", "first", (3, 2), 0),
    ]
    for block in found:
        own = names[block.start : block.stop]
        assert len(own) == np.prod(block.shape)
        assert all(name.startswith(block.name) for name in own)


def test_plain_features_have_no_blocks_and_say_nothing() -> None:
    graph = Transform(lambda x: {"n": x["n"].zscore()}).fit({"n": [1, 2]}).graph
    assert blocks_of(graph) == ()
    assert "tilth.blocks" not in graph.metadata


def test_the_training_graph_has_the_blocks_too() -> None:
    rows = {"t": ["a b", "b"] * 10, "c": ["x", "y"] * 10, "label": [0, 1] * 10}
    transform = Transform(lambda x: {"mean": x["c"].target_mean(), "t": x["t"].tokens().token_ids(2)})
    transform.fit(rows, "label")
    blocks = blocks_of(transform.graph)
    assert [block.start for block in blocks] == [1]
    assert blocks_of(Graph.from_bytes(transform.to_training_onnx())) == blocks


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda x: x["n"].token_ids(3), "needs a list of texts"),
        (lambda x: x["t"].tokens().token_ids(0), "token_ids"),
        (lambda x: x["t"].tokens().token_ids(10**7), "10,000,000 columns"),
        (lambda x: x["t"].tokens().token_ids(3, top=0), "token_ids"),
        (lambda x: x["clip"].first_frames(3), "needs numbers over time"),
        (lambda x: x["clip"].mfcc().first_frames(0), "first_frames"),
        (lambda x: x["clip"].mfcc().first_frames(1001), "1 to 1000 frames"),
        (lambda x: x["clip"].mfcc().first_frames(3, "loud"), "first_frames"),
    ],
)
def test_mistakes_are_told(wrong: object, words: str) -> None:
    x = Inputs({"n": "float", "t": "string", "clip": "audio"})
    with pytest.raises(FeatureError, match=words):
        wrong(x)  # type: ignore[operator]
