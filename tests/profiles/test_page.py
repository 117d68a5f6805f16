"""The visual report: what it says, that it needs nothing else, and that nothing breaks out of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tilth.profiles import ColumnProfile, Profile, profile
from tilth.profiles.associations import associations
from tilth.profiles.page import page
from tilth.profiles.page_figures import label

VOID = {"meta", "input", "br", "img", "link", "rect", "path"}
CLOSED_BY_OTHERS = {"tr", "td", "th", "li", "option", "dt", "dd"}
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></script><!--",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "line\nbreak\ttab",
    "\u202eright to left",
    "مرحبا",
    "👩‍👩‍👧",
    "\u2028",
    "x" * 2000,
]


class Reader(HTMLParser):
    """The elements of a page with their attributes, and all text outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID | CLOSED_BY_OTHERS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID | CLOSED_BY_OTHERS:
            assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif not self._open or self._open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and (not kind or kind in (attrs.get("class") or "").split())
        ]


@dataclass(frozen=True)
class Slice:
    values: dict[str, str]
    profile: Profile


@dataclass(frozen=True)
class Sliced:
    rows: int
    columns: Any
    slices: tuple[Slice, ...] = ()
    duplicate_rows: int | None = None


def every_kind() -> dict[str, Any]:
    numbers = np.random.default_rng(1)
    start = datetime.datetime(2024, 1, 1)
    return {
        "int": pa.array(numbers.integers(0, 50, 300)),
        "float": pa.array(numbers.normal(size=300)),
        "heavy": pa.array(np.exp(numbers.normal(0, 4, 300))),
        "signed": pa.array(np.sinh(numbers.normal(0, 4, 300))),
        "spiked": pa.array(np.where(np.arange(300) % 10, 0, numbers.integers(1, 100_000, 300))),
        "category": pa.array([["red", "green", "blue"][i % 3] for i in range(300)]),
        "text": pa.array([f"row {i} " + "word " * (i % 7) for i in range(300)]),
        "bool": pa.array([i % 4 == 0 for i in range(300)]),
        "date": pa.array([start + datetime.timedelta(hours=i) for i in range(300)]),
        "constant": pa.array([7] * 300),
        "missing": pa.array([None] * 300, pa.string()),
        "rarely": pa.array([1.5 if i % 50 == 0 else None for i in range(300)]),
    }


def cards(text: str) -> dict[str, str]:
    """The HTML of each column's card by its visible name."""
    parts = text.split("<p id=none", maxsplit=1)[0].split("<details class=col ")[1:]
    return {re.search(r"<b><bdi[^>]*>(.*?)</bdi>", part).group(1): part for part in parts}  # type: ignore[union-attr]


def test_every_kind_of_column_has_its_card() -> None:
    text = page(profile(pa.table(every_kind())), title="Everything")
    found = Reader(text)
    assert len(found.all("details", "col")) == 12
    told = cards(text)
    scales = {name: re.findall(r"type=radio[^>]*>(.*?)</label>", part) for name, part in told.items()}
    assert scales["int"] == ["linear", "quantiles"]
    assert scales["heavy"] == ["log", "linear", "quantiles"]
    assert scales["signed"] == ["log", "linear", "quantiles"]
    assert scales["category"] == []
    assert "<svg" in told["date"]
    assert "2024-01-01 to 2024-01-13 11:00" in told["date"]
    assert "lengths, distribution of text" in told["text"]
    assert "true 25.0%" in told["bool"]
    assert "all values missing" in told["missing"]
    assert "<svg" not in told["missing"] + told["constant"]
    assert "98.0%" in told["rarely"]
    assert "90.0%" in told["spiked"]


