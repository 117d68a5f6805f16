"""Statistics of recordings: right figures for every encoding, and no exception whatever the bytes are."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tilth.tables.audio import AudioStatistics, audio_statistics
from tilth.tables.media import media_format, media_type

UNREADABLE = AudioStatistics(readable=False)
RATE = 16_000
SINE = 0.5 * np.sin(np.arange(RATE) * 0.05)
ENCODINGS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "PCM_32"),
    ("WAV", "FLOAT"),
    ("WAV", "DOUBLE"),
    ("WAV", "ULAW"),
    ("WAV", "ALAW"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]


def encoded(samples: np.ndarray, form: str = "WAV", encoding: str = "PCM_16", rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=encoding)
    return file.getvalue()


def found(content: bytes) -> AudioStatistics:
    statistics = audio_statistics(content)
    assert statistics is not None
    return statistics


def with_data_size(content: bytes, size: int) -> bytes:
    """A WAV file whose header says another number of bytes of samples."""
    start = content.index(b"data") + 4
    return content[:start] + struct.pack("<I", size) + content[start + 4 :]


def with_flac_samples(content: bytes, samples: int) -> bytes:
    """A FLAC file whose header says another number of samples."""
    fields = int.from_bytes(content[18:26], "big") >> 36 << 36 | samples
    return content[:18] + fields.to_bytes(8, "big") + content[26:]


@pytest.mark.parametrize(("form", "encoding"), ENCODINGS)
def test_encodings(form: str, encoding: str) -> None:
    content = encoded(SINE, form, encoding)
    statistics = found(content)
    assert media_type(content[:32]) == "audio"
    assert (
        statistics.format == media_format(content) == {"WAVEX": "wav", "RF64": "wav"}.get(form, form.lower())
    )
    assert statistics.readable
    assert (statistics.duration, statistics.sample_rate, statistics.channels) == (1.0, RATE, 1)
    assert statistics.volume == pytest.approx(20 * math.log10(0.5) - 3.0103, abs=0.05)
    assert statistics.silence == 0.0
    assert statistics.clipping == pytest.approx(0.0, abs=0.001)


@given(
    hnp.arrays(np.int32, st.tuples(st.integers(1, 700), st.integers(1, 3))),
    st.sampled_from(
        [("WAV", "PCM_16", 16), ("WAV", "PCM_24", 8), ("WAV", "PCM_32", 0), ("FLAC", "PCM_24", 8)]
    ),
    st.sampled_from([0, 1, 8, 30]),
)
def test_the_figures_are_those_of_plain_arithmetic(
    samples: np.ndarray, encoding: tuple[str, str, int], quieter: int
) -> None:
    form, subtype, dropped = encoding
    samples = (samples >> quieter) >> dropped << dropped
    statistics = found(encoded(samples, form, subtype, 8000))
    values = [[int(x) for x in frame] for frame in samples]
    flat = [x for frame in values for x in frame]
    energy = sum(x * x for x in flat)
    if energy:
        assert statistics.volume == pytest.approx(10 * math.log10(energy / len(flat) / 2**62), abs=1e-6)
    else:
        assert statistics.volume is None
    windows = [
        [x for frame in values[start : start + 160] for x in frame] for start in range(0, len(values), 160)
    ]
    silent = sum(sum(x * x for x in window) < 1e-6 * len(window) * 2**62 for window in windows)
    assert statistics.silence == silent / len(windows)
    assert statistics.clipping == sum(abs(x) >= 0.999 * 2**31 for x in flat) / len(flat)


def test_integers_and_floats_agree() -> None:
    samples = np.random.default_rng(0).integers(-(2**23), 2**23, (5000, 2)) / 2**23
    whole, floating = found(encoded(samples, "WAV", "PCM_24")), found(encoded(samples, "WAV", "DOUBLE"))
    assert whole == floating


def test_a_long_recording_is_that_of_its_blocks() -> None:
    samples = np.concatenate([np.zeros(150_000), np.full(150_000, 0.25)])
    statistics = found(encoded(samples, "FLAC", "PCM_16", 50_000))
    assert (statistics.duration, statistics.silence) == (6.0, 0.5)
    assert statistics.volume == pytest.approx(10 * math.log10(0.25**2 / 2), abs=1e-6)


def test_the_scale() -> None:
    square = np.tile([1.0, -1.0], 100)
    assert found(encoded(square, "WAV", "FLOAT")).volume == 0.0
    assert found(encoded(np.sin(np.arange(16_000) * 0.25), "WAV", "FLOAT")).volume == pytest.approx(
        -3.01, abs=0.01
    )
    assert found(encoded(square * 10, "WAV", "FLOAT")).volume == 20.0


@pytest.mark.parametrize(("level", "silent"), [(0.00099, 1.0), (0.00101, 0.0)])
def test_where_silence_begins(level: float, silent: float) -> None:
    assert found(encoded(np.full(RATE, level), "WAV", "PCM_24")).silence == silent


@pytest.mark.parametrize(("form", "encoding"), ENCODINGS[:-3])
def test_clipping(form: str, encoding: str) -> None:
    samples = np.concatenate([np.full(500, 1.0), np.full(500, -1.0), np.full(3000, 0.5)])
    assert found(encoded(samples, form, encoding)).clipping == pytest.approx(0.25, abs=0.001)


def test_what_is_undefined_is_none() -> None:
    silent = found(encoded(np.zeros(100)))
    assert (silent.volume, silent.silence, silent.clipping) == (None, 1.0, 0.0)
    empty = found(encoded(np.zeros(0)))
    assert empty == AudioStatistics(True, "wav", 0.0, RATE, 1)
    for value in (np.nan, np.inf, 1e300):
        broken = found(encoded(np.array([value, 0.5]), "WAV", "DOUBLE"))
        assert (broken.readable, broken.volume, broken.silence, broken.clipping) == (True, None, None, None)


@pytest.mark.parametrize(("form", "encoding"), [e for e in ENCODINGS if e[0] not in ("MP3", "OGG")])
def test_files_cut_short_are_unreadable(form: str, encoding: str) -> None:
    content = encoded(SINE, form, encoding)
    for kept in (len(content) - 8, len(content) // 2, 50, 12, 0):
        assert audio_statistics(content[:kept]) == UNREADABLE


def test_lengths_that_are_claimed() -> None:
    content = encoded(SINE)
    assert audio_statistics(with_data_size(content, 4_000_000_000)) == UNREADABLE
    assert audio_statistics(with_data_size(content, 2 * RATE + 2)) == UNREADABLE
    large = encoded(SINE, "RF64")
    start = large.index(b"ds64") + 16
    assert audio_statistics(large[:start] + struct.pack("<Q", 10**10) + large[start + 8 :]) == UNREADABLE
    # Written to a pipe: the program could not know how much would come.
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024):
        assert audio_statistics(with_data_size(content, size)) == audio_statistics(content)


def test_lengths_that_are_claimed_of_flac() -> None:
    content = encoded(SINE, "FLAC")
    assert audio_statistics(with_flac_samples(content, 0)) == audio_statistics(content)
    assert audio_statistics(with_flac_samples(content, RATE + 1)) == UNREADABLE
    assert audio_statistics(with_flac_samples(content, 2**36 - 1)) == UNREADABLE


def test_a_recording_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.audio.MAX_SAMPLES", 200_000)
    assert audio_statistics(encoded(np.zeros(200_001), "FLAC")) == UNREADABLE
    assert found(encoded(np.zeros(200_000), "FLAC")).readable


@pytest.mark.parametrize("rate", [1, 49, 192_000, 2**31 - 1])
def test_rates_of_all_kinds(rate: int) -> None:
    statistics = found(encoded(np.full((1000, 4), 0.5), rate=rate))
    assert statistics.duration == pytest.approx(1000 / rate)
    assert statistics.volume == pytest.approx(-6.0206, abs=0.001)


@pytest.mark.parametrize(("form", "encoding"), [e for e in ENCODINGS if e[0] != "MP3"])
def test_damage_never_raises(form: str, encoding: str) -> None:
    content = encoded(SINE[:2000], form, encoding)
    random = np.random.default_rng(3)
    for _ in range(60):
        damaged = bytearray(content)
        for position in random.integers(0, len(content), random.integers(1, 10)):
            damaged[position] = random.integers(0, 256)
        statistics = found(bytes(damaged))
        assert statistics.readable or statistics == UNREADABLE


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"text", b"RIFF\0\0\0\0WAVE" + bytes(9999)]
)
def test_what_is_no_recording(content: bytes) -> None:
    assert audio_statistics(content) == UNREADABLE
    assert audio_statistics(None) is None


def test_spoken_digits(shared_data: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(shared_data("fsdd-four-speakers/recordings.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".wav")][:40]
        contents = [archive.read(name) for name in names]
    for content in contents:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float64")
        statistics = found(content)
        assert (statistics.sample_rate, statistics.channels) == (rate, 1)
        assert statistics.duration == len(samples) / rate
        assert statistics.volume == pytest.approx(10 * math.log10(np.mean(samples**2)), abs=1e-6)
