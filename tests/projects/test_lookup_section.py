"""[[lookups]] of tilth.toml: what it may say."""

from __future__ import annotations

import datetime

import pytest

from tilth.errors import ProjectError
from tilth.projects.configuration import Configuration

PROJECT = """
project = { name = "a", label = "y", task = "binary" }
data = { sources = ["a.csv"] }
"""
LOOKUP = """
[[lookups]]
name = "balances"
features = "balances.parquet"
on = "customer"
time = "at"
"""


def read(text: str) -> Configuration:
    return Configuration.from_toml(PROJECT + text)


def test_the_least_that_it_says() -> None:
    (section,) = read(LOOKUP).lookups
    lookup = section.lookup()
    assert (lookup.keys, lookup.time, lookup.entity_time) == ({"customer": "customer"}, "at", None)
    assert (section.store, lookup.max_age, lookup.columns) == ("sqlite", None, ())


def test_all_that_it_says() -> None:
    more = """
entity_time = "when"
created = "known"
columns = ["balance"]
prefix = "had"
max_age = "36h"
store = "redis://cache:6379/1"
"""
    section = read(LOOKUP.replace('"customer"', '{ customer = "client" }') + more).lookups[0]
    lookup = section.lookup()
    assert lookup.keys == {"customer": "client"}
    assert (lookup.entity_time, lookup.created, lookup.columns) == ("when", "known", ("balance",))
    assert lookup.max_age == datetime.timedelta(hours=36)
    assert lookup.served_as("balance") == "had.balance"
    assert section.is_redis


def test_several_keys() -> None:
    assert read(LOOKUP.replace('"customer"', '["a", "b"]')).lookups[0].keys == {"a": "a", "b": "b"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('name = "../up"', r"name '\.\./up' cannot be used"),
        ('features = ""', "features is empty"),
        ("on = []", "on is empty"),
        ('on = ["a", "a"]', "on names a column twice"),
        ('on = { a = "c", b = "c" }', "on names a column twice"),
        ('prefix = "a.b"', r"prefix 'a\.b' cannot be used"),
        ('max_age = "7"', "max_age is '7'"),
        ('max_age = "soon"', "max_age is 'soon'"),
        ('store = "postgresql://h/d"', "store is 'postgresql://h/d'"),
        ('store = "redis://:hunter2@host/0"', "holds a user or a password"),
    ],
)
def test_what_it_may_not_say(line: str, words: str) -> None:
    key = line.partition(" ")[0]
    kept = "".join(f"{each}\n" for each in LOOKUP.splitlines() if not each.startswith(f"{key} "))
    with pytest.raises(ProjectError, match=words) as raised:
        read(kept + line + "\n")
    assert "[[lookups]] 1" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_two_of_one_name_and_unknown_keys_are_told_with_their_place() -> None:
    with pytest.raises(ProjectError, match="two look-ups 'balances'") as raised:
        read(LOOKUP + LOOKUP)
    assert "[[lookups]] 2" in str(raised.value)
    with pytest.raises(ProjectError, match="unknown key 'maxage'") as raised:
        read(LOOKUP + 'maxage = "7d"\n')
    assert "[[lookups]] 1" in str(raised.value)
    with pytest.raises(ProjectError, match="the key 'time' is missing"):
        read(LOOKUP.replace('time = "at"', ""))
