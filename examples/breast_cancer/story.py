"""The whole loop on scikit-learn's breast cancer data, told as a story.

Patients are measured, a model is trained and served, outcomes come back; then a laboratory recalibrates
three measurements, the monitor says so, and the loop closes with a better model.

    python examples/breast_cancer/story.py [FOLDER]

The folder (default: a temporary one, removed at the end) holds the project.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from sklearn.datasets import load_breast_cancer

TILTH = str(Path(sys.executable).with_name("tilth"))
HISTORY, QUIET, RECALIBRATED, LATER = 270, 80, 130, 89
RECALIBRATION = {"worst radius": 0.75, "worst perimeter": 0.75, "worst concave points": 0.6}

Patient = dict[str, float]


def patients() -> tuple[list[Patient], list[str]]:
    """569 patients in an order of their own, with their diagnoses."""
    data = load_breast_cancer()
    order = np.random.default_rng(7).permutation(len(data.target))
    rows = [dict(zip(data.feature_names.tolist(), map(float, data.data[i]), strict=True)) for i in order]
    return rows, [str(data.target_names[data.target[i]]) for i in order]


def recalibrated(rows: Sequence[Patient]) -> list[Patient]:
    """The same patients, measured after the laboratory changed three of its instruments."""
    return [{name: value * RECALIBRATION.get(name, 1.0) for name, value in row.items()} for row in rows]


def tilth(*arguments: str, project: Path, expect: int = 0) -> str:
    """Run one command as a user would, show what it prints; stop if it ends otherwise than expected."""
    print(f"\n  $ tilth {' '.join(arguments)}", flush=True)
    done = subprocess.run(
        [TILTH, *arguments, "--dir", str(project)], capture_output=True, text=True, check=False
    )
    text = done.stderr + done.stdout
    print("\n".join(f"    {line}" for line in text.rstrip().splitlines()), flush=True)
    if done.returncode != expect:
        sys.exit(f"the story broke: exit status {done.returncode} where {expect} was expected")
    return text


@contextlib.contextmanager
def server(project: Path) -> Iterator[str]:
    """`tilth serve` in the background, on a free port; stopped at the end."""
    print("\n  $ tilth serve &", flush=True)
    log = (project / "serve.log").open("w")
    command = [TILTH, "serve", "--port", "0", "--dir", str(project)]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield wait_for_address(process, project / "serve.log")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The server's URL, once it has said it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"serving on (http://\S+)", log.read_text())
        if found:
            print(f"    serving on {found.group(1)}", flush=True)
            return found.group(1)
        time.sleep(0.05)
    sys.exit(f"the server did not start:\n{log.read_text()}")


def post(url: str, document: object) -> dict[str, object]:
    """POST JSON, return JSON."""
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, object] = json.load(answer)
        return found


def replay(url: str, rows: Sequence[Patient]) -> list[str]:
    """Send each patient as a request of its own; return the prediction ids."""
    answers = [post(f"{url}/predict", row) for row in rows]
    print(f"\n  {len(rows)} patients asked one by one; the last answer:\n    {json.dumps(answers[-1])}")
    return [str(answer["prediction_id"]) for answer in answers]


def outcomes(url: str, ids: Sequence[str], diagnoses: Sequence[str]) -> None:
    """Later: the pathologist's diagnoses arrive."""
    known = [{"prediction_id": i, "label": d} for i, d in zip(ids, diagnoses, strict=True)]
    print(f"\n  the diagnoses of {len(known)} of them arrive: {post(f'{url}/feedback', known)}", flush=True)


def served_version(url: str, version: int) -> None:
    """Wait until the server answers with a version."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with urllib.request.urlopen(url, timeout=10) as answer:
            if json.load(answer)["version"] == version:
                print(f"  the server answers with version {version} now; no request was lost", flush=True)
                return
        time.sleep(0.1)
    sys.exit(f"the server did not take up version {version}")


def title(text: str) -> None:
    """A stage of the story."""
    print(f"\n== {text}", flush=True)


def expect_alarm(project: Path) -> None:
    """The monitor must name exactly the measurements that were recalibrated."""
    command = [TILTH, "monitor", "--json", "--dir", str(project)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["drifted"]
    if sorted(found) != sorted(RECALIBRATION):
        sys.exit(f"the story broke: the monitor names {found}")
    print(f"\n  exactly the recalibrated measurements: {', '.join(sorted(found))}")


def expect_better(report: str) -> None:
    """The challenger must beat the champion on the recent patients that neither has learned from."""
    found = re.search(r"feedback.*?: champion f1 ([\d.]+) against ([\d.]+)", report)
    if not found or float(found.group(2)) <= float(found.group(1)):
        sys.exit("the story broke: the challenger is not better on recent data")
    print("\n  on recent patients the challenger beats the old champion")


def story(folder: Path) -> None:
    """Tell it."""
    rows, diagnoses = patients()
    cut = np.cumsum([HISTORY, QUIET, RECALIBRATED, LATER]).tolist()
    project = folder / "project"
    data = folder / "patients.csv"

    title("Data: what the clinic has measured so far")
    table = pa.Table.from_pylist(
        [{**r, "diagnosis": d} for r, d in zip(rows, diagnoses, strict=True)][: cut[0]]
    )
    pyarrow.csv.write_csv(table, data)
    print(
        f"  patients.csv: {table.num_rows} patients, {table.num_columns - 1} measurements and the diagnosis"
    )
    tilth("init", str(data), "--label", "diagnosis", project=project)
    toml = project / "tilth.toml"
    toml.write_text(toml.read_text().replace("window = 1000", "window = 100"))
    print("  in tilth.toml, the window of the monitor is set to the newest 100 patients")

    title("Features, model, evaluation: one command")
    tilth("run", project=project)
    print("\n  and once more: nothing has changed, so nothing is done")
    tilth("run", project=project)

    title("Deployment")
    with server(project) as url:
        ids = replay(url, rows[cut[0] : cut[1]])

        title("Monitoring: all is as it was in training")
        tilth("monitor", project=project)
        outcomes(url, ids, diagnoses[cut[0] : cut[1]])
        tilth("monitor", project=project)

        title("The laboratory recalibrates three instruments, and tells nobody")
        ids = replay(url, recalibrated(rows[cut[1] : cut[2]]))
        outcomes(url, ids, diagnoses[cut[1] : cut[2]])
        tilth("monitor", project=project, expect=1)
        expect_alarm(project)

        title("Back to the data: train with what production has taught")
        expect_better(tilth("run", "--with-feedback", project=project))
        tilth("promote", "--why", "better on the recalibrated measurements", project=project)
        served_version(url, 2)

        title("Quiet again")
        ids = replay(url, recalibrated(rows[cut[2] : cut[3]]))
        outcomes(url, ids, diagnoses[cut[2] : cut[3]])
        tilth("monitor", project=project)
    tilth("status", project=project)
    tilth("lineage", "patients@champion", "--upstream", project=project)
    print("\nOn your own data: .venv/bin/tilth init YOUR.csv --label COLUMN && .venv/bin/tilth run")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        story(Path(sys.argv[1]).absolute())
    else:
        with tempfile.TemporaryDirectory(prefix="tilth-story-") as scratch:
            story(Path(scratch))