def test_needs_nothing_else() -> None:
    text = page(profile(pa.table(every_kind())), title="Everything", current=profile(pa.table(every_kind())))
    found = Reader(text)
    assert not {"link", "img", "iframe", "object", "embed", "base", "image", "use"} & {
        n for n, _ in found.elements
    }
    assert all("src" not in attrs and "srcset" not in attrs for _, attrs in found.elements)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text.replace("//*", ""))
    policy = next(a["content"] for a in found.all("meta") if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert all((attrs["href"] or "").startswith("#") for attrs in found.all("a"))


def test_the_policy_allows_the_own_script_alone() -> None:
    import base64
    import hashlib

    found = Reader(page(profile({"x": [1, 2]}), title="x"))
    policy = next(a["content"] for a in found.all("meta") if a.get("http-equiv")) or ""
    assert len(found.scripts) == 1
    digest = hashlib.sha256(found.scripts[0].encode()).digest()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'" in policy


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_breaks_out(evil: str) -> None:
    table = profile(pa.table({evil: [evil, evil, "b"], "plain": [1, 2, 3]}))
    anomaly: Any = {"column": evil, "message": evil, "severity": "error", "slice": {evil: evil}, "share": 0.5}
    comparison = {
        "columns": {evil: {"effect": 0.5, "drifted": True, "measure": "effect", "reason": evil,
                           "l_infinity": {"distance": 0.1, "value": evil}}}
    }  # fmt: skip
    pair: Any = {"first": evil, "second": "plain", "pearson": 0.5, "spearman": None}
    harmless = profile(pa.table({"safe": ["a", "a", "b"], "plain": [1, 2, 3]}))
    options: dict[str, Any] = {"current": table, "names": (evil, "b"), "comparison": comparison}
    sliced = Sliced(3, table.columns, (Slice({evil: evil}, table),))
    found = Reader(
        page(
            sliced,
            title=evil,
            anomalies=[anomaly],
            associations={
                "rows": 3,
                "correlations": [pair],
                "label": evil,
                "information": [{"column": evil, "bits": 1.0, "share": 0.5, "chance": 0.1}],
                "missing_patterns": [{"columns": [evil], "rows": 3}],
                "left_out": [evil],
            },
            **options,
        )
    )
    peaceful = Reader(page(harmless, title="x"))
    assert {name for name, _ in found.elements} <= {name for name, _ in peaceful.elements} | {
        "h3", "ul", "li", "a", "small", "th", "td", "tr", "table", "p", "caption", "div",
    }  # fmt: skip
    assert len(found.scripts) == 1
    assert not [a for _, a in found.elements if any(key.startswith("on") for key in a)]
    assert [a.get("id") for a in found.all("details", "col")] == ["c0", "c1"]
    words = re.sub(r"\s+", " ", found.text)
    visible = evil.replace("\n", "↵").replace("\t", "⇥").replace("\u2028", "↵")
    assert visible[:40] in words


def test_long_names_are_cut_and_told_whole_under_the_pointer() -> None:
    found = Reader(page(profile({"n" * 400: ["v" * 2000, "v" * 2000]}), title="long"))
    names = [a["title"] or "" for a in found.all("bdi") if a.get("title")]
    assert all(len(name) <= 300 for name in names)
    assert any(name.startswith("n" * 290) for name in names)
    assert any(name.startswith("v" * 290) for name in names)


def test_same_profile_same_bytes() -> None:
    table = pa.table(every_kind())
    upside_down = table.take(pa.array(np.arange(table.num_rows)[::-1]))
    assert page(profile(table), title="x") == page(profile(upside_down), title="x")


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())}),
        pa.table({"a": [1], "b": ["x"], "c": [True], "d": [datetime.datetime(2020, 1, 1)], "e": [1.5]}),
        pa.table({"a": pa.array([None], pa.float64()), "b": pa.array([None], pa.timestamp("us"))}),
        pa.table({"a": [float("nan"), float("inf"), -float("inf")]}),
        pa.table({"a": [5e-324, 1e308, -1e308, 0.0], "b": [2**63 - 1, -(2**63), 0, 1]}),
        pa.table({"a": [1e9, 1e9 + 1e-6, 1e9]}),
        pa.table({"a": [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)]}),
        pa.table({"": ["", " ", "\x00"]}),
    ],
)
def test_strange_tables_make_pages(table: pa.Table) -> None:
    whole = profile(table)
    text = page(whole, title="strange")
    assert len(Reader(text).all("details", "col")) == table.num_columns
    assert (
        "nan"
        not in re.sub(r"of them NaN|missing=|meaning", "", text).split("</style>")[1].split("<script>")[0]
    )
    assert Reader(page(whole, title="strange", current=profile(table.slice(0, 1)))).all("details", "col")


