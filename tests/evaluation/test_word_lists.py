"""What must never be said, found in what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.evaluation import WordList, WordSearch


def rude(*lines: str) -> WordList:
    return WordList.from_text("rude", "\n".join(lines))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("hell", "HELL!"),
        ("hell", "what_hell_is"),
        ("straße", "STRASSE"),
        ("cafe\u0301", "Caf\u00e9"),
        ("hell", "\uff28\uff45\uff4c\uff4c"),  # full width
        ("hell", "he\u200bll"),  # with a space of no width
        ("hell", "he\u00adll"),  # with a soft hyphen
        ("get lost", "so get \n  LOST."),
        ("c++", "I hate C++, really"),
        ("坏话", "他说坏话了"),
        ("भाषा", "यह भाषा है"),
    ],
)
def test_words_are_found_as_people_read_them(word: str, text: str) -> None:
    assert rude(word).found_in(text) == {word}


@pytest.mark.parametrize(
    ("word", "text"),
    [("hell", "hello shell"), ("get lost", "get it lost"), ("भाष", "भाषा"), ("cafe", "café"), ("a.b", "a b")],
)
def test_parts_of_words_are_not_found(word: str, text: str) -> None:
    assert rude(word).found_in(text) == set()


def test_a_list_has_remarks_and_empty_lines() -> None:
    words = WordList.from_text("rude", "\ufeff# remark\r\n\r\n darn \r\nDARN\nget lost\n")
    assert list(words.phrases.values()) == ["darn", "get lost"]
    with pytest.raises(DataError, match="no words"):
        rude("# nothing", "\u200b")


def test_phrases_that_share_words_are_all_found() -> None:
    words = rude("a b", "b c", "b", "a b c d")
    assert words.found_in("a b c") == {"a b", "b c", "b"}


def test_rows_are_counted_once_and_numbered() -> None:
    search = WordSearch(rude("darn", "heck"))
    search.update(pa.array(["darn darn heck", None, "fine"]))
    search.update(pa.array(["Heck"]).dictionary_encode())
    search.update(pa.chunked_array([pa.array([["ok", "darn"], [], None, ["no"]])]))
    found = search.result()
    assert (found.rows, found.hits, dict(found.words), found.at) == (8, 3, {"darn": 2, "heck": 2}, (1, 4, 5))
    assert found.count.value == 3.0
    assert WordSearch(rude("darn")).result().count.value is None


def test_a_long_list_of_hits_is_told_bounded() -> None:
    search = WordSearch(rude("darn"))
    search.update(pa.array(["darn"] * 1000))
    found = search.result()
    assert found.hits == 1000
    assert found.at == tuple(range(1, 21))


@given(st.lists(st.text(max_size=20), max_size=8), st.integers(1, 3))
def test_the_size_of_batches_changes_nothing(texts: list[str], size: int) -> None:
    words = rude("a", "a b", "\u00df", "1")
    whole, parts = WordSearch(words), WordSearch(words)
    whole.update(pa.array(texts, pa.string()))
    for start in range(0, len(texts), size):
        parts.update(pa.array(texts[start : start + size], pa.string()))
    assert whole.result() == parts.result()


def test_numbers_hold_no_words() -> None:
    with pytest.raises(DataError, match="looked for in texts"):
        WordSearch(rude("darn")).update(pa.array([1, 2]))


def test_any_scored_file_is_searched(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    (tmp_path / "never.txt").write_text("darn\nget lost\n")
    (tmp_path / "a.csv").write_text('y,p,reply\n1,1,Darn!\n0,1,hello\n1,1,"get  lost"\n0,0,\n')
    data, words = tmp_path / "a.csv", tmp_path / "never.txt"
    told = ("--never", words, "--output", "reply", "--json")
    status, out, _ = ask("evaluate", data, *told)
    assert status == 1
    assert json.loads(out)["never"] == [
        {
            "name": "never",
            "rows": 4,
            "hits": 2,
            "words": [{"word": "darn", "rows": 1}, {"word": "get lost", "rows": 1}],
            "at": [1, 3],
        }
    ]
    status, out, _ = ask("evaluate", data, "--label", "y", "--prediction", "p", *told)
    assert status == 1
    assert json.loads(out)["slices"][0]["rows"] == 4
    words.write_text("quux\n")
    status, out, _ = ask("evaluate", data, *told[:-1])
    assert (status, out.strip()) == (0, "never: no word of it in 4 rows")


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (["--never", "no.txt", "--output", "reply"], "no such file"),
        (["--never", "never.txt", "--output", "nothing"], "nothing"),
        (["--never", "never.txt", "--output", "y"], "looked for in texts"),
        (["--never", "empty.txt", "--output", "reply"], "the list has no words"),
        (["--label", "y", "--prediction", "p", "--output", "reply"], "no --never says which"),
        (["--label", "y", "--score", "p", "--never", "never.txt"], "which texts"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    told: list[str],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[..., tuple[int, str, str]],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "never.txt").write_text("darn\n")
    (tmp_path / "empty.txt").write_text("# none\n")
    (tmp_path / "a.csv").write_text("y,p,reply\n1,1,Darn!\n0,1,hello\n")
    status, out, err = ask("evaluate", "a.csv", *told)
    assert (status, out) == (2, "")
    assert wanted in err
