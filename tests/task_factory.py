"""Small projects of several labels and of rankings: seeded data and what `tilth init` makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tilth.pipelines import RunReport, StepReport, run_pipeline
from tilth.projects import Project, initialize

LABELS = ("large", "sea", "sky", "sunset")


def photos(rows: int = 400, *, seed: int = 0) -> list[dict[str, object]]:
    """Rows with figures of a photo and any number of labels that depend on them."""
    random = np.random.default_rng(seed)
    found: list[dict[str, object]] = []
    for _ in range(rows):
        red, blue = (float(value) for value in np.round(random.random(2), 3))
        size = round(float(random.normal(10, 3)), 2)
        place = str(random.choice(["coast", "hill", "town"]))
        noise = random.normal(0, 0.05, 3)
        has = (
            size > 13,
            place == "coast" and random.random() < 0.9,
            blue + noise[0] > 0.5,
            red + noise[1] > 0.7,
        )
        labels = [name for name, there in zip(LABELS, has, strict=True) if there]
        found.append({"red": red, "blue": blue, "size": size, "place": place, "tags": labels})
    return found


def write_photos(path: Path, rows: int = 400, *, seed: int = 0) -> Path:
    """The photos as JSON lines with lists, or as CSV with "|" between labels."""
    made = photos(rows, seed=seed)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
        return path
    lines = ["red,blue,size,place,tags"]
    for row in made:
        labels = row["tags"]
        assert isinstance(labels, list)
        shown = "|".join(labels) or "|"
        lines.append(f"{row['red']},{row['blue']},{row['size']},{row['place']},{shown}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def offers(queries: int = 60, *, seed: int = 0) -> list[dict[str, object]]:
    """Offers that a search found, graded 0 to 3 by what makes them better than the others of their query."""
    random = np.random.default_rng(seed)
    found: list[dict[str, object]] = []
    for query in range(queries):
        size = int(random.integers(5, 15))
        price, rating = random.normal(50, 10, size).round(2), random.uniform(1, 5, size).round(2)
        brand = random.choice(["a", "b", "c"], size)
        worth = rating - 0.05 * price + (brand == "a") + random.normal(0, 0.4, size)
        grades = np.digitize(worth - np.median(worth), [0.5, 1.5, 2.5])
        columns = zip(price.tolist(), rating.tolist(), brand.tolist(), grades.tolist(), strict=True)
        found += [
            {"query": f"q{query}", "price": p, "rating": r, "brand": b, "grade": g} for p, r, b, g in columns
        ]
    return found


def write_offers(path: Path, queries: int = 60, *, seed: int = 0) -> Path:
    """The offers as CSV."""
    rows = offers(queries, seed=seed)
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quick(project_folder: Path) -> Project:
    """The project there, made quick to train: few trees, no rehearsals."""
    toml = project_folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8").replace("min = -0.05", "min = -0.5")
    text = text.replace(
        "parameters = {}",
        "parameters = { n_estimators = 20 }\nsanity_checks = false\nlearning_curve = []",
    )
    toml.write_text(text, encoding="utf-8")
    return Project.load(project_folder)


def photo_project(folder: Path, rows: int = 400, *, suffix: str = ".csv") -> Project:
    """A project of several labels."""
    initialize(write_photos(folder / f"photos{suffix}", rows), "tags", folder, task="multilabel")
    return quick(folder)


def offer_project(folder: Path, queries: int = 60) -> Project:
    """A project of a ranking."""
    initialize(write_offers(folder / "offers.csv", queries), "grade", folder, group="query")
    return quick(folder)


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run_silently(project: Project, *, with_feedback: bool = False) -> RunReport:
    """`tilth run` without a word."""
    return run_pipeline(project, Silent(), with_feedback=with_feedback)