def test_no_columns() -> None:
    assert "There are no columns." in page(Sliced(0, {}), title="nothing")


def test_two_data_sets_on_common_axes() -> None:
    before = {"n": list(range(100)), "s": ["a"] * 75 + ["b"] * 25, "old": [1] * 100}
    after = {"n": list(range(100, 200)), "s": ["a"] * 50 + ["c"] * 50, "new": [True] * 100}
    comparison: Any = {
        "columns": {
            "n": {"effect": 3.5, "measure": "effect", "threshold": 0.1, "drifted": True, "reason": "far away",
                  "ks": {"statistic": 1.0, "p_value": 1e-20}, "l_infinity": None, "psi": None},
            "s": {"effect": None, "measure": "none", "drifted": False, "reason": "not judged",
                  "coverage": {"share": 0.5, "outside": 50, "values": [["c", 50]], "range": None}},
        }
    }  # fmt: skip
    text = page(
        profile(before),
        title="two",
        current=profile(after),
        names=("spring", "autumn"),
        comparison=comparison,
    )
    told = cards(text)
    assert list(told) == ["n", "s", "old", "new"]
    assert "<title>95 to 99: spring 5.0% (5), autumn 0% (0)</title>" in told["n"]
    assert "<title>195 to 199: spring 0% (0), autumn 5.0% (5)</title>" in told["n"]
    assert "drifted</span>" in told["n"]
    assert "far away" in told["n"]
    assert re.search(r"Kolmogorov-Smirnov<td>1<td class=l><bdi>p 1·10⁻²⁰", told["n"])
    assert "L-infinity" not in told["n"], "an undefined distance is left away"
    assert "no drift" in told["s"]
    assert "50.0% of the values are not among the reference&#39;s: c (50)" in told["s"]
    assert "only in spring" in told["old"]
    assert "only in autumn" in told["new"]
    rows = re.findall(r"<bdi class=\"v\">([abc])</bdi>.*?title=\"(\d+)\">.*?title=\"(\d+)\">", told["s"])
    assert rows[-3:] == [("a", "75", "50"), ("c", "0", "50"), ("b", "25", "0")]


def test_types_that_differ_are_not_drawn_over_each_other() -> None:
    text = page(profile({"x": [1, 2]}), title="x", current=profile({"x": ["a", "b"]}))
    assert "The types differ: int in reference and string in current. Only reference is drawn." in text


def test_anomalies_stand_at_their_column() -> None:
    anomalies: Any = [
        {
            "column": "x",
            "kind": "out_of_range",
            "severity": "error",
            "message": "x is too big",
            "share": 0.25,
        },
        {"column": "x", "kind": "drift", "severity": "warning", "message": "x moved", "slice": {"sex": "F"}},
        {"column": "gone", "kind": "missing_column", "severity": "error", "message": "gone is missing"},
        {"column": None, "kind": "too_few_rows", "severity": "error", "message": "only 3 rows"},
    ]
    text = page(profile({"x": [1, 2, 3], "y": [1, 2, 3]}), title="x", anomalies=anomalies)
    told = cards(text)
    assert "2 anomalies" in told["x"]
    assert "x is too big (25.0%)" in told["x"]
    assert "sex = F:" in told["x"]
    assert "anomal" not in told["y"]
    head = text.split("<main>")[0]
    assert head.count("<li") == 4
    assert '<a href="#c0">' in head


