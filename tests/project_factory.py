"""Small projects for tests: a seeded CSV and what `tilth init` makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tilth.projects import Project, initialize


def write_customers(path: Path, rows: int = 400, *, seed: int = 0, shift: float = 0.0) -> Path:
    """A table with numbers, a category with missing values, and a label that depends on both."""
    random = np.random.default_rng(seed)
    income = random.normal(50 + shift, 10, rows)
    age = random.integers(18, 80, rows)
    plan = random.choice(["basic", "plus", "pro", "?"], rows, p=[0.5, 0.3, 0.15, 0.05])
    bought = income / 10 + (plan == "pro") * 2 + random.normal(0, 1, rows) > 5.5
    lines = ["income,age,plan,bought"]
    lines += [
        f"{i:.3f},{a},{p},{'yes' if b else 'no'}"
        for i, a, p, b in zip(income, age, plan, bought, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def make_project(folder: Path, rows: int = 400) -> Project:
    """A project on such a table, quick to train."""
    data = write_customers(folder / "customers.csv", rows)
    initialize(data, "bought", folder)
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    # Few trees are quick, but no match for the linear baseline on data that is linear.
    text = text.replace("parameters = {}", "parameters = { n_estimators = 20 }").replace(
        "min = -0.05", "min = -0.5"
    )
    toml.write_text(text, encoding="utf-8")
    return Project.load(folder)


def hurried_project(folder: Path, rows: int = 400) -> Project:
    """The same without sanity checks and learning curves, for tests of what comes before or after them."""
    toml = make_project(folder, rows).directory / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    text = text.replace("[train]\n", "[train]\nsanity_checks = false\nlearning_curve = []\n")
    toml.write_text(text, encoding="utf-8")
    return Project.load(folder)
