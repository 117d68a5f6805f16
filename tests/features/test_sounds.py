"""Features of recordings: as NumPy and SciPy compute them, and the same for one row as for many."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pytest
import scipy.fft
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform
from tilth.features.compiler import compile_columns, compile_features
from tilth.features.rules.spectra import mel_frequencies, mel_matrix
from tilth.inference import SAMPLE_RATES_KEY, Graph
from tilth.tables import decode_recording
from tilth.tables.audio import audio_statistics

Row = dict[str, np.ndarray]
Clip = Expression
RATE = 8000


def wav(samples: object, rate: int = RATE, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.asarray(samples), rate, format="WAV", subtype=subtype)
    return file.getvalue()


def noise(samples: int, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0, level, samples), -1, 1)


def clip(rate: int = RATE) -> Clip:
    return Inputs({"clip": "audio"})["clip"].at_rate(rate)


def graph_of(wanted: Mapping[str, Clip]) -> Graph:
    nodes = {name: expression.node for name, expression in wanted.items()}
    return Graph.from_bytes(compile_columns(nodes, {"clip": "audio"}))


def batch_of(recordings: Sequence[bytes | None]) -> pa.RecordBatch:
    return pa.record_batch({"clip": pa.array(recordings, pa.large_binary())})


def rows_of(graph: Graph, recordings: Sequence[bytes | None]) -> list[Row]:
    found: dict[int, Row] = {}
    for rows, outputs in graph.run_groups(batch_of(recordings)):
        for place, row in enumerate(rows):
            found[int(row)] = {name: values[place] for name, values in outputs.items()}
    return [found[row] for row in range(len(recordings))]


def one(expression: Clip, recording: bytes | None) -> np.ndarray:
    return rows_of(graph_of({"out": expression}), [recording])[0]["out"]


def framed(x: np.ndarray, window: int, step: int) -> np.ndarray:
    count = 1 + -(-max(0, len(x) - window) // step)
    padded = np.pad(x, (0, (count - 1) * step + window - len(x)))
    return np.stack([padded[start : start + window] for start in range(0, count * step, step)])


def power_of(x: np.ndarray, window: int, step: int, size: int) -> np.ndarray:
    hann = scipy.signal.get_window("hann", window)  # periodic, as librosa has it
    found: np.ndarray = np.abs(np.fft.rfft(framed(x, window, step) * hann, size)) ** 2
    return found


def decibels(power: np.ndarray) -> np.ndarray:
    found: np.ndarray = 10 * np.log10(np.maximum(power, 1e-10))
    return found


def mel_of(power: np.ndarray, bands: int, rate: int, low: float, high: float) -> np.ndarray:
    edges = mel_frequencies(bands + 2, low, high)
    bins = np.arange(power.shape[1]) * rate / (2 * (power.shape[1] - 1))
    bank = [np.interp(bins, edges[b : b + 3], [0, 2 / (edges[b + 2] - edges[b]), 0]) for b in range(bands)]
    found: np.ndarray = power @ np.array(bank).T
    return found


ALL = {
    "rms": clip().normalize_volume(),
    "peak": clip().normalize_volume(-3, "peak"),
    "emphasis": clip().pre_emphasis(),
    "frames": clip().frames(0.02, 0.015),
    "spectrogram": clip().spectrogram(),
    "power": clip().spectrogram(0.03, 0.05, log=False),
    "mel": clip().mel_spectrogram(),
    "mfcc": clip().mfcc(),
    "deltas": clip().mfcc().deltas(),
    "summary": clip().mfcc().summary(),
    "short": clip().mel_spectrogram(1, log=False).summary("std"),
    "course": clip().normalize_volume().mfcc().resample_time(5),
    "volume": clip().volume(),
    "duration": clip().duration(),
    "silence": clip().silence_share(),
    "crossings": clip().zero_crossings(),
}


@pytest.fixture(scope="module")
def everything() -> Graph:
    return graph_of(ALL)


def test_the_mel_scale_is_slaneys() -> None:
    # The example of librosa's documentation of mel_frequencies(n_mels=40).
    known = [0.0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855, 853.173]
    known += [938.49, 1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532, 1897.337, 2071.84]
    known += [2262.393, 2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643, 4188.417, 4573.636]
    known += [
        4994.285,
        5453.621,
        5955.205,
        6502.92,
        7101.009,
        7754.107,
        8467.272,
        9246.028,
        10096.408,
        11025.0,
    ]
    np.testing.assert_allclose(mel_frequencies(40, 0, 11025), known, atol=5e-4)
    # What librosa.filters.mel(sr=22050, n_fft=2048) is known to begin with.
    weights = mel_matrix(128, 22_050, 2048, 0, 11_025)
    first = [0.0, 0.016182853208219942, 0.032365706416439884, 0.028990088037379964, 0.012807234829160026, 0.0]
    np.testing.assert_allclose(weights[0, :6], first, atol=1e-9)
    second = [0.0, 0.0, 0.0, 0.009779235793639925, 0.025962089001859864, 0.035393705451959974]
    np.testing.assert_allclose(weights[1, :6], second, atol=1e-9)


@settings(max_examples=25)
@given(
    st.integers(1, 3000),
    st.integers(0, 100),
    st.sampled_from([(0.025, 0.010), (0.02, 0.02), (0.01, 0.017), (0.0331, 0.0077)]),
)
def test_spectra_are_those_of_numpy_and_scipy(samples: int, seed: int, shape: tuple[float, float]) -> None:
    x = noise(samples, seed)
    window, step = (round(seconds * RATE) for seconds in shape)
    size = 2 ** int(np.ceil(np.log2(window)))
    graph = graph_of(
        {
            "frames": clip().frames(*shape),
            "power": clip().spectrogram(*shape, log=False),
            "spectrogram": clip().spectrogram(*shape),
            "mel": clip().mel_spectrogram(20, *shape, low_hz=100, high_hz=3500),
            "mfcc": clip().mfcc(13, 20, *shape),
        }
    )
    recording = wav(x, subtype="FLOAT")
    (found,) = rows_of(graph, [recording])
    x = x.astype(np.float32).astype(np.float64)
    power = power_of(x, window, step, size)
    np.testing.assert_array_equal(found["frames"], framed(x, window, step))
    np.testing.assert_allclose(found["power"], power, rtol=1e-3, atol=1e-6 * power.max())
    loud = power > 1e-6 * power.max()
    np.testing.assert_allclose(found["spectrogram"][loud], decibels(power)[loud], atol=0.01)
    bands = decibels(mel_of(power, 20, RATE, 100, 3500))
    np.testing.assert_allclose(found["mel"], bands, atol=0.01)
    levels = decibels(mel_of(power, 20, RATE, 0, RATE / 2))
    cepstrum = scipy.fft.dct(levels, type=2, norm="ortho", axis=1)[:, :13]
    np.testing.assert_allclose(found["mfcc"], cepstrum, atol=0.02)


def test_a_tone_is_where_it_belongs() -> None:
    x = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    found = one(clip().spectrogram(0.032, 0.016, log=False), wav(x))
    assert found.shape == (62, 129)
    middle = found[10:50]
    assert (middle.argmax(axis=1) == 1000 * 256 / RATE).all()
    # Of a tone of amplitude a the window of w samples leaves (a w / 4)^2.
    np.testing.assert_allclose(middle.max(axis=1), (0.5 * 256 / 4) ** 2, rtol=1e-3)
    assert one(clip().zero_crossings(), wav(x)) == pytest.approx([2000], abs=2)


@pytest.mark.parametrize("samples", [1, 2, 3, 79, 80, 81, 5000])
def test_sounds_are_changed_as_numpy_would(samples: int) -> None:
    x = np.round(noise(samples) * 32_768) / 32_768
    graph = graph_of(
        {
            "rms": clip().normalize_volume(-26),
            "peak": clip().normalize_volume(-6, by="peak"),
            "emphasis": clip().pre_emphasis(0.9),
            "crossings": clip().zero_crossings(),
            "duration": clip().duration(),
        }
    )
    (found,) = rows_of(graph, [wav(x)])
    np.testing.assert_allclose(found["rms"], x * 10 ** (-26 / 20) / np.sqrt(np.mean(x**2)), rtol=1e-5)
    np.testing.assert_allclose(found["peak"], x * 10 ** (-6 / 20) / np.abs(x).max(), rtol=1e-5)
    np.testing.assert_allclose(found["emphasis"], scipy.signal.lfilter([1, -0.9], [1], x), atol=1e-7)
    crossings = np.count_nonzero(np.diff(x < 0))
    assert found["crossings"] == pytest.approx([crossings / (samples / RATE)])
    assert found["duration"] == [samples / RATE]


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 4321])
@pytest.mark.parametrize("kind", ["noise", "soft", "silence", "half", "edge"])
def test_volume_and_silence_are_those_of_a_profile(samples: int, kind: str) -> None:
    x = {
        "noise": noise(samples),
        "soft": noise(samples, level=0.001),
        "silence": np.zeros(samples),
        "half": noise(samples) * (np.arange(samples) < samples // 2),
        "edge": np.full(samples, 33 / 32_768),  # 0.0010071 of full scale, -59.94 dB
    }[kind]
    content = wav(x)
    known = audio_statistics(content)
    assert known is not None
    found = rows_of(graph_of({"volume": clip().volume(), "silence": clip().silence_share()}), [content])[0]
    assert found["silence"].tolist() == [known.silence]
    assert (np.isnan(found["volume"][0])) == (known.volume is None)
    if known.volume is not None:
        assert found["volume"] == pytest.approx([known.volume], abs=2e-6)


@pytest.mark.parametrize("samples", [1, 2, 1000])
def test_another_runtime_computes_the_same(samples: int) -> None:
    from onnx.reference import ReferenceEvaluator

    numbers = {name: each for name, each in ALL.items() if each.kind in ("number", "vector")}
    numbers["framed"] = clip().normalize_volume().pre_emphasis().frames(0.02, 0.015).summary("max", "std")
    numbers["changed"] = clip().normalize_volume(-3, "peak").mfcc().deltas().resample_time(3)
    nodes = [each.node for each in numbers.values()]
    model = onnx.load_from_string(compile_features(nodes, list(numbers), {"clip": "audio"}))
    onnx.checker.check_model(model, full_check=True)
    x = noise(samples).astype(np.float32)
    (found,) = ReferenceEvaluator(model).run(None, {"clip": x[None]})
    ours = Graph.from_bytes(model.SerializeToString()).run_batch(batch_of([wav(x, subtype="FLOAT")]))
    np.testing.assert_allclose(ours["features"], found, rtol=1e-4, atol=1e-3)


def test_digital_silence_has_a_floor(everything: Graph) -> None:
    (found,) = rows_of(everything, [wav(np.zeros(2000))])
    assert (found["spectrogram"] == -100).all()
    assert (found["mel"] == -100).all()
    assert (found["power"] == 0).all()
    np.testing.assert_allclose(found["mfcc"][:, 0], -100 * np.sqrt(40), rtol=1e-6)
    np.testing.assert_allclose(found["mfcc"][:, 1:], 0, atol=1e-4)
    assert (found["rms"] == 0).all()
    assert (found["peak"] == 0).all()
    assert np.isnan(found["volume"]).all()
    assert (found["silence"].tolist(), found["crossings"].tolist()) == ([1.0], [0.0])


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from([1, 50, 200, 1000, 1001, 1600]), st.integers(0, 9)), min_size=1, max_size=9
    )
)
def test_one_row_is_as_in_bulk_to_the_last_bit(everything: Graph, shapes: list[tuple[int, int]]) -> None:
    recordings: list[bytes | None] = [wav(noise(samples, seed)) for samples, seed in shapes]
    recordings[len(recordings) // 2] = None
    bulk = rows_of(everything, recordings)
    for recording, row in zip(recordings, bulk, strict=True):
        (alone,) = rows_of(everything, [recording])
        for name, values in row.items():
            np.testing.assert_array_equal(alone[name], values, err_msg=name)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no recording",
        wav(noise(100))[:-10],
        wav(np.zeros(0)),
        wav([0.1, np.nan, 0.1], subtype="FLOAT"),
        wav([0.1, np.inf], subtype="FLOAT"),
        wav([1e7], subtype="FLOAT"),
        wav(np.zeros(100 * 601), rate=100, subtype="PCM_U8"),
    ],
    ids=["none", "no bytes", "text", "cut", "empty", "nan", "infinite", "huge", "longer than 600 s"],
)
def test_what_is_no_recording_is_missing_everywhere(everything: Graph, content: bytes | None) -> None:
    good = wav(noise(1), 5)
    for row in (rows_of(everything, [content])[0], rows_of(everything, [good, content, good])[1]):
        for name, values in row.items():
            assert values.size, name
            assert np.isnan(values).all(), name
    assert one(clip().duration().is_missing(), content) == [1.0]


def test_no_rows_give_no_rows() -> None:
    transform = Transform(lambda x: {"a": x["clip"].mfcc().summary(), "b": x["clip"].volume()})
    transform.fit(batch_of([wav(noise(500)), None]))
    assert transform.transform(batch_of([])).shape == (0, 53)


def test_stereo_is_mixed_and_other_rates_are_resampled() -> None:
    left, right = noise(4000, 1), noise(4000, 2)
    mono = one(clip().frames(), wav((left + right) / 2, subtype="FLOAT"))
    both = one(clip().frames(), wav(np.stack([left, right], axis=1), subtype="FLOAT"))
    np.testing.assert_allclose(both, mono, atol=1e-7)
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100) * 0.5
    for rate in (8000, 16_000, 11_025):
        (found,) = rows_of(
            graph_of(
                {"d": clip(rate).duration(), "v": clip(rate).volume(), "z": clip(rate).zero_crossings()}
            ),
            [wav(tone, 44_100)],
        )
        assert found["d"] == pytest.approx([1.0], abs=1 / rate)
        assert found["v"] == pytest.approx([-9.03], abs=0.02)
        assert found["z"] == pytest.approx([880], abs=3)


def test_the_rate_is_part_of_the_graph() -> None:
    x = Inputs({"clip": "audio", "other": "audio", "n": "int"})
    nodes = {"a": x["clip"].at_rate(8000).volume().node, "b": x["other"].volume().node, "c": x["n"].node}
    graph = Graph.from_bytes(compile_columns(nodes, {"clip": "audio", "other": "audio", "n": "int"}))
    assert json.loads(graph.metadata[SAMPLE_RATES_KEY]) == {"clip": 8000, "other": 16_000}
    plain = Graph.from_bytes(compile_columns({"c": nodes["c"]}, {"n": "int"}))
    assert SAMPLE_RATES_KEY not in plain.metadata


def test_deltas_are_the_slope_of_a_line() -> None:
    graph = graph_of({"mfcc": clip().mfcc(), "d": clip().mfcc().deltas(), "d3": clip().mfcc().deltas(3)})
    for samples in (10, 1500, 8000):
        (found,) = rows_of(graph, [wav(noise(samples))])
        coefficients = found["mfcc"].astype(np.float64)
        for name, width in (("d", 9), ("d3", 3)):
            padded = np.pad(coefficients, ((width, width), (0, 0)), mode="edge")
            slopes = scipy.signal.savgol_filter(padded, width, 1, deriv=1, axis=0)[width:-width]
            np.testing.assert_allclose(found[name], slopes, atol=1e-4)


def test_frames_become_a_fixed_number_of_numbers() -> None:
    graph = graph_of(
        {
            "mfcc": clip().mfcc(),
            "summary": clip().mfcc().summary(),
            "some": clip().mfcc().summary("max", "mean"),
            **{f"{steps}": clip().mfcc().resample_time(steps) for steps in (1, 2, 7, 200)},
        }
    )
    for samples in (10, 500, 4001):
        (found,) = rows_of(graph, [wav(noise(samples))])
        c = found["mfcc"].astype(np.float64)
        mean, std, low, high = c.mean(axis=0), c.std(axis=0), c.min(axis=0), c.max(axis=0)
        np.testing.assert_allclose(found["summary"], np.concatenate([mean, std, low, high]), atol=1e-9)
        np.testing.assert_allclose(found["some"], np.concatenate([high, mean]), atol=1e-9)
        for steps in (1, 2, 7, 200):
            at = np.linspace(0, len(c) - 1, steps) if steps > 1 else np.array([(len(c) - 1) / 2])
            known = [np.interp(at, np.arange(len(c)), column) for column in c.T]
            np.testing.assert_allclose(found[f"{steps}"], np.stack(known, axis=1).ravel(), atol=1e-9)


def test_features_have_names_and_numbers_of_recordings_can_be_fitted() -> None:
    def features(x: Inputs) -> dict[str, Expression]:
        clip = x["clip"].at_rate(8000)
        return {
            "loudness": clip.volume().fill_missing("mean").zscore(),
            "voice": clip.mfcc(2, 4).summary("mean", "std"),
            "course": clip.mfcc(2, 4).resample_time(2),
        }

    levels = [0.3, 0.1, 0.02, 0.003]
    recordings = [wav(noise(900 + n, n, level)) for n, level in enumerate(levels)]
    rows = batch_of([*recordings, None, wav(np.zeros(100))])
    transform = Transform(features).fit(rows)
    assert transform.feature_names == (
        "loudness",
        *("voice=mean 0", "voice=mean 1", "voice=std 0", "voice=std 1"),
        *("course=0 at 0", "course=1 at 0", "course=0 at 1", "course=1 at 1"),
    )
    found = transform.transform(rows)
    assert found.dtype == np.float32
    assert found[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert found[[4, 5], 0].tolist() == [0.0, 0.0]  # the mean stands for what has no volume
    assert np.isnan(found[4, 1:]).all()
    assert np.isfinite(found[[0, 1, 2, 3, 5]]).all()
    shuffled = pa.Table.from_batches([rows]).take([5, 3, 1, 4, 0, 2])
    assert Transform(features).fit(shuffled).to_onnx() == transform.to_onnx()


X: Any = Inputs({"clip": "audio", "age": "int", "photo": "image"})

REFUSED: list[tuple[Any, str]] = [
    (X["age"].mfcc, 'x["age"].mfcc() needs a recording, and x["age"] is an integer'),
    (X["photo"].volume, 'x["photo"].volume() needs a recording, and x["photo"] is an image'),
    (X["clip"].summary, 'x["clip"].summary() needs numbers over time'),
    (X["clip"].deltas, "make frames of it first"),
    (lambda: X["clip"].mfcc().volume(), "needs a recording"),
    (lambda: X["clip"].pre_emphasis().at_rate(8000), "comes too late"),
    (lambda: X["clip"].at_rate(8000).at_rate(8000), "comes too late"),
    (lambda: X["clip"].at_rate(0), "at_rate got 0"),
    (lambda: X["clip"].at_rate(8000.5), "at_rate got 8000.5"),
    (lambda: X["clip"].at_rate(1_000_000), "100 to 192000 samples a second"),
    (lambda: X["clip"].normalize_volume(by="mean"), '"rms" or "peak"'),
    (lambda: X["clip"].normalize_volume(float("nan")), "a finite number"),
    (lambda: X["clip"].spectrogram(25, 10), "frames of 400,000 samples"),
    (lambda: X["clip"].frames(0.01, 0), "one every 0"),
    (lambda: X["clip"].mel_spectrogram(0), "at least 1"),
    (lambda: X["clip"].mel_spectrogram(1000), "at most 257, the bins of a spectrum"),
    (lambda: X["clip"].mel_spectrogram(high_hz=9000), "<= 8000, half the sample rate"),
    (lambda: X["clip"].mel_spectrogram(low_hz=500, high_hz=400), "low_hz < high_hz"),
    (lambda: X["clip"].mfcc(50), "at most as many as there are bands: 40"),
    (lambda: X["clip"].mfcc().deltas(4), "an odd number of frames"),
    (lambda: X["clip"].mfcc().summary("median"), "some of mean, std, min, max, each once"),
    (lambda: X["clip"].mfcc().summary("mean", "mean"), "each once"),
    (lambda: X["clip"].mfcc().resample_time(0), "at least 1"),
    (lambda: X["clip"].mfcc() + 1, "with .summary() or .resample_time(10)"),
    (lambda: X["clip"] * 2, "such as .volume(), .duration() or .mfcc().summary()"),
]


@pytest.mark.parametrize(("written", "words"), REFUSED)
def test_mistakes_are_told_where_they_are(written: Any, words: str) -> None:
    with pytest.raises(FeatureError) as caught:
        written()
    assert words in str(caught.value)
    assert caught.value.where
    assert caught.value.where.startswith("test_sounds.py, line ")


def test_a_column_has_one_rate() -> None:
    def features(x: Inputs) -> dict[str, Expression]:
        return {"a": x["clip"].at_rate(8000).volume(), "b": x["clip"].mfcc().summary()}

    with pytest.raises(
        FeatureError, match=r'x\["clip"\] has two sample rates: 8000 in .*, 16000 in'
    ) as caught:
        Transform(features).fit(batch_of([wav(noise(100))]))
    assert "at_rate(8000) wherever" in str(caught.value)


def test_a_recording_itself_is_no_feature() -> None:
    with pytest.raises(FeatureError, match="is a recording, and a model takes numbers"):
        Transform(lambda x: {"a": x["clip"]}).fit(batch_of([wav(noise(100))]))
    with pytest.raises(FeatureError, match="is numbers over time, and a model takes numbers"):
        Transform(lambda x: {"a": x["clip"].mfcc()}).fit(batch_of([wav(noise(100))]))


def test_long_recordings_are_refused_before_they_are_decoded_whole() -> None:
    assert decode_recording(wav(np.zeros(60_000), rate=100, subtype="PCM_U8"), 100) is not None
    assert decode_recording(wav(np.zeros(60_001), rate=100, subtype="PCM_U8"), 100) is None


def test_rows_of_one_length_are_computed_a_few_at_a_time() -> None:
    recordings = [wav(noise(100_000, seed)) for seed in range(5)]
    graph = graph_of({"out": clip().volume()})
    taken = [rows.tolist() for rows, _ in graph.run_groups(batch_of(recordings))]
    assert taken == [[0, 1], [2, 3], [4]]
