"""The constants of spectra: windows, the discrete Fourier transform, mel bands, the cosine transform."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cosine_matrix", "fourier_matrix", "mel_frequencies", "mel_matrix"]

Matrix = npt.NDArray[np.float64]

# Slaney's Auditory Toolbox (1998): 200/3 Hz a mel below 1000 Hz, then 27 mels for each factor of 6.4.
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27


def fourier_matrix(window: int, size: int) -> Matrix:
    """What makes of a frame its spectrum: the window and the transform in one.

    Args:
        window: samples of a frame, w.
        size: points of the transform, N >= w; the frame is followed by zeros.

    Returns:
        Shape (2 (N // 2 + 1), w): h[t] cos(2 pi k t / N), then h[t] sin(2 pi k t / N), for each bin k, with
        the periodic Hann window h[t] = 0.5 - 0.5 cos(2 pi t / w).

    Example:
        >>> frame = np.array([0.0, 1.0, 2.0, -1.0])
        >>> real, imaginary = np.split(fourier_matrix(4, 8) @ frame, 2)
        >>> hann = np.array([0.0, 0.5, 1.0, 0.5])
        >>> np.allclose(real**2 + imaginary**2, np.abs(np.fft.rfft(hann * frame, 8)) ** 2)
        True
    """
    times = np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * times / window)
    # The product is reduced first, so that the angles of long windows lose no digits.
    turns = np.outer(np.arange(size // 2 + 1), times) % size / size
    return np.concatenate([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)]) * hann


def mel_frequencies(count: int, low_hz: float, high_hz: float) -> Matrix:
    """Frequencies that are equally far from each other on Slaney's mel scale.

    Args:
        count: how many, from `low_hz` to `high_hz`.
        low_hz: the first, in hertz.
        high_hz: the last, in hertz.

    Example:
        >>> mel_frequencies(4, 0, 4000).round(1).tolist()
        [0.0, 781.4, 1786.8, 4000.0]
    """
    low, high = _mel(np.array([low_hz, high_hz], dtype=np.float64))
    mels = np.linspace(low, high, count)
    hertz = np.where(
        mels < _BREAK_MEL, mels * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL))
    )
    hertz[[0, -1]] = low_hz, high_hz
    return hertz


def _mel(hertz: Matrix) -> Matrix:
    above = _BREAK_MEL + np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hertz < _BREAK_HZ, hertz / _LINEAR_HZ, above)


def mel_matrix(bands: int, rate: int, size: int, low_hz: float, high_hz: float) -> Matrix:
    """What makes of a power spectrum its mel bands.

    Band b is a triangle over the frequencies f[b], f[b + 1], f[b + 2] of bands + 2 that are equally far from
    each other on the mel scale, and has the area 1: its height is 2 / (f[b + 2] - f[b]).

    Args:
        bands: how many.
        rate: samples a second.
        size: points of the transform.
        low_hz: where the first band begins.
        high_hz: where the last band ends.

    Returns:
        Shape (bands, size // 2 + 1). A band that is narrower than the bins may have no bin at all.
    """
    edges = mel_frequencies(bands + 2, low_hz, high_hz)
    bins = np.arange(size // 2 + 1) * (rate / size)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - left) / (middle - left)
    falling = (right - bins) / (right - middle)
    heights: Matrix = np.maximum(0.0, np.minimum(rising, falling)) * (2 / (right - left))
    return heights


def cosine_matrix(count: int, inputs: int) -> Matrix:
    """The orthonormal DCT-II: y[k] = s[k] sum_i x[i] cos(pi k (2 i + 1) / (2 m)).

    s[k] is sqrt(2 / m), and s[0] is sqrt(1 / m).

    Args:
        count: how many coefficients, from k = 0.
        inputs: how many numbers go in, m.

    Returns:
        Shape (count, inputs).

    Example:
        >>> bool(np.allclose(cosine_matrix(8, 8) @ cosine_matrix(8, 8).T, np.eye(8)))
        True
    """
    angles = np.pi / (2 * inputs) * np.outer(np.arange(count), 2 * np.arange(inputs) + 1)
    found: Matrix = np.cos(angles) * np.sqrt(2 / inputs)
    found[0] = np.sqrt(1 / inputs)
    return found
