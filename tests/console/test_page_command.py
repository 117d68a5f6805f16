"""`tilth errors page` as a command."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from console_visitor import rows

from tilth.tables import open_table, write_table


def test_a_port_that_is_taken_is_said(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    data = tmp_path / "scored.parquet"
    write_table(open_table(rows()), data)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        which = ["--data", data, "--label", "kind", "--prediction", "said", "--dir", tmp_path]
        status, out, err = ask("errors", "page", *which, "--port", port)
    assert (status, out) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in err


def test_whose_mistakes_must_be_said(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    status, _, err = ask("errors", "page", "--dir", tmp_path)
    assert status == 2
    assert "Traceback" not in err
