"""Each example of the pages on calling the server is run against the census project, served."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from served import serving, tilth

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COLUMNS = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,label"
)


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, shared_data: Callable[[str], Path]
) -> Iterator[tuple[str, str]]:
    """The census project behind a server: where it answers HTTP and gRPC."""
    folder = tmp_path_factory.mktemp("census")
    with gzip.open(shared_data("census-adult/adult.data.gz"), "rt", encoding="utf-8") as file:
        rows = [line for line in file if line.count(",") == COLUMNS.count(",")][:2500]
    (folder / "census.csv").write_text("\n".join([COLUMNS, *(row.strip() for row in rows)]) + "\n")
    assert tilth("init", "census.csv", "--label", "label", folder=folder).returncode == 0
    toml = folder / "tilth.toml"
    grpc_port = free_port()
    serve = f"[serve]\nexplain = true\ngrpc_port = {grpc_port}\n"
    text = toml.read_text(encoding="utf-8").replace("[serve]\n", serve)
    text = text.replace("[train]\n", "[train]\nsanity_checks = false\nlearning_curve = []\n")
    toml.write_text(text.replace("min = -0.05", "min = -0.5"), encoding="utf-8")
    done = tilth("run", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    with serving(folder) as (url, _):
        yield url.removeprefix("http://"), f"127.0.0.1:{grpc_port}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def shape(value: object) -> object:
    """The keys of JSON values, and the kinds of what they hold."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.slow
def test_the_examples_of_the_page_do_what_it_says(address: tuple[str, str], tmp_path: Path) -> None:
    blocks = BLOCK.findall((DOCS / "calling-the-server.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 12
    said: list[str] = []
    for language, code in blocks:
        if language in ("bash", "python"):
            said.append(run(language, code.replace("localhost:8080", address[0]), tmp_path))
        elif language == "json":
            assert shape(json.loads(said[-1])) == shape(json.loads(code)), code
        else:
            shown, found = (list(csv.reader(io.StringIO(text))) for text in (code, said[-1]))
            assert (found[0], [len(row) for row in found]) == (shown[0], [len(row) for row in shown])
    everything = "\n".join(said)
    assert '"explanation":{' in everything
    assert "[{'label': '<=50K'" in everything
    assert re.search(r"\[b?'<=50K'\] \d{8}T\d{6}-", everything)  # what tritonclient printed
    assert said[-1].splitlines() == ["200", "['<=50K']"]


@pytest.mark.slow
def test_the_examples_of_the_protocol_over_both_transports(address: tuple[str, str], tmp_path: Path) -> None:
    first = BLOCK.findall((DOCS / "calling-the-server.md").read_text(encoding="utf-8"))[0]
    said = []
    for language, code in (first, *BLOCK.findall((DOCS / "open-inference.md").read_text(encoding="utf-8"))):
        here = code.replace("localhost:8080", address[0]).replace("localhost:8081", address[1])
        said.append(run(language, here, tmp_path))
    _, over_http, over_grpc = said
    assert over_http.split(" ", 1) == ["42", "(2, 2)\n"]
    assert re.match(r"\[b'<=50K'\] \d{8}T\d{6}-", over_grpc)


def run(language: str, code: str, folder: Path) -> str:
    """What an example prints."""
    command = ["bash", "-euo", "pipefail", "-c", code] if language == "bash" else [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=folder, check=False, env=environment
    )
    assert done.returncode == 0, code + done.stdout + done.stderr
    assert "error" not in done.stdout or '"error"' in code or "errors=" in code or "csv" in code, done.stdout
    return done.stdout
