"""`tilth evaluate`: slices that are found, another model's column, and small slices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from project_factory import hurried_project, write_customers
from tilth.tables import open_table

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A file of anyone's: a model that is bad in Bonn, and one that is bad in Cork."""
    random = np.random.default_rng(0)
    city = random.choice(["Ayr", "Bonn", "Cork"], 3000, p=[0.693, 0.3, 0.007])
    truth = random.random(3000) < 0.4
    new = np.where(random.random(3000) < np.where(city == "Bonn", 0.4, 0.1), ~truth, truth)
    old = np.where(random.random(3000) < np.where(city == "Cork", 0.5, 0.3), ~truth, truth)
    path = tmp_path / "scored.parquet"
    pq.write_table(pa.table({"y": truth, "new": new, "old": old, "city": city}), path)
    return path


def _basic(path: Path) -> list[str]:
    return ["evaluate", str(path), "--label", "y", "--prediction", "new", "--slice", "city"]


def test_bad_slices_are_told_and_in_the_json(ask: Ask, scored: Path) -> None:
    status, out, _ = ask(*_basic(scored), "--discover")
    assert status == 0
    # The other model's answers are data to this one until they are named as answers.
    assert "city = 'Bonn'" in out
    status, out, _ = ask(*_basic(scored), "--discover", "--columns", "city", "--json")
    document = json.loads(out)
    assert [each["slice"] for each in document["discovered"]] == [{"city = 'Bonn'": "true"}]
    assert document["discovery"]["columns"] == ["city"]
    expression = document["discovered"][0]["expression"]
    _, out, _ = ask(*_basic(scored), "--slice", expression, "--json")
    found = [each["rows"] for each in json.loads(out)["slices"] if each["slice"] == {expression: "true"}]
    assert found == [document["discovered"][0]["rows"]]


def test_another_model_is_held_against_this_one(ask: Ask, scored: Path, tmp_path: Path) -> None:
    flips = tmp_path / "flips.csv"
    status, out, _ = ask(*_basic(scored), "--against", "old", "--flips", flips, "--discover")
    assert status == 0
    assert "against old, on the same 3,000 rows" in out
    status, out, _ = ask(*_basic(scored), "--against", "old", "--json")
    against = json.loads(out)["against"]
    assert [each["slice"] for each in against["slices"]] == [
        {},
        *({"city": c} for c in ("Ayr", "Bonn", "Cork")),
    ]
    counts = against["slices"][0]["flips"]
    assert counts["right_to_wrong"] + counts["wrong_to_right"] == open_table(flips).rows
    assert against["slices"][0]["difference"]["accuracy"]["low"] > 0


def test_small_slices_are_marked_by_the_rows_that_are_asked_for(ask: Ask, scored: Path) -> None:
    _, out, _ = ask(*_basic(scored))
    assert "city=Cork (small)" in out
    _, out, _ = ask(*_basic(scored), "--minimum-rows", "10")
    assert "(small)" not in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--columns", "city"], "add --discover"),
        (["--discover", "--columns", "town"], "no column 'town'"),
        (["--flips", "f.csv"], "name the other's column with --against"),
        (["--against", "older"], "did you mean 'old'"),
        (["--against", "city"], "'Ayr' is not a class of the label"),
        (["--minimum-rows", "0"], "--minimum-rows 0 marks nothing"),
    ],
)
def test_what_cannot_be_sought_is_refused(ask: Ask, scored: Path, options: list[str], said: str) -> None:
    status, out, err = ask(*_basic(scored), *options)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_run_tells_where_its_model_is_worse(ask: Ask, tmp_path: Path) -> None:
    toml = hurried_project(tmp_path, 3000).directory / "tilth.toml"
    random = np.random.default_rng(1)
    lines = (tmp_path / "customers.csv").read_text(encoding="utf-8").splitlines()
    flipped = [
        f"{line.rpartition(',')[0]},{random.choice(['yes', 'no'])}" if ",plus," in line else line
        for line in lines
    ]
    (tmp_path / "customers.csv").write_text("\n".join(flipped) + "\n", encoding="utf-8")
    text = toml.read_text(encoding="utf-8").replace("min = ", "min = -1 # ")
    toml.write_text(text, encoding="utf-8")
    status, _, told = ask("run", "--dir", tmp_path)
    assert status == 0
    assert "worse where   plan = 'plus': error rate" in told
    name = text.partition('name = "')[2].partition('"')[0]
    status, out, _ = ask("evaluate", "--model", f"{name}@1", "--dir", tmp_path, "--json")
    document = json.loads(out)
    assert document["discovered"][0]["expression"] == "plan = 'plus'"
    status, out, _ = ask("evaluate", "--model", f"{name}@1", "--dir", tmp_path)
    assert "on the dev part:" in out
    assert "found where the model is worse" in out
    status, out, err = ask("evaluate", "--model", f"{name}@1", "--dir", tmp_path, "--discover")
    assert (status, out) == (2, "")
    assert "DATA beside --model" in err
    more = write_customers(tmp_path / "more.csv", 500, seed=3)
    status, out, _ = ask("evaluate", more, "--model", f"{name}@1", "--dir", tmp_path, "--discover")
    assert (status, "slices of 3 columns tried" in out) == (0, True)
    toml.write_text(text.replace("[evaluate]\n", "[evaluate]\ndiscover = false\n"), encoding="utf-8")
    status, _, told = ask("run", "--dir", tmp_path)
    assert (status, "worse where" in told) == (0, False)


def test_flips_and_rows_that_cannot_be_read_never_replace_the_data(ask: Ask, scored: Path) -> None:
    before = scored.read_bytes()
    for option in (["--flips", scored], ["--bad-rows", scored]):
        status, _, told = ask(*_basic(scored), "--against", "old", *option)
        assert (status, "writing there would destroy it" in told) == (2, True)
    both = scored.with_name("both.csv")
    status, _, told = ask(*_basic(scored), "--against", "old", "--flips", both, "--html", both)
    assert (status, "two results are to be written to one file" in told) == (2, True)
    assert scored.read_bytes() == before
    assert not both.exists()
