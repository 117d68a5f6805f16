"""A project's own train.py through `tilth run`: skipped where nothing changed, kept, reproduced, blamed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import make_project
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]
TILTH = str(Path(sys.executable).with_name("tilth"))

TRAIN = """
from layers import make

def train(data, params):
    return make(params).fit(data.X, data.y)
"""
LAYERS = """
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def make(params):
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(**params))
"""


def own_project(folder: Path, text: str = TRAIN, rows: int = 200, **others: str) -> Project:
    """A project that trains with a train.py, without the sanity checks, which train many times."""
    project = make_project(folder, rows)
    for name, content in {"train": text, **others}.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8").replace('estimator = "lightgbm"', 'estimator = "train.py"')
    text = text.replace(
        "parameters = { n_estimators = 20 }", "parameters = { C = 0.5 }\nsanity_checks = false"
    )
    toml.write_text(re.sub("learning_curve = .*", "", text) + "\n", encoding="utf-8")
    return Project.load(project.directory)


def states(out: str) -> dict[str, str]:
    return {name: mark for mark, name in re.findall(r"([✓✗-]) (\w+)", out)}


def assert_consistent(project: Project) -> None:
    """Every recorded output is there, whole, nothing is under way, and no draft is left."""
    artifacts = project.artifacts()
    with project.store() as store:
        for execution in store.executions():
            assert execution.state != "running"
            for artifact in store.outputs(execution).values():
                artifacts.verify(artifact.digest, str(artifact.properties["suffix"]))
        assert all(run.state != "running" for run in store.runs())


def test_it_is_trained_skipped_trained_again_and_reproduced(tmp_path: Path, ask: Ask) -> None:
    project = own_project(tmp_path, layers=LAYERS)
    status, out, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    status, out, err = ask("run", "--dir", tmp_path)
    assert status == 0
    assert states(out + err)["train"] == "-"
    (tmp_path / "notes.py").write_text("changed = True\n")
    (tmp_path / "layers.py").touch()
    assert states("".join(ask("run", "--dir", tmp_path)[1:]))["train"] == "-"
    (tmp_path / "layers.py").write_text(LAYERS.replace("StandardScaler()", "StandardScaler(with_mean=False)"))
    assert states("".join(ask("run", "--dir", tmp_path)[1:]))["train"] == "✓"
    status, out, err = ask("reproduce", "1", "--dir", tmp_path)
    assert (status, "identical" in out + err) == (0, True), err
    (tmp_path / "train.py").unlink()
    assert ask("reproduce", "1", "--dir", tmp_path)[0] == 0
    assert "customers@1" in ask("lineage", "layers.py", "--downstream", "--dir", tmp_path)[1]
    assert_consistent(project)


BROKEN = {
    "raises": (
        "def train(data, params):\n    return data.X[10**9]\n",
        "IndexError",
        "train.py, line 2, in train",
    ),
    "returns nothing": ("def train(data, params): pass\n", "no return statement", "what train.py returned"),
    "exits": ("import sys\ndef train(data, params): sys.exit(0)\n", "sys.exit(0)", "train.py, line 2"),
    "is no Python": ("def train(data, params)\n", "not Python", "train.py, line 1"),
    "needs memory": ("def train(data, params): raise MemoryError\n", "ran out of memory", "train.py, line 1"),
    "is not there": (None, "there is no train.py here", "train(data, params)"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_function_ends_the_run_with_one_message(tmp_path: Path, ask: Ask, case: str) -> None:
    text, what, where = BROKEN[case]
    project = own_project(tmp_path, text or "")
    if text is None:
        (tmp_path / "train.py").unlink()
    status, out, err = ask("run", "--dir", tmp_path)
    assert status == 2
    assert what in err
    assert where in err
    assert "Traceback" not in out + err
    assert_consistent(project)
    with project.store() as store:
        assert store.runs(limit=1)[0].state == "failed"
        assert not store.model_versions(project.name)
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "layers.py").write_text(LAYERS)
    assert ask("run", "--dir", tmp_path)[0] == 0


FORKS = """
import os
from layers import make

def train(data, params):
    if not os.fork():
        return make(params).fit(data.X, data.y)
    os.wait()
    return make(params).fit(data.X, data.y)
"""


def test_a_function_that_forks_registers_one_model(tmp_path: Path, ask: Ask) -> None:
    project = own_project(tmp_path, FORKS, layers=LAYERS)
    assert ask("run", "--dir", tmp_path)[0] == 0
    assert_consistent(project)
    with project.store() as store:
        assert [e.state for e in store.executions() if e.step == "train"] == ["complete"]
        assert [v.version for v in store.model_versions(project.name)] == [1]


def test_what_it_prints_is_not_part_of_the_json(tmp_path: Path, ask: Ask) -> None:
    own_project(
        tmp_path, "print('top')\n" + TRAIN.replace("    return", "    print('hi')\n    return"), layers=LAYERS
    )
    status, out, err = ask("run", "--json", "--dir", tmp_path)
    assert (status, out.lstrip()[0]) == (0, "{")
    assert "hi" in err


SLOW = """
import time
from pathlib import Path

def train(data, params):
    Path(__file__).with_name("begun").touch()
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_interrupted_function_leaves_all_consistent(
    tmp_path: Path, ask: Ask, how: signal.Signals, status: int
) -> None:
    project = own_project(tmp_path, SLOW)
    process = subprocess.Popen(
        [TILTH, "run", "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert "Traceback" not in out + err
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "layers.py").write_text(LAYERS)
    assert ask("run", "--dir", tmp_path)[0] == 0
    assert_consistent(project)


LIBRARY = """
from sklearn.linear_model import LogisticRegression
from tilth.training.sklearn_graphs import convert_sklearn

class Mine(LogisticRegression):
    def conversion(self, opset):
        plain = LogisticRegression()
        plain.__dict__.update(self.__dict__)
        return convert_sklearn(plain, self.n_features_in_, opset, double=True)
"""


def test_another_version_of_a_library_of_ones_own_trains_again(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_project(tmp_path)
    library = tmp_path / "site" / "my_estimators_x"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(library.parent))
    toml = tmp_path / "tilth.toml"
    toml.write_text(toml.read_text().replace('"train.py"', '"my_estimators_x.Mine"'))
    (tmp_path / "features.py").write_text("def features(x):\n    return {'a': x['age'].zscore()}\n")
    toml.write_text(re.sub(r"(?s)\n\[\[checks\]\].*", "\n", toml.read_text()))
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    assert states("".join(ask("run", "--dir", tmp_path)[1:]))["train"] == "-"
    (library / "__init__.py").write_text(LIBRARY + "# changed\n")
    assert states("".join(ask("run", "--dir", tmp_path)[1:]))["train"] == "✓"
