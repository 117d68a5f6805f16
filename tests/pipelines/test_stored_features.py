"""Features in a file, where memory has no room for them, give the same model, and nothing of them stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from project_factory import make_project
from tilth.pipelines import feature_rows
from tilth.projects import Project
from tilth.training import rows as rows_module
from tilth.training import stored as stored_module

Ask = Callable[..., tuple[int, str, str]]


def outputs_of(project: Project) -> dict[str, str]:
    with project.store() as store:
        made = {execution.step: store.outputs(execution) for execution in store.executions(run=store.run(1))}
    return {
        name: made[step][name].digest
        for step, name in (
            ("sanity", "sanity"),
            ("train", "model"),
            ("train", "training"),
            ("curves", "curves"),
        )
    }


def test_a_run_on_stored_features_makes_the_same_files(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "plain" / "customers", tmp_path / "stored" / "customers"]
    for folder in folders:
        folder.mkdir(parents=True)
        make_project(folder)
    assert ask("run", "--dir", folders[0])[0] == 0
    kept: list[np.ndarray] = []
    keep = feature_rows.stored

    def counted(*given: object) -> np.ndarray:
        kept.append(keep(*given))  # type: ignore[arg-type]
        return kept[-1]

    for module in (feature_rows, rows_module):
        monkeypatch.setattr(module, "MOST_BYTES", 100)
    monkeypatch.setattr(feature_rows, "stored", counted)
    monkeypatch.setattr(stored_module, "_is_near", lambda _: False)
    assert ask("run", "--dir", folders[1])[0] == 0
    assert [type(found) for found in kept] == [np.memmap] * 3
    plain, stored = (outputs_of(Project.load(folder)) for folder in folders)
    assert plain == stored
    assert not list((folders[1] / ".tilth").glob("features-*"))
