"""`tilth materialize` from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from lookup_projects import loans_project

Ask = Callable[..., tuple[int, str, str]]


def test_features_are_stored_and_what_is_stored_is_told(tmp_path: Path, ask: Ask) -> None:
    loans_project(tmp_path)
    status, out, _ = ask("materialize", "--dir", tmp_path)
    assert status == 0
    assert out.split()[:4] == ["balances", "written", "40", "keys,"]
    status, out, _ = ask("materialize", "balances", "--incremental", "--json", "--dir", tmp_path)
    (told,) = json.loads(out)["lookups"]
    assert (status, told["outcome"], told["keys"]) == (0, "unchanged", 40)
    assert told["newest"].startswith("2020-03-1")


def test_a_name_that_is_none_is_told(tmp_path: Path, ask: Ask) -> None:
    loans_project(tmp_path)
    status, _, err = ask("materialize", "balance", "--dir", tmp_path)
    assert status == 2
    assert "there is no look-up 'balance'" in err
