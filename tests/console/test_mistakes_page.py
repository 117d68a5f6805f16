"""The page of mistakes, asked as a browser without JavaScript asks, and as the page's script does."""

from __future__ import annotations

import re

import pytest
from console_visitor import ORIGIN, Visitor
from starlette.applications import Starlette

from tilth.pipelines.errors import Mistakes
from tilth.pipelines.mistake import Filters

JSON = {"accept": "application/json"}


def shown(text: str) -> list[str]:
    """The rows of a page."""
    return re.findall(r'<article class=row id="row-([0-9a-f]{16})"', text)


def test_the_mistakes_are_shown_with_their_inputs(ann: Visitor, mistakes: Mistakes) -> None:
    text = ann.get("/").text
    assert shown(text) == [each.row for each in mistakes.rows().rows]
    assert len(shown(text)) == 6
    assert "Cats &amp; dogs" in text
    assert "6 of 8 rows are wrong (75.0%)" in text
    assert "&lt;b&gt;row 1&lt;/b&gt;" in text
    assert "<b>row" not in text
    assert text.count("<img ") == 5
    assert text.count("<audio ") == 6
    assert "<details><summary>" in text
    assert "a long story\na long story" in text


def test_a_name_is_asked_for_once(page: Starlette) -> None:
    visitor = Visitor(page)
    assert "Who are you?" in visitor.get("/").text
    refused = visitor.send("/who", {"who": "  \n "})
    assert refused.status_code == 400
    answer = visitor.send("/who", {"who": " Ärnie  O'Neil ", "back": "show=all"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?show=all")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()
    text = visitor.get("/").text
    assert "Ärnie O&#39;Neil" in text
    assert "Who are you?" not in text


def test_a_tag_is_in_the_store_when_it_is_acknowledged(ann: Visitor, mistakes: Mistakes) -> None:
    row = shown(ann.get("/").text)[0]
    answer = ann.send("/tag", {"row": row, "tag": "too dark", "note": "night", "back": "truth=cat"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/?truth=cat#row-{row}")
    [given] = mistakes.tags_of(row)
    assert (given.tag, given.who, given.note) == ("too dark", "Ann", "night")
    text = ann.get("/").text
    assert re.search(r'title="by Ann, \d{4}-\d\d-\d\d \d\d:\d\d: night"', text)
    assert '<option value="too dark">' in text
    assert shown(ann.get("/?tag=too+dark").text) == [row]
    assert row not in shown(ann.get("/?tag=-").text)
    ann.send("/untag", {"row": row, "tag": "too dark"})
    assert mistakes.tags_of(row) == ()


def test_the_script_gets_the_chips_and_the_table_back(ann: Visitor) -> None:
    row, other = shown(ann.get("/").text)[:2]
    view = f"rows={row},{other}&"
    answer = ann.send(f"/tag?{view}", {"row": row, "tag": "<i>odd</i>"}, **JSON).json()
    assert "&lt;i&gt;odd&lt;/i&gt;" in answer["chips"][row]
    assert "<i>odd" not in answer["chips"][row]
    assert answer["chips"][other].strip() == ""
    assert answer["known"] == ["<i>odd</i>"]
    assert "16.7%" in answer["figures"]
    same = ann.get(f"/tags?{view}state={answer['state']}", **JSON)
    assert (same.status_code, same.content) == (204, b"")


def test_each_sees_what_the_other_tags(page: Starlette, ann: Visitor) -> None:
    bob = Visitor(page)
    bob.send("/who", {"who": "Bob"})
    row = shown(ann.get("/").text)[0]
    state = ann.get(f"/tags?rows={row}", **JSON).json()["state"]
    bob.send("/tag", {"row": row, "tag": "blurry"})
    ann.send("/tag", {"row": row, "tag": "dark"})
    news = ann.get(f"/tags?rows={row}&state={state}", **JSON).json()
    assert news["state"] != state
    assert re.findall(r'title="by (\w+),', news["chips"][row]) == ["Bob", "Ann"]


def test_a_page_that_opens_has_the_state_that_the_poll_has(ann: Visitor) -> None:
    text = ann.get("/?truth=cat").text
    query, state = re.findall(r'data-query="([^"]*)" data-state="([^"]*)"', text)[0]
    assert ann.get(f"/tags?state={state}&rows={','.join(shown(text))}&{query}", **JSON).status_code == 204


def test_what_is_asked_for_is_shown(ann: Visitor, mistakes: Mistakes) -> None:
    assert len(shown(ann.get("/?show=all").text)) == 8
    assert len(shown(ann.get("/?show=right").text)) == 2
    assert shown(ann.get("/?search=ROW+5").text) == [
        each.row for each in mistakes.rows(filters=Filters(text="row 5")).rows
    ]
    assert len(shown(ann.get("/?search=ROW+5").text)) == 1
    assert len(shown(ann.get("/?truth=cat").text)) == 4
    assert len(shown(ann.get("/?said=cat").text)) == 2
    assert "There are no more rows" in ann.get("/?page=9").text
    assert ann.get("/?page=%00&show=x&tag=" + "y" * 5000).status_code == 200


def test_rows_that_were_looked_at_tell_the_error_rate(ann: Visitor, mistakes: Mistakes) -> None:
    row = shown(ann.get("/").text)[0]
    ann.send("/tag", {"row": row, "tag": "dark"})
    assert mistakes.figures()[0].error_rate.value is None
    right = shown(ann.get("/?show=right").text)
    ann.send("/looked", {"rows": ",".join(right), "back": "show=right"})
    assert mistakes.figures()[0].error_rate.value == 1.0


def test_media_are_streamed(ann: Visitor) -> None:
    text = ann.get("/").text
    image = re.findall(r'<img src="([^"]+)"', text)[0]
    clip = re.findall(r'<audio [^>]*src="([^"]+)"', text)[0]
    answer = ann.get(image)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert ann.get(image, **{"if-none-match": answer.headers["etag"]}).status_code == 304
    part = ann.get(clip, range="bytes=0-3")
    assert (part.status_code, part.content) == (206, b"RIFF")
    row = shown(text)[0]
    for wrong in (f"/media/{row}/99", f"/media/{row}/2", "/media/..%2f..%2fetc/0", "/media/00/0"):
        assert ann.get(wrong).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/tag", {"row": "00", "tag": "x"}, 404),
        ("/tag", {"row": "", "tag": "x"}, 404),
        ("/tag", {"tag": ""}, 400),
        ("/tag", {"tag": "x" * 200}, 400),
        ("/tag", {"tag": "x", "note": "y" * 60_000}, 400),
        ("/tag", {"tag": "x", "note": "y" * 90_000}, 413),
        ("/untag", {"row": "zz", "tag": "x"}, 404),
        ("/looked", {"rows": "00"}, 404),
        ("/nowhere", {}, 404),
    ],
)
def test_what_cannot_be_kept_is_refused(
    ann: Visitor, mistakes: Mistakes, path: str, fields: dict[str, str], status: int
) -> None:
    row = shown(ann.get("/").text)[0]
    answer = ann.send(path, {"row": row, **fields}, **JSON)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert mistakes.tags == ()


def test_nobody_tags_without_a_name(page: Starlette, mistakes: Mistakes) -> None:
    visitor = Visitor(page)
    row = shown(visitor.get("/").text)[0]
    answer = visitor.send("/tag", {"row": row, "tag": "x"})
    assert answer.status_code == 400
    assert "who you are" in answer.text
    assert mistakes.tags == ()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", ""])
def test_other_sites_change_nothing(ann: Visitor, mistakes: Mistakes, origin: str) -> None:
    row = shown(ann.get("/").text)[0]
    headers = {"origin": origin} if origin else {}
    answer = ann.ask("POST", "/tag", data={"row": row, "tag": "x"}, headers=headers)
    assert answer.status_code == 403
    assert mistakes.tags == ()


def test_other_names_are_not_answered(ann: Visitor) -> None:
    assert ann.get("/", host="evil.example:8080").status_code == 421
    assert ann.get("/", host="127.0.0.1:8080").status_code == 200


def test_only_forms_are_taken(ann: Visitor) -> None:
    answer = ann.ask("POST", "/tag", content=b"{}", headers={**ORIGIN, "content-type": "application/json"})
    assert answer.status_code == 415
    form = {**ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    assert ann.ask("POST", "/tag", content=b"tag=%ff", headers=form).status_code == 400
    assert ann.get("/tag").status_code == 405


def test_a_form_leads_nowhere_else(ann: Visitor) -> None:
    answer = ann.send("/who", {"who": "Eve", "back": "//evil.example/?tag=x", "row": '"><script>'})
    assert answer.headers["location"].startswith("/?")
    assert "evil" not in answer.headers["location"]
    many = "&".join(f"a{n}=1" for n in range(50))
    assert ann.send("/who", {"who": "Eve", "back": many}).status_code == 303


def test_the_page_may_load_and_be_framed_by_nobody_else(ann: Visitor) -> None:
    answer = ann.get("/")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.text
    assert re.findall(r"(?:src|href|action)=\"?(?:https?:)?//", answer.text) == []


def test_rules_tag_too(ann: Visitor, mistakes: Mistakes) -> None:
    mistakes.add_rule("old", "age > 5", "Cy")
    text = ann.get("/").text
    row = shown(ann.get("/?tag=old").text)[0]
    assert "by the rule" in text
    ann.send("/untag", {"row": row, "tag": "old"})
    assert mistakes.tags_of(row) == ()
