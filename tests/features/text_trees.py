"""Random expressions on texts and lists as trees, each built as a feature and computed in plain Python.

A text is a str or None, a list has no missing items, and a number is a float or None.
"""

from __future__ import annotations

import math
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from tilth.features import Expression, Inputs, cross, where

Tree = tuple[Any, ...]
Row = dict[str, Any]

TYPES = {
    "s": pa.string(),
    "t": pa.string(),
    "n": pa.int64(),
    "w": pa.list_(pa.string()),
    "l": pa.list_(pa.float64()),
}

LETTERS = st.sampled_from(list("aBcÄß .,_7\n\t\0\u00a0\u3000éи中\U0001f600e\u0301+*[]İ"))
WORDS = ["a", "B", "ü", "c d", "\U0001f600", "a\0", " x ", "42", "ß"]
item = st.none() | st.sampled_from([*WORDS, "", " "])
quarter = st.none() | st.integers(-8, 8).map(lambda n: n / 4)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "s": st.none() | st.sampled_from(["", *WORDS]),
            "t": st.none() | st.text(LETTERS, max_size=14) | st.lists(st.sampled_from(WORDS)).map(" ".join),
            "n": st.none() | st.integers(-2, 2),
            "w": st.none() | st.lists(item, max_size=9),
            "l": st.none() | st.lists(quarter, max_size=9),
        }
    ),
    min_size=1,
    max_size=9,
)

# The longest match is the first one in all of them, so RE2 in the graph and `re` agree.
PATTERNS = [r"[a-zA-Z]+", r"\d+", r"B.", r"[éи中]", r"(?s)a.?"]
pattern = st.sampled_from(PATTERNS)
place = st.integers(-3, 3)
some_texts = st.lists(st.sampled_from([*WORDS, "b", "x", "ä"]), min_size=1, max_size=4, unique=True)
buckets = st.sampled_from([1, 7, 2**31])
seed = st.sampled_from([0, 2**31 - 1])
top = st.sampled_from([None, 1, 3])


