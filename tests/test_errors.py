"""Errors say what, where, expected and mend, and travel between processes whole."""

from __future__ import annotations

import copy
import pickle

import pytest

from tilth import errors
from tilth.errors import ColumnNotFoundError, RequestError, TilthError

PLAIN = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TilthError) and kind.__init__ is TilthError.__init__
]
EXAMPLES = [
    *(kind("what", where="where", expected="expected", mend="mend") for kind in PLAIN),
    ColumnNotFoundError("agee", ["age", "sex"], where="people.csv"),
    RequestError("too long", column="s", got="aaa", expected="3 characters", row=7),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_that_was_sent_is_the_same(error: TilthError) -> None:
    for sent in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(sent) is type(error)
        assert str(sent) == str(error)
        assert sent.args == error.args
        assert vars(sent) == vars(error)


def test_every_kind_of_error_is_in_the_tree_at_the_top() -> None:
    assert errors.__doc__ is not None
    assert [
        name for name in errors.__all__ if name not in errors.__doc__ and name not in ("closest", "counted")
    ] == []
