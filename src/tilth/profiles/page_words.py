"""The most frequent words of a text column, in any language that parts words by white space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilth.profiles.page_figures import Label, label, share

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile

__all__ = ["frequent_words"]

_MOST_BYTES = 1 << 22
_EDGES = r"^[\p{P}\p{S}]+|[\p{P}\p{S}]+$"


def frequent_words(column: ColumnProfile, k: int) -> tuple[tuple[Label, str], ...]:
    """The `k` words in most texts, with the share of the texts that have them; none unless one word repeats.

    In lower case and without punctuation at their ends. Of the texts that are kept; of more than 4 MiB of
    them every second, third, ... in alphabetical order, so many times as that takes.

    Example:
        >>> from tilth.profiles import profile
        >>> column = profile({"x": ["Red car.", "a red bus", "red, red!"]}).columns["x"]
        >>> [(word.text, part) for word, part in frequent_words(column, 1)]
        [('red', '100%')]
    """
    if column.texts is None:
        return ()
    import pyarrow as pa
    import pyarrow.compute as pc

    texts, counts = column.texts.counts.table()
    size = pc.sum(pc.binary_length(texts)).as_py() or 0
    every = int(size // _MOST_BYTES) + 1
    texts, counts = texts.take(pa.array(np.arange(0, len(texts), every))), counts[::every]
    split = pc.utf8_split_whitespace(pc.utf8_lower(texts))
    owners = pc.list_parent_indices(split)
    words = pc.replace_substring_regex(pc.list_flatten(split), _EDGES, "")
    pairs = pa.table({"text": owners, "word": words}).filter(pc.not_equal(words, ""))
    pairs = pairs.group_by(["text", "word"], use_threads=False).aggregate([])
    table = pa.table({"word": pairs["word"], "count": counts[pairs["text"].to_numpy()]})
    found = table.group_by("word", use_threads=False).aggregate([("count", "sum")])
    found = found.sort_by([("count_sum", "descending"), ("word", "ascending")]).slice(0, k)
    total = int(counts.sum())
    lines = zip(found["word"].to_pylist(), found["count_sum"].to_pylist(), strict=True)
    return tuple((label(word, 32), share(count, total)) for word, count in lines if count > 1)