def _grow(texts: st.SearchStrategy[Tree], lists: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Texts made of texts and lists."""
    return (
        st.tuples(st.sampled_from(["lower", "upper", "strip"]), texts)
        | st.tuples(st.just("extract"), texts, pattern)
        | st.tuples(st.sampled_from(["fill", "fill_mode"]), texts)
        | st.tuples(st.just("cross"), texts, texts)
        | st.tuples(st.just("where"), texts, texts)
        | st.tuples(st.just("get"), lists, place)
    )


def _lists_of(texts: st.SearchStrategy[Tree], own: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Lists made of texts, or of lists of the table's own."""
    made = (
        own
        | st.tuples(st.sampled_from(["tokens", "split"]), texts)
        | st.tuples(st.just("tokens_of"), texts, pattern)
        | st.tuples(st.just("split_at"), texts, st.sampled_from([" ", "a", ". ", "\0"]))
    )
    return made | st.tuples(st.sampled_from(["lower", "upper", "strip"]), made)


def _ngrams(lists: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    sizes = st.sampled_from([(1, 1), (2, 2), (1, 2), (2, 3)])
    return st.tuples(st.just("ngrams"), lists, sizes, st.sampled_from([" ", "", "-"]))


def _features(own: st.SearchStrategy[Tree], more: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Features of texts, of lists `own` of texts and `more` of numbers; deferred to keep their repr short."""
    columns = st.sampled_from([("column", "s"), ("column", "t")])
    simple = st.deferred(lambda: columns | _grow(columns, _lists_of(columns, own)))
    texts = st.deferred(lambda: simple | _grow(simple, _lists_of(simple, own)))
    lists = st.deferred(lambda: _lists_of(simple, own) | _ngrams(_lists_of(columns, own)))
    default, shared = st.sampled_from([-1, 7]), st.sampled_from([0, 3])
    codes = st.deferred(
        lambda: (
            more
            | st.tuples(st.just("values"), lists, some_texts, default, shared)
            | st.tuples(st.just("ranks"), lists, top, default, shared)
            | st.tuples(st.just("hash"), lists, buckets, seed)
        )
    )
    numbers = st.deferred(lambda: codes | st.tuples(st.sampled_from(["center", "zscore", "scale"]), codes))
    categories = st.deferred(lambda: texts | st.just(("n as text", ("column", "n"))))
    share = st.sampled_from([1.0, 0.5])
    return st.one_of(
        st.tuples(st.sampled_from(["length", "missing", "one_hot"]), texts),
        st.tuples(
            st.sampled_from(["contains", "starts_with", "ends_with", "equals"]), texts, st.sampled_from(WORDS)
        ),
        st.tuples(st.just("matches"), texts, pattern),
        st.tuples(st.just("is_in"), texts, some_texts),
        st.tuples(st.just("hash"), categories, buckets, seed),
        st.tuples(st.just("values"), texts, some_texts, default, shared),
        st.tuples(st.just("ranks"), categories, top, default, shared),
        st.tuples(st.sampled_from(["length", "distinct"]), lists | numbers),
        st.tuples(st.sampled_from(["sum", "mean", "min", "max"]), numbers),
        st.tuples(st.just("get"), numbers, place),
        st.tuples(st.just("padded"), numbers, st.sampled_from([None, -1.0])),
        st.tuples(st.just("contains"), lists, st.sampled_from(WORDS)),
        st.tuples(st.just("contains"), codes, st.sampled_from([0.0, 1.0, 0.25])),
        st.tuples(st.just("bag"), lists, top, st.booleans(), share),
        st.tuples(st.just("tfidf"), lists, top, st.booleans(), share),
        st.tuples(st.just("hashed_words"), lists, st.sampled_from([1, 5]), seed),
    )


features = _features(st.just(("column", "w")), st.just(("column", "l")))
text_features = _features(st.nothing(), st.nothing())
"""Those that need no column of lists, which are computed on dictionaries where there are many rows."""

WIDTH = 4


def table(found: list[Row]) -> pa.Table:
    """Rows as a table in which each column has a type, values or not."""
    return pa.table({name: pa.array([row[name] for row in found], kind) for name, kind in TYPES.items()})


def build(tree: Tree, x: Inputs) -> Expression:
    """The feature that a tree stands for."""
    kind, rest = tree[0], tree[1:]
    if kind == "column":
        return x[rest[0]]
    child = build(rest[0], x)
    if kind == "cross":
        return cross(child, build(rest[1], x))
    if kind == "where":
        return where(x["n"] > 0, child, build(rest[1], x))
    known = {"default": rest[2], "oov_buckets": rest[3]} if kind in ("values", "ranks") else {}
    methods: dict[str, Callable[[], Expression]] = {
        "n as text": lambda: child,
        "fill": lambda: child.fill_missing("none"),
        "fill_mode": lambda: child.fill_missing("mode"),
        "missing": child.is_missing,
        "tokens_of": lambda: child.tokens(rest[1]),
        "split_at": lambda: child.split(rest[1]),
        "ngrams": lambda: child.ngrams(rest[1][0], rest[1][1], rest[2]),
        "values": lambda: child.vocabulary(values=rest[1], **known),
        "ranks": lambda: child.vocabulary(top=rest[1], **known),
        "equals": lambda: child == rest[1],
        "distinct": child.distinct_count,
        "padded": lambda: child.padded(WIDTH, rest[1]),
        "bag": lambda: child.bag_of_words(rest[1], 1, rest[2], max_share=rest[3]),
        "tfidf": lambda: child.tfidf(rest[1], 1, rest[2], max_share=rest[3]),
    }
    return methods[kind]() if kind in methods else getattr(child, kind)(*rest[1:])


class NoValuesError(Exception):
    """Something is to be learned of training data that have no values, which is refused."""


def compute(tree: Tree, train: list[Row], found: list[Row]) -> list[Any]:
    """What a tree gives for each row: a text, a list, a number or, of a feature, a list of its columns."""
    kind, rest = tree[0], tree[1:]
    if kind == "column":
        return [_known(row[rest[0]], is_list=rest[0] in ("w", "l")) for row in found]
    now = compute(rest[0], train, found)
    if kind in ("cross", "where"):
        others = compute(rest[1], train, found)
        if kind == "cross":
            return [f"{a} & {b}" if a and b else None for a, b in zip(now, others, strict=True)]
        return [
            None if row["n"] is None else a if row["n"] > 0 else b
            for row, a, b in zip(found, now, others, strict=True)
        ]
    if kind in _LEARNED:
        return _LEARNED[kind](compute(rest[0], train, train), now, *rest[1:])
    return [_each(kind, value, *rest[1:]) for value in now]


def _known(value: Any, *, is_list: bool) -> Any:
    if is_list:
        return [item for item in value or [] if item is not None and item != ""]
    return None if value == "" else value


def lowered(text: str) -> str:
    """In lower case as the C library says: letter by letter."""
    return "".join(letter.lower() if len(letter.lower()) == 1 else "i" for letter in text)


def uppered(text: str) -> str:
    """In upper case letter by letter."""
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)


def words(text: str) -> list[str]:
    """The words of a text: letters, marks, digits and "_"."""
    is_word = [letter == "_" or unicodedata.category(letter)[0] in "LMN" for letter in text]
    return "".join(a if there else " " for a, there in zip(text, is_word, strict=True)).split()


def _each(kind: str, value: Any, *rest: Any) -> Any:
    """An operation that learns nothing, on one text, list of texts or list of numbers."""
    if kind == "missing":
        return float(value is None)
    if kind in ("tokens", "split", "tokens_of", "split_at"):
        return _pieces(kind, value or "", *rest)
    if isinstance(value, list):
        return _each_list(kind, value, *rest)
    if kind == "fill":
        return value or "none"
    if kind == "values":
        return rest[1] if value is None else _rank(value, rest[0], *rest[1:])
    if value is None:
        return None
    return _each_text(kind, value, *rest)


def _pieces(kind: str, text: str, *rest: Any) -> list[str]:
    if kind == "tokens":
        return words(text)
    if kind == "tokens_of":
        return re.findall(rest[0], text)
    return [piece for piece in text.split(*rest) if piece]


def _each_text(kind: str, value: Any, *rest: Any) -> Any:
    if kind == "n as text":
        return str(value)
    if kind == "extract":
        match = re.search(rest[0], value)
        return match.group() if match else None
    if kind == "matches":
        return float(re.fullmatch(rest[0], value) is not None)
    plain: dict[str, Callable[[], Any]] = {
        "lower": lambda: lowered(value),
        "upper": lambda: uppered(value),
        "strip": lambda: value.strip() or None,
        "length": lambda: float(len(value)),
        "contains": lambda: float(rest[0] in value),
        "starts_with": lambda: float(value.startswith(rest[0])),
        "ends_with": lambda: float(value.endswith(rest[0])),
        "equals": lambda: float(value == rest[0]),
        "is_in": lambda: float(value in rest[0]),
        "hash": lambda: hashed(value, *rest),
    }
    return plain[kind]()


def hashed(text: str, size: int, start: int = 0) -> float:
    """Which of `size` buckets a text falls into."""
    return float(murmurhash3_32(text.encode(), seed=start, positive=True) % size)


def _rank(value: str, known: list[str], default: float, oov: int) -> float:
    if value in known:
        return float(known.index(value))
    return len(known) + hashed(value, oov) if oov else float(default)


def _each_list(kind: str, value: list[Any], *rest: Any) -> Any:
    if kind in ("lower", "upper", "strip"):
        return [changed for one in value if (changed := _each_text(kind, one))]
    if kind == "ngrams":
        (low, high), separator = rest
        sizes = range(low, high + 1)
        return [separator.join(value[i : i + n]) for n in sizes for i in range(len(value) - n + 1)]
    if kind == "hashed_words":
        counts = Counter(hashed(one, *rest) for one in value)
        return [float(counts[bucket]) for bucket in range(rest[0])]
    if kind == "padded":
        return [*value[:WIDTH], *[rest[0]] * (WIDTH - len(value))]
    plain: dict[str, Callable[[], Any]] = {
        "length": lambda: float(len(value)),
        "distinct": lambda: float(len(set(value))),
        "contains": lambda: float(rest[0] in value),
        "get": lambda: value[rest[0]] if -len(value) <= rest[0] < len(value) else None,
        "hash": lambda: [hashed(one, *rest) for one in value],
        "values": lambda: [_rank(one, *rest) for one in value],
        "sum": lambda: math.fsum(value) if value else None,
        "mean": lambda: math.fsum(value) / len(value) if value else None,
        "min": lambda: min(value, default=None),
        "max": lambda: max(value, default=None),
    }
    return plain[kind]()


def ranking(found: list[str]) -> list[str]:
    """Texts by how often they come, then by text, both descending."""
    counts = Counter(found)
    return sorted(counts, key=lambda text: (counts[text], text), reverse=True)


def _fill_mode(seen: list[Any], now: list[Any]) -> list[Any]:
    order = ranking([value for value in seen if value])
    if not order:
        raise NoValuesError
    return [value or order[0] for value in now]


def _one_hot(seen: list[Any], now: list[Any]) -> list[Any]:
    keys: list[Any] = ranking([value for value in seen if value])
    keys += [None] if None in seen else []
    return [[float(value == key) for key in keys] for value in now]


def _ranks(seen: list[Any], now: list[Any], top: int | None, default: float, oov: int) -> list[Any]:
    if any(isinstance(value, list) for value in seen):
        order = ranking([one for value in seen for one in value])[:top]
        return [[_rank(one, order, default, oov) for one in value] for value in now]
    order = ranking([value for value in seen if value])[:top]
    return [float(default) if value is None else _rank(value, order, default, oov) for value in now]


def _known_words(seen: list[list[str]], top: int | None, share: float) -> tuple[list[str], int, Counter[str]]:
    lists_with = Counter(word for value in seen for word in set(value))
    lists_there = sum(1 for value in seen if value)
    order = ranking([word for value in seen for word in value])
    order = [word for word in order if share == 1 or lists_with[word] <= share * lists_there]
    return order[:top], lists_there, lists_with


def _bag(seen: list[Any], now: list[Any], top: int | None, counts: bool, share: float) -> list[Any]:
    known, _, _ = _known_words(seen, top, share)
    return [[float(row.count(word) if counts else word in row) for word in known] for row in now]


def _tfidf(seen: list[Any], now: list[Any], top: int | None, smooth: bool, share: float) -> list[Any]:
    known, total, lists_with = _known_words(seen, top, share)
    weights = [1 + math.log((total + smooth) / (lists_with[word] + smooth)) for word in known]
    return [
        [row.count(word) / max(1, len(row)) * weight for word, weight in zip(known, weights, strict=True)]
        for row in now
    ]


def _scaled(kind: str) -> Callable[..., list[Any]]:
    def scaled(seen: list[Any], now: list[Any]) -> list[Any]:
        known = [Fraction(one) for value in seen for one in value]
        if not known:
            raise NoValuesError
        middle = min(known) if kind == "scale" else sum(known) / len(known)
        size = {
            "center": lambda: 1.0,
            "zscore": lambda: math.sqrt(statistics.pvariance(known)),
            "scale": lambda: float(max(known) - min(known)),
        }[kind]()
        return [[float(one - middle) / size if size else 0.0 for one in map(Fraction, row)] for row in now]

    return scaled


_LEARNED: dict[str, Callable[..., list[Any]]] = {
    "fill_mode": _fill_mode,
    "one_hot": _one_hot,
    "ranks": _ranks,
    "bag": _bag,
    "tfidf": _tfidf,
    **{kind: _scaled(kind) for kind in ("center", "zscore", "scale")},
}
