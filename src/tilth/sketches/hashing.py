"""64-bit hashes of words and texts: vectorized, the same on every machine and in every version."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Words", "are_doubles", "mix", "number_words", "text_places", "text_words"]

Words = npt.NDArray[np.uint64]

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_LONG = np.uint64(0x6A09E667F3BCC908)  # keeps long integers apart from the bits of doubles
_LARGEST_WHOLE = 1 << 53
_MASKS = np.array([0] + [(1 << 8 * n) - 1 for n in range(1, 9)], np.uint64)
_LONG_TEXT_BYTES = 1024
_ROWS_AT_ONCE = 1 << 13  # what is worked on stays in the processor's cache


def mix(words: Words) -> Words:
    """64-bit words scattered evenly, one to one: every bit of the result depends on every bit of the word.

    The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).

    Args:
        words: uint64, shape (n,).

    Example:
        >>> mix(np.array([0, 1], np.uint64))
        array([                  0, 6238072747940578789], dtype=uint64)
    """
    words = words ^ (words >> np.uint64(30))
    words *= _FIRST
    words ^= words >> np.uint64(27)
    words *= _SECOND
    words ^= words >> np.uint64(31)
    return words


def number_words(values: np.ndarray) -> Words:
    """A hash of each number; whole numbers have that of the double of the same value, if there is one.

    Args:
        values: float64 without NaN, or int64, shape (n,).

    Returns:
        (n,) uint64, uniform.

    Example:
        >>> number_words(np.array([-0.0, 1.0])) == number_words(np.array([0, 1]))
        array([ True,  True])
    """
    words = (values.astype(np.float64, copy=False) + 0.0).view(np.uint64)  # minus zero becomes zero
    if not are_doubles(values):
        words = np.where(_have_doubles(values), words, mix(values.view(np.uint64) ^ _LONG))
    words += _STEP
    return mix(words)


def are_doubles(values: np.ndarray) -> bool:
    """Whether every number is the value of some double, as all integers up to 2**53 are.

    Args:
        values: float64 or int64, shape (n,).

    Example:
        >>> are_doubles(np.array([2**53, 2**60])), are_doubles(np.array([2**53 + 1]))
        (True, False)
    """
    if values.dtype.kind != "i" or not len(values):
        return True
    within = values.min() >= -_LARGEST_WHOLE and values.max() <= _LARGEST_WHOLE
    return bool(within or _have_doubles(values).all())


def _have_doubles(values: np.ndarray) -> np.ndarray:
    numbers = values.astype(np.float64)
    inside = numbers < 2.0**63  # the greatest integers round up to what no int64 holds
    back = np.where(inside, numbers, 0.0).astype(np.int64)
    same: np.ndarray = inside & (back == values)
    return same


def text_words(array: pa.Array, seed: int = 0) -> Words:
    """A hash of each text or byte string, taken eight bytes at a time over all of them at once.

    Args:
        array: texts or bytes, with 32-bit or 64-bit offsets, shape (n,); a null has any hash.
        seed: another seed, other hashes.

    Returns:
        (n,) uint64, uniform.

    Example:
        >>> first, second, third = text_words(pa.array(["a", "b", "a"]))
        >>> first == third, first == second
        (np.True_, np.False_)
    """
    if not len(array):
        return np.empty(0, np.uint64)
    content, starts, lengths = text_places(array)
    padded = content if len(content) >= 8 else np.concatenate([content, np.zeros(8, np.uint8)])
    eights = np.ndarray((len(padded) - 7,), "<u8", padded.data, strides=(1,))
    start_word = _start_word(seed)
    words = np.empty(len(array), np.uint64)
    for begin in range(0, len(array), _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        words[rows] = _short_words(eights, starts[rows], lengths[rows], start_word)
    for row in np.flatnonzero(lengths > _LONG_TEXT_BYTES):
        text = content[starts[row] : starts[row] + lengths[row]].data
        digest = hashlib.blake2b(text, digest_size=8, key=str(seed).encode()[:64]).digest()
        words[row] = int.from_bytes(digest, "little")
    return words


def text_places(array: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bytes of all texts as they lie in memory, and where each text starts and how many bytes it has.

    Args:
        array: texts or bytes, with 32-bit or 64-bit offsets, shape (n,).

    Returns:
        Bytes (uint8), starts and lengths (int64, shape (n,)).

    Example:
        >>> text_places(pa.array(["a", "bc"]))[1:]
        (array([0, 1]), array([1, 2]))
    """
    wide = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, places, data = array.buffers()
    if not len(array) or places is None:
        return np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64)
    offsets = np.frombuffer(places, np.int64 if wide else np.int32)
    offsets = offsets[array.offset : array.offset + len(array) + 1].astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    content = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)[first:last]
    return content, offsets[:-1] - first, np.diff(offsets)


def _start_word(seed: int) -> np.uint64:
    digest = hashlib.blake2b(f"{seed}\0string\0text".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _short_words(eights: Words, starts: np.ndarray, lengths: np.ndarray, start_word: np.uint64) -> Words:
    """The hashes of texts of at most 1,024 bytes; longer ones are left for another way."""
    words = mix(lengths.astype(np.uint64) ^ start_word)
    active = np.arange(len(starts))
    for start in range(0, _LONG_TEXT_BYTES, 8):
        left = lengths[active] - start
        more = (left > 0) & (lengths[active] <= _LONG_TEXT_BYTES)
        if not more.all():
            active, left = active[more], left[more]
        if not len(active):
            break
        part = _eight_bytes(eights, starts[active] + start)
        if int(left.min()) < 8:
            part = part & _MASKS[np.minimum(left, 8)]
        words[active] = mix(words[active] ^ mix(part.astype(np.uint64) + start_word))
    return words


def _eight_bytes(eights: Words, places: np.ndarray) -> Words:
    """The eight bytes from each place on; zeros for those beyond the end."""
    if int(places[-1]) < len(eights):  # places ascend
        found: Words = eights[places]
        return found
    inside = np.minimum(places, len(eights) - 1)
    words: Words = eights[inside] >> ((places - inside) * 8).astype(np.uint64)
    return words