def test_slices_stand_beside_the_whole() -> None:
    rows: dict[str, list[Any]] = {"x": [1, 2, 3, 10], "s": ["a", "a", "b", "b"]}
    whole = profile(rows)
    slices = tuple(
        Slice({"s": value}, profile({key: [v for v, s in zip(column, rows["s"], strict=True) if s == value]
                                     for key, column in rows.items()}))
        for value in "ab"
    )  # fmt: skip
    text = page(Sliced(4, whole.columns, slices, 0), title="sliced")
    table = cards(text)["x"].split("By slice")[1]
    lines = [re.findall(r"<td>([^<]*)", line) for line in table.split("<tr>")[2:]]
    assert lines[0] == ["4", "0%", "4", "3.536", "1", "2.5", "10"]
    assert lines[1] == ["2", "0%", "1.5", "0.5", "1", "1.5", "2"]
    assert lines[2] == ["2", "0%", "6.5", "3.5", "3", "6.5", "10"]
    assert "duplicate rows" in text


def test_many_slices_are_bounded() -> None:
    part = profile({"x": [1, 2]})
    slices = tuple(Slice({"k": str(i)}, part) for i in range(1000))
    text = page(Sliced(2000, part.columns, slices), title="many")
    assert "960 smaller slices are not shown" in text


def test_associations_are_shaded() -> None:
    rows = {"x": [1, 2, 3, 4], "y": [4, 3, 2, 1], "s": ["a", "a", "b", "b"]}
    found = associations(rows, label="s")
    text = page(profile(rows), title="together", associations=found.to_dict())
    assert '<td class=n style="--s:100%" title="x, y: -1">-1.00' in text
    assert "1 bits, 100% of the label" in text


def test_hundreds_of_columns_stay_small() -> None:
    numbers = np.random.default_rng(2)
    columns: dict[str, Any] = {}
    for i in range(0, 500, 5):
        columns[f"normal_{i}"] = numbers.normal(i, 1, 400)
        columns[f"amount_{i}"] = np.exp(numbers.normal(0, 3, 400))
        columns[f"category_{i}"] = numbers.choice(list("abcdefghijkl"), 400)
        columns[f"count_{i}"] = numbers.poisson(5, 400)
        columns[f"flag_{i}"] = numbers.random(400) < 0.3
    whole = profile(pa.table(columns))
    text = page(whole, title="wide")
    assert len(Reader(text).all("details", "col")) == 500
    assert len(text.encode()) / 500 < 4096
    assert " open" not in re.findall(r"<details class=col[^>]*>", text)[0]


def test_coordinates_are_short() -> None:
    text = page(profile(pa.table(every_kind())), title="x")
    for path in re.findall(r' d="([^"]*)"', text):
        assert not re.search(r"\d{5}|\.\d{2}|e|nan|inf", path)


def test_heights_are_shares() -> None:
    text = page(profile({"x": [1] * 10 + [2] * 5 + list(range(3, 9))}), title="x")
    path = re.search(r'<path class=a d="M0 200V(\d+)H125V(\d+)H250', text)
    assert path is not None
    assert [200 - int(y) for y in path.groups()] == [200, 100]


def test_lists_show_their_lengths_and_their_items() -> None:
    rows = {"tags": [["a", "b"], ["a"], [], ["a", "c", "a"]], "scores": [[1.5], [2.5, 3.5], None, [9.0]]}
    told = cards(page(profile(rows), title="lists"))
    assert "lengths, linear" in told["tags"]
    assert "Most frequent items" in told["tags"]
    assert re.search(r"<bdi class=\"v\">a</bdi>.*?<td>4<td>66.7%", told["tags"])
    assert "items, linear</label>" in told["scores"]
    assert "Items (float)" in told["scores"]


