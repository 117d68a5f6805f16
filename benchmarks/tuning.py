"""What a search costs beside the fits that it makes: `tilth tune`, and the same fits in a bare loop.

    python benchmarks/tuning.py [--trials 50] [--turns 3] [--rows 30000]

Whole processes in turn, on one core: `tilth tune` on a project whose steps before the training are done, and
a script that loads the same features and fits LightGBM with the parameters of the same trials, the same early
stopping and the same metrics, one after the other. Trials are not pruned, so that both do the same fits; what
pruning saves is shown beside. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

TILTH = str(Path(sys.executable).with_name("tilth"))
ONE_CORE = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

BARE = """
import json, sys
import lightgbm, numpy as np
from sklearn.metrics import roc_auc_score
folder = sys.argv[1]
X, y, X_dev, y_dev = (np.load(f"{folder}/{name}.npy") for name in ("X", "y", "X_dev", "y_dev"))
for given in json.load(open(f"{folder}/trials.json")):
    usual = {"n_estimators": 200, "deterministic": True, "force_row_wise": True, "verbose": -1}
    model = lightgbm.LGBMClassifier(**{**usual, **given, "random_state": 0, "n_jobs": 1})
    stopping = [lightgbm.early_stopping(25, verbose=False)]
    model.fit(X, y, eval_X=(X, X_dev), eval_y=(y, y_dev), callbacks=stopping)
    print(roc_auc_score(y_dev, model.predict_proba(X_dev)[:, 1]))
"""


def make_project(folder: Path, rows: int) -> None:
    """A project of 14 numbers and 6 categories, where some depend on each other."""
    random = np.random.default_rng(0)
    numbers = {f"x{at}": random.normal(size=rows) for at in range(14)}
    texts = {f"c{at}": random.choice([f"v{k}" for k in range(4 + 3 * at)], rows) for at in range(6)}
    signal = numbers["x0"] * numbers["x1"] + numbers["x2"] + (texts["c0"] == "v1") * numbers["x3"]
    label = np.where(signal + random.normal(size=rows) > 0, "yes", "no")
    pyarrow.csv.write_csv(pa.table({**numbers, **texts, "label": label}), folder / "data.csv")
    subprocess.run(
        [TILTH, "init", "data.csv", "--label", "label"], cwd=folder, check=True, capture_output=True
    )
    subprocess.run([TILTH, "run", "sanity"], cwd=folder, check=True, capture_output=True)


def keep_features(project_folder: Path, folder: Path) -> None:
    """The rows that a search learns from, as arrays for the bare loop."""
    from tilth.pipelines import StepReport, run_pipeline
    from tilth.pipelines.tuning import _INPUTS, _made, _material
    from tilth.projects import Project

    class Quiet:
        def started(self, step: str) -> None:
            pass

        def ended(self, report: StepReport) -> None:
            pass

    project = Project.load(project_folder)
    report = run_pipeline(project, Quiet(), until="transform")
    inputs = {name: _made(report, name) for name in _INPUTS}
    material = _material(project, project.artifacts(), inputs)
    for part, suffix in (("train", ""), ("dev", "_dev")):
        rows = material.rows(part)
        rows = rows.take(rows.order())  # in which Tilth learns
        np.save(folder / f"X{suffix}.npy", rows.X)
        np.save(folder / f"y{suffix}.npy", rows.y)


def measure(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Wall and CPU seconds of one process with its children, and what it printed."""
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=ONE_CORE)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, cpu, done.stdout


def searched(project: Path, scratch: Path, trials: int, *, prune: bool) -> tuple[float, float, dict]:
    """A fresh search in a copy of the project."""
    copy = scratch / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy)
    with (copy / "tilth.toml").open("a") as file:
        file.write(f"\n[tune]\nprune = {str(prune).lower()}\n")
    measure([TILTH, "run", "sanity"], copy)
    wall, cpu, out = measure([TILTH, "tune", "--json", "--trials", str(trials)], copy)
    return wall, cpu, json.loads(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rows", type=int, default=30_000)
    given = parser.parse_args()
    figures: dict[str, list[tuple[float, float]]] = {"bare": [], "tune": [], "pruned": []}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        project, bare = scratch / "project", scratch / "bare"
        project.mkdir()
        bare.mkdir()
        make_project(project, given.rows)
        keep_features(project, bare)
        for _ in range(given.turns):
            wall, cpu, report = searched(project, scratch, given.trials, prune=False)
            figures["tune"].append((wall, cpu))
            tried = [trial["parameters"] for trial in report["trials"]]
            (bare / "trials.json").write_text(json.dumps(tried))
            wall, cpu, out = measure([sys.executable, "-c", BARE, str(bare)], bare)
            figures["bare"].append((wall, cpu))
            scores = [trial["score"]["value"] for trial in report["trials"]]
            np.testing.assert_allclose([float(line) for line in out.split()], scores, rtol=1e-6)
            wall, cpu, _ = searched(project, scratch, given.trials, prune=True)
            figures["pruned"].append((wall, cpu))
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, Python {platform.python_version()}; {given.trials} trials")
    print("\n| work | wall s | CPU s | CPU ratio |\n| --- | ---: | ---: | ---: |")
    names = {
        "bare": "the same fits in a bare loop",
        "tune": "`tilth tune`, nothing pruned",
        "pruned": "`tilth tune`",
    }
    for key, text in names.items():
        wall = statistics.median(wall for wall, _ in figures[key])
        cpu = statistics.median(cpu for _, cpu in figures[key])
        ratio = statistics.median(
            mine / theirs for (_, mine), (_, theirs) in zip(figures[key], figures["bare"], strict=True)
        )
        print(f"| {text} | {wall:.1f} | {cpu:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
