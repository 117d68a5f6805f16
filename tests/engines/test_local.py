"""The engine on threads: order, bound, errors, stopping."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.engines import find_engine, local_engine
from tilth.errors import ColumnNotFoundError, UsageError


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_the_items_order(items: list[int], threads: int) -> None:
    assert list(local_engine(threads).map(lambda x: x + 1, items)) == [x + 1 for x in items]


def test_slow_items_do_not_change_the_order() -> None:
    found = local_engine(3).map(lambda x: time.sleep(0.02 if x % 3 == 0 else 0.0) or x, range(12))
    assert list(found) == list(range(12))


def test_several_items_are_worked_on_at_a_time() -> None:
    together = threading.Barrier(3, timeout=10)
    assert list(local_engine(3).map(lambda _: together.wait() >= 0, range(3))) == [True] * 3


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_items_are_taken_only_as_fast_as_results(threads: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = local_engine(threads).map(lambda x: x, items())
    for _ in range(5):
        next(results)
    assert taken <= 5 + 2 * threads


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_comes_out_as_it_is(threads: int) -> None:
    def refuse(x: int) -> int:
        if x == 2:
            raise ColumnNotFoundError("agee", ["age"])
        return x

    results = local_engine(threads).map(refuse, range(100))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ColumnNotFoundError) as raised:
        next(results)
    assert raised.value.available == ("age",)


def test_an_error_stops_the_rest() -> None:
    done = []

    def work(x: int) -> None:
        if x == 0:
            raise ValueError("no")
        time.sleep(0.01)
        done.append(x)

    with pytest.raises(ValueError, match="no"):
        list(local_engine(2).map(work, range(1_000)))
    assert len(done) < 10


def test_an_iterator_that_is_dropped_stops_the_rest() -> None:
    done = []
    results = local_engine(2).map(done.append, range(1_000))
    next(results)
    results.close()  # type: ignore[attr-defined]
    seen = len(done)
    time.sleep(0.05)
    assert len(done) <= seen + 2 < 20


@pytest.mark.parametrize("threads", [1, 2])
def test_control_c_stops_it(threads: int, interrupted: Callable[..., bytes]) -> None:
    code = f"""
import time
from tilth.engines import local_engine
print("working", flush=True)
list(local_engine({threads}).map(lambda x: time.sleep(0.1), range(10_000)))
"""
    assert b"KeyboardInterrupt" in interrupted(code, after_s=0.3)


def test_no_threads_are_refused() -> None:
    with pytest.raises(UsageError, match="an engine of 0 threads"):
        local_engine(0)


def test_engines_are_found_by_name() -> None:
    assert find_engine("local").workers >= 1
    with pytest.raises(UsageError, match=r"no engine 'rai'[\s\S]*one of local, ray[\s\S]*'ray'"):
        find_engine("rai")


def test_without_ray_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install tilth\[ray\]"):
        find_engine("ray")