def test_texts_show_their_words() -> None:
    texts = [
        f"The {name} of number {i} was seen, in the long run." for i in range(30) for name in ("cat", "dog")
    ]
    told = cards(page(profile({"text": texts}), title="texts"))["text"]
    words = told.split("Words in most texts")[1]
    assert re.findall(r"<bdi class=\"v\">(\w+)</bdi><td>([\d.]+%)", words)[0] == ("in", "100%")
    assert "Words and characters" in told


def test_weights_and_dates_are_told() -> None:
    days = [datetime.datetime(2024, 1, day) for day in (1, 2, 3, 4, 8)]
    rows = {"day": days, "size": ["S", "S", "M", "M", "L"], "w": [1.0, 1.0, 1.0, 1.0, 4.0]}
    told = cards(page(profile(rows, weight="w"), title="weights"))
    assert re.search(r"<th>usual step<td>1 day", told["day"])
    assert re.search(r"<th>largest gap<td title=\"2024-01-04 to 2024-01-08\">4 days", told["day"])
    assert re.search(r"<th>L<td>50.0%", told["size"])


def test_hints_stand_at_their_column() -> None:
    ages = [20 + i % 50 for i in range(200)] + [-999] * 20
    told = cards(page(profile({"age": ages}), title="hints"))["age"]
    assert "<li class=hint>" in told
    assert "-999" in told


def test_media_lead_to_their_statistics() -> None:
    found = profile({"photo": [1, 2], "photo.width": [10, 20]})
    columns = dict(found.columns)
    columns["photo"] = ColumnProfile("photo", "image", 2, 0)
    told = cards(page(Sliced(2, columns), title="media"))["photo"]
    assert '<a href="#c1">' in told


def test_a_notebook_shows_a_table() -> None:
    found = profile(pa.table({**every_kind(), EVIL[0]: pa.array([EVIL[1]] * 300)}))
    text = found._repr_html_()
    reader = Reader(text)
    assert len(reader.all("tr")) == 14
    assert not reader.scripts
    assert not re.search(r"https?:|url\(|@import", text)
    assert EVIL[0] in reader.text
    assert EVIL[1] in reader.text
    assert not reader.all("img")
    style = text.split("<style>")[1].split("</style>")[0]
    rules = [rule.strip() for rule in re.findall(r"([^{}]+)\{", style)]
    assert all(part.strip().startswith(".tilth-profile") for rule in rules for part in rule.split(","))


def test_a_profile_makes_its_page() -> None:
    found = profile({"x": [1, 2]})
    assert found.html(title="x", current=found) == page(found, title="x", current=found)


def test_works_without_script() -> None:
    found = Reader(page(profile(pa.table(every_kind())), title="x"))
    form = found.all("form")[0]
    assert "hidden" in form, "what needs the script shows only where it runs"
    assert all("hidden" not in a and "open" in a for a in found.all("details", "col"))
    groups: dict[str, list[bool]] = {}
    for attrs in found.all("input"):
        if attrs.get("type") == "radio":
            groups.setdefault(str(attrs["name"]), []).append("checked" in attrs)
    assert groups
    assert all(sum(checked) == 1 for checked in groups.values())


def test_real_data(shared_data: Callable[[str], Path]) -> None:
    reference = profile(shared_data("chicago-taxi/train.csv.gz"))
    current = profile(shared_data("chicago-taxi/serving.csv.gz"))
    text = page(reference, title="Taxi", current=current, names=("training", "serving"))
    told = cards(text)
    assert len(told) == 18
    assert "only in training" in told["tips"]
    assert "all values missing" in told["pickup_census_tract"]
    assert len(text) < 300_000


def test_characters_that_turn_the_direction_around_are_made_visible() -> None:
    assert label("\u202eabc").text == "␦abc"
    assert label("a\u200bb").text == "a␦b"


def test_infinities_are_not_always_the_same_number() -> None:
    page = profile({"x": [float("inf"), 1.0, float("-inf")]}).html()
    assert "always 1" not in page


def test_one_item_is_singular() -> None:
    page = profile({"x": [[1], [2]]}).html()
    assert "1 item on average" in page
