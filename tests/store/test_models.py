from __future__ import annotations

from collections.abc import Callable

import pytest

from tilth.errors import ConflictError, NotFoundError, UsageError
from tilth.store import Artifact, Store

Make = Callable[..., Artifact]


@pytest.fixture
def cats(store: Store, make_artifact: Make) -> Store:
    for build in ("one", "two", "three"):
        store.register_model("cats", make_artifact(build, "model"))
    return store


def test_versions_count_up_for_each_model(store: Store, make_artifact: Make) -> None:
    run = store.begin_run("run")
    one, two = make_artifact("one", "model"), make_artifact("two", "model")
    first = store.register_model("cats", one, run, {"auroc": 0.9})
    assert (first.version, first.artifact, first.run, first.properties) == (1, one, 1, {"auroc": 0.9})
    assert store.register_model("cats", two, run).version == 2
    assert store.register_model("dogs", two).version == 1
    assert store.models() == ("cats", "dogs")
    assert [each.version for each in store.model_versions("cats")] == [2, 1]
    assert store.model_versions("birds") == ()


def test_the_same_model_is_not_registered_twice(cats: Store, make_artifact: Make) -> None:
    again = cats.register_model("cats", make_artifact("one", "model"))
    assert again == cats.model_version("cats", 1)
    renamed = cats.record_artifact("file", "the same bytes", again.artifact.digest, 1)
    assert cats.register_model("cats", renamed) == again
    assert len(cats.model_versions("cats")) == 3


def test_the_same_model_with_other_properties_is_another_version(cats: Store, make_artifact: Make) -> None:
    model = make_artifact("one", "model")
    other = cats.register_model("cats", model, properties={"schema": "new", "classes": ("a", "b")})
    assert (other.version, other.artifact) == (4, cats.model_version("cats", 1).artifact)
    assert other.properties == {"schema": "new", "classes": ["a", "b"]}
    assert cats.register_model("cats", model, properties={"classes": ["a", "b"], "schema": "new"}) == other
    assert cats.register_model("cats", model).version == 1
    assert len(cats.model_versions("cats")) == 4


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_properties_that_are_no_json_are_refused(cats: Store, make_artifact: Make, value: object) -> None:
    with pytest.raises(UsageError, match="a value cannot be recorded"):
        cats.register_model("cats", make_artifact("new", "model"), properties={"x": value})  # type: ignore[dict-item]


def test_moves_know_what_moved_them(cats: Store) -> None:
    assert (
        cats.set_alias("cats", "champion", 1, "ann", "rollback: no, the first", kind="register").kind
        == "register"
    )
    cats.set_alias("cats", "champion", 2, "ann", kind="promote")
    cats.set_alias("cats", "champion", 1, "ann", kind="rollback")
    cats.set_alias("cats", "champion", 3, "ann")
    cats.remove_alias("cats", "champion", "ann")
    kinds = [move.kind for move in cats.alias_history("cats", "champion")]
    assert kinds == ["register", "promote", "rollback", "set", "remove"]


def test_aliases_move_and_their_history_stays(cats: Store) -> None:
    cats.set_alias("cats", "champion", 1, "ann", "first release")
    cats.set_alias("cats", "champion", 3, "bob", "better on the old")
    same = cats.set_alias("cats", "champion", 3, "eve", "nothing to move")
    assert same.who == "bob"
    cats.set_alias("cats", "challenger", 2, "ann")
    cats.remove_alias("cats", "champion", "ann", "withdrawn")
    assert cats.aliases("cats") == {"challenger": 2}
    moves = cats.alias_history("cats", "champion")
    assert [(m.version, m.previous, m.who, m.why) for m in moves] == [
        (1, None, "ann", "first release"),
        (3, 1, "bob", "better on the old"),
        (None, 3, "ann", "withdrawn"),
    ]
    assert [m.alias for m in cats.alias_history("cats")] == ["champion", "champion", "challenger", "champion"]
    assert all(move.time.utcoffset() is not None for move in moves)
    cats.set_alias("cats", "champion", 2, "ann")
    assert cats.alias_history("cats", "champion")[-1].previous is None


def test_two_who_decide_at_once_do_not_overwrite_each_other(cats: Store) -> None:
    cats.set_alias("cats", "champion", 1, "ann", expected=None)
    with pytest.raises(ConflictError, match="'champion' of 'cats' has been moved meanwhile") as caught:
        cats.set_alias("cats", "champion", 2, "bob", expected=None)
    assert "version none, but it names 1" in str(caught.value)
    cats.set_alias("cats", "champion", 2, "bob", expected=1)
    assert cats.aliases("cats") == {"champion": 2}


@pytest.mark.parametrize("alias", ["latest", "Latest", "v3", "V12", "3", "", "a b", "a@b", "x" * 256, "a\n"])
def test_what_is_no_alias_is_refused(cats: Store, alias: str) -> None:
    with pytest.raises(UsageError, match="is not an alias"):
        cats.set_alias("cats", alias, 1, "me")


@pytest.mark.parametrize("alias", ["champion", "a-b_c", "v", "vote3", "größe", "x" * 255])
def test_what_is_an_alias_is_taken(cats: Store, alias: str) -> None:
    cats.set_alias("cats", alias, 1, "me")
    assert cats.model_version("cats", alias).version == 1


@pytest.mark.parametrize("name", ["", "a@b", "a/b", "a:b", "a b", ".x", "-x", "x" * 256])
def test_what_is_no_name_is_refused(store: Store, make_artifact: Make, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a model"):
        store.register_model(name, make_artifact("m"))


def test_a_version_is_found_by_number_or_alias(cats: Store) -> None:
    cats.set_alias("cats", "champion", 2, "me")
    assert cats.model_version("cats", 2) == cats.model_version("cats", "2")
    assert cats.model_version("cats", "champion").reference == "cats@2"


@pytest.mark.parametrize(
    ("model", "version", "words"),
    [
        ("cats", 9, ["no version 9 of 'cats'", "1 to 3"]),
        (
            "cats",
            "champoin",
            ["'cats' has no alias 'champoin'", "one of champion", "did you mean 'champion'?"],
        ),
        ("cat", 1, ["there is no model 'cat'", "did you mean 'cats'?"]),
        ("cat", "champion", ["there is no model 'cat'"]),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    cats: Store, model: str, version: int | str, words: list[str]
) -> None:
    cats.set_alias("cats", "champion", 2, "me")
    with pytest.raises(NotFoundError) as caught:
        cats.model_version(model, version)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_an_alias_names_only_what_exists(cats: Store) -> None:
    with pytest.raises(NotFoundError, match="no version 4"):
        cats.set_alias("cats", "champion", 4, "me")
    with pytest.raises(NotFoundError, match="has no alias 'champion'"):
        cats.remove_alias("cats", "champion", "me")
    assert cats.alias_history("cats") == ()
