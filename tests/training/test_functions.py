"""Training functions of a project's own: what they get, what they may return, and what is refused."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tilth.errors import TrainingError
from tilth.features.blocks import Block
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import open_table
from tilth.training import Learned, Recipe, Rows, check_parity, export, learn
from tilth.types import Task

COLUMNS = ("a", "b", "c")
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write("def train(...): ...", layers="...")` is the folder with train.py and layers.py."""

    def files(text: str, **others: str) -> Path:
        (tmp_path / "train.py").write_text(textwrap.dedent(text), encoding="utf-8")
        for name, other in others.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(other), encoding="utf-8")
        return tmp_path

    return files


def encoding_of(task: Task) -> LabelEncoding:
    classes = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}[task]
    return LabelEncoding(task, classes)


def labels_of(task: Task, signal: np.ndarray) -> np.ndarray:
    if task == "regression":
        return signal
    return (signal > 0).astype(np.int64) if task == "binary" else np.digitize(signal, [-0.5, 0.5])


def learned_from(
    directory: Path,
    features: np.ndarray,
    signal: np.ndarray,
    *,
    task: Task = "binary",
    parameters: Mapping[str, object] | None = None,
    weights: np.ndarray | None = None,
    estimator: str = "train.py",
    watch: Callable[[int, Mapping[str, float]], None] | None = None,
) -> Learned:
    y = labels_of(task, signal)
    recipe = Recipe(
        encoding_of(task),
        estimator,
        parameters or {},
        directory=directory,
        feature_names=COLUMNS,
        blocks=(Block("frames", "f", 0, 3, (3, 1)),),
    )
    X = features / np.array([1, 1000, 0.3], np.float32)
    dev = Rows(X[300:], y[300:])
    train = Rows(X[:300], y[:300], None if weights is None else weights[:300])
    return learn(recipe, train, dev, watch=watch)


PIPELINE = """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
E = lambda: make_pipeline(StandardScaler(), LogisticRegression())
"""
ESTIMATORS: list[tuple[str, Task, str]] = [
    ("logistic", "binary", "from sklearn.linear_model import LogisticRegression as E"),
    ("lightgbm", "multiclass", "from lightgbm import LGBMClassifier\nE = lambda: LGBMClassifier(verbose=-1)"),
    ("forest", "multiclass", "from sklearn.ensemble import RandomForestClassifier as E"),
    ("ridge", "regression", "from sklearn.linear_model import Ridge as E"),
    ("pipeline", "binary", PIPELINE),
]


@pytest.mark.parametrize(
    ("task", "made"), [(t, m) for _, t, m in ESTIMATORS], ids=[n for n, _, _ in ESTIMATORS]
)
def test_an_estimator_that_it_returns_answers_and_goes_into_the_graph(
    write: Write, transform: bytes, features: np.ndarray, signal: np.ndarray, task: Task, made: str
) -> None:
    folder = write(f"{made}\ndef train(data, params):\n    return E().fit(data.X, data.y)\n")
    learned = learned_from(folder, features, signal, task=task)
    X = (features / np.array([1, 1000, 0.3])).astype(np.float32)
    table = open_table({name: X[:, at].astype(float) for at, name in enumerate(COLUMNS)})
    parity = check_parity(Graph.from_bytes(export(transform, learned)), learned, table, X)
    assert parity.passed, parity
    again = learned_from(folder, features, signal, task=task)
    assert export(transform, again) == export(transform, learned)


def test_it_gets_what_it_needs(write: Write, features: np.ndarray, signal: np.ndarray) -> None:
    folder = write("""
        from sklearn.dummy import DummyRegressor, DummyClassifier
        def train(data, params):
            assert data.X.dtype.name == "float32" and data.X.shape == (300, 3)
            assert data.y.shape == (300,) and data.y.dtype.name == "int64" and set(data.y.tolist()) == {0, 1}
            assert data.X_dev.shape == (100, 3) and data.y_dev.shape == (100,)
            assert data.weights is None and data.weights_dev is None
            assert data.groups is None and data.groups_dev is None
            assert data.feature_names == ("a", "b", "c") and data.classes == ("no", "yes")
            assert data.task == "binary" and data.seed == 0 and data.blocks[0].kind == "frames"
            assert params == {"depth": 3}
            params["depth"] = 4
            data.X[:] = 0
            return DummyClassifier().fit(data.X, data.y)
    """)
    parameters = {"depth": 3}
    before = features.copy()
    learned_from(folder, features, signal, parameters=parameters)
    assert parameters == {"depth": 3}
    assert np.array_equal(features, before)


def test_another_name_of_the_function(write: Write, features: np.ndarray, signal: np.ndarray) -> None:
    folder = write("""
        from sklearn.dummy import DummyClassifier
        def fit_small(data, params):
            return DummyClassifier().fit(data.X, data.y)
    """)
    assert learned_from(folder, features, signal, estimator="train.py:fit_small")
    with pytest.raises(TrainingError, match="no function 'train'"):
        learned_from(folder, features, signal)


def test_same_rows_in_any_order_and_its_own_chance_give_the_same(
    write: Write, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    folder = write("""
        import random
        import numpy as np
        from sklearn.linear_model import SGDClassifier
        def train(data, params):
            random.random()
            keep = np.random.rand(len(data.X)) < 0.5  # not seeded by the function itself
            return SGDClassifier(loss="log_loss").fit(data.X[keep], data.y[keep])
    """)
    state = np.random.get_state()[1].tolist()
    order = np.random.default_rng(0).permutation(300)
    order = np.concatenate([order, np.arange(300, 400)])
    models = [
        export(transform, learned_from(folder, features[o], signal[o])) for o in (np.arange(400), order)
    ]
    assert models[0] == models[1]
    assert np.random.get_state()[1].tolist() == state


def test_reports_are_curves_and_reach_who_watches(
    write: Write, features: np.ndarray, signal: np.ndarray
) -> None:
    folder = write("""
        from sklearn.dummy import DummyClassifier
        def train(data, params):
            for at in range(3):
                data.report(at, train_loss=1 / (at + 1), dev_loss=0.5)
            return DummyClassifier().fit(data.X, data.y)
    """)
    seen: list[tuple[int, dict[str, float]]] = []
    learned = learned_from(folder, features, signal, watch=lambda at, found: seen.append((at, dict(found))))
    assert learned.curves == {"train": {"loss": [1, 0.5, 1 / 3]}, "dev": {"loss": [0.5] * 3}}
    assert seen[0] == (0, {"train.loss": 1.0, "dev.loss": 0.5})
    assert [at for at, _ in seen] == [0, 1, 2]


class StopHereError(Exception):
    """What a search raises."""


@pytest.mark.parametrize("swallow", [False, True])
def test_who_watches_may_end_it(
    write: Write, features: np.ndarray, signal: np.ndarray, swallow: bool
) -> None:
    folder = write(f"""
        from sklearn.dummy import DummyClassifier
        def train(data, params):
            try:
                data.report(0, dev_loss=0.5)
            except Exception:
                if not {swallow}:
                    raise
            return DummyClassifier().fit(data.X, data.y)
    """)

    def stop(at: int, found: Mapping[str, float]) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        learned_from(folder, features, signal, watch=stop)


def test_weights_must_be_looked_at_where_they_are_asked_for(
    write: Write, features: np.ndarray, signal: np.ndarray
) -> None:
    text = """
        from sklearn.linear_model import LogisticRegression
        def train(data, params):
            return LogisticRegression().fit(data.X, data.y{})
    """
    weights = np.linspace(0, 3, len(signal))
    with pytest.raises(TrainingError, match=r"does not look at data\.weights"):
        learned_from(write(text.format("")), features, signal, weights=weights)
    weighted = learned_from(
        write(text.format(", sample_weight=data.weights")), features, signal, weights=weights
    )
    alike = learned_from(write(text.format("")), features, signal)
    assert not np.array_equal(weighted.scores(features[:5]), alike.scores(features[:5]))


def test_what_it_prints_does_not_mix_with_our_output(
    write: Write, features: np.ndarray, signal: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write("""
        import os
        from sklearn.dummy import DummyClassifier
        print("at the top")
        def train(data, params):
            print("within")
            os.chdir("/")
            return DummyClassifier().fit(data.X, data.y)
    """)
    here = Path.cwd()
    learned_from(folder, features, signal)
    said = capsys.readouterr()
    assert said.out == ""
    assert "at the top" in said.err
    assert "within" in said.err
    assert Path.cwd() == here


def test_modules_of_the_project_are_imported_anew_each_time(
    write: Write, features: np.ndarray, signal: np.ndarray
) -> None:
    text = """
        from layers import SIZE
        from parts import deep
        import parts.deep as same
        from sklearn.dummy import DummyClassifier
        def train(data, params):
            from later import LATER
            return DummyClassifier(strategy="constant", constant=SIZE + LATER + deep.DEEP - same.DEEP).fit(
                data.X, data.y
            )
    """
    path, modules = list(sys.path), set(sys.modules)
    for size in (0, 1):
        folder = write(
            text,
            layers=f"SIZE = {size}",
            later="LATER = 0",
            parts__deep="from . import top\nDEEP = top.A",
            parts__top="A = 3",
        )
        learned = learned_from(folder, features, signal)
        assert learned.scores(features[:1]).argmax() == size
    assert sys.path == path
    assert not {"train", "layers", "later", "parts"} & (set(sys.modules) - modules)
    assert not list(folder.rglob("*.pyc"))


FAILURES = [
    (
        "def train(data, params):\n    return 1 / 0",
        "ZeroDivisionError: division by zero",
        "train.py, line 2, in train",
    ),
    (
        "import sys\ndef train(data, params):\n    sys.exit(3)",
        r"sys\.exit\(3\)",
        "train.py, line 3, in train",
    ),
    ("raise SystemExit", "ended the process", "train.py, line 1"),
    ("def train(data, params):\n    raise MemoryError", "ran out of memory", "train.py, line 2, in train"),
    ("def train(data, params):\n    return (", "not Python", "train.py, line 2"),
    ("import no_such_module_x", "No module named 'no_such_module_x'", "train.py, line 1"),
    (
        "def train(data, params):\n    import numpy as np\n    np.linalg.inv(np.zeros((2, 2)))",
        "Singular matrix",
        "train.py, line 3, in train",
    ),
    ("x = 1", "no function 'train'", "train.py"),
    ("def trian(data, params): pass", "no function 'train'", "train.py"),
    ("def train(data): pass", "cannot be called with data and parameters", "train.py"),
    ("def train(data, params):\n    data.report(0, loss=1.0)", "was given 'loss'", "train.py, line 2"),
    ("def train(data, params):\n    data.report(0, dev_loss='x')", "dev_loss = 'x'", "train.py, line 2"),
    ("def train(data, params):\n    data.report(0, dev_loss=float('nan'))", "diverged", "train.py, line 2"),
    (
        "def train(data, params):\n    data.report(1, dev_a=1)\n    data.report(1, dev_a=1)",
        "came after",
        "train.py, line 3",
    ),
    ("def train(data, params):\n    def f(): f()\n    f()", "RecursionError", "train.py, line 2, in f"),
    ("\x00", "not Python|failed", "train.py"),
]


@pytest.mark.parametrize(("text", "what", "where"), FAILURES, ids=range(len(FAILURES)))
def test_a_failure_names_file_and_line(
    write: Write, features: np.ndarray, signal: np.ndarray, text: str, what: str, where: str
) -> None:
    with pytest.raises(TrainingError, match=what) as error:
        learned_from(write(text), features, signal)
    assert where in str(error.value.where)


def test_a_failure_shows_the_way_through_the_modules(
    write: Write, features: np.ndarray, signal: np.ndarray
) -> None:
    folder = write(
        "from layers import build\ndef train(data, params):\n    return build(data)\n",
        layers="def build(data):\n    return data.nothing\n",
    )
    with pytest.raises(TrainingError, match="no attribute 'nothing'") as error:
        learned_from(folder, features, signal)
    assert error.value.where == "train.py, line 3, in train; layers.py, line 2, in build"


def class_that_says(probabilities: str, classes: str = "numpy.arange(2)") -> str:
    """The rest of a function that returns an estimator of its own."""
    return f"""import numpy
    class M:
        classes_ = {classes}
        def predict(self, X): return X
        def predict_proba(self, X): return {probabilities}
    return M()"""


LINEAR = "from sklearn.linear_model import LogisticRegression as L, Ridge"
DUMMY = "from sklearn.dummy import DummyClassifier as D"
NONSENSE = [
    ("return None", "no return statement"),
    ("return 3", "a int has no predict"),
    (f"{LINEAR}\n    return L", "the class LogisticRegression"),
    (f"{LINEAR}\n    return L()", "a LogisticRegression has no classes_"),
    (f"{LINEAR}\n    return Ridge().fit(data.X, data.y)", "no predict_proba"),
    (f"{DUMMY}\n    return D().fit(data.X[:, :1], data.y)", "takes 1 features, and there are 3"),
    (f"{DUMMY}\n    return D().fit(data.X, [data.classes[c] for c in data.y])", "its classes are no, yes"),
    (f"{DUMMY}\n    return D().fit(data.X, data.y + 7)", "its classes are 7, 8"),
    ("return b'nonsense'", "cannot be run"),
    (class_that_says("X[:, :2] * float('nan')"), "NaN or infinity for 300 of 300 rows"),
    (class_that_says("numpy.full((len(X), 2), 0.2)"), "do not add up to 1"),
    (class_that_says("numpy.full((len(X), 2), 2.0)"), "reach from 2 to 2"),
    (class_that_says("numpy.full((len(X), 3), 1 / 3)"), "3 columns of probabilities"),
    (class_that_says("numpy.full((1, 2), 0.5)"), "for 300 rows"),
    (
        class_that_says("numpy.array([[1 / len(X), 1 - 1 / len(X)]] * len(X))"),
        "depends on the rows beside it",
    ),
    (class_that_says("{}['k']"), "cannot answer for rows: KeyError"),
    (class_that_says("None", "numpy.array([0.5, 1])"), "its classes are 0.5, 1"),
]


@pytest.mark.parametrize(("body", "what"), NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_that_it_returns_is_refused(
    write: Write, features: np.ndarray, signal: np.ndarray, body: str, what: str
) -> None:
    with pytest.raises(TrainingError, match=what) as error:
        learned_from(write(f"def train(data, params):\n    {body}\n"), features, signal)
    assert error.value.where


def test_an_estimator_without_a_graph_is_refused_at_the_export(
    write: Write, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    folder = write("""
        import numpy
        class Mine:
            classes_ = numpy.arange(2)
            n_features_in_ = 3
            def fit(self, X, y): return self
            def predict(self, X): return numpy.zeros(len(X))
            def predict_proba(self, X): return numpy.full((len(X), 2), 0.5)
        def train(data, params):
            return Mine().fit(data.X, data.y)
    """)
    with pytest.raises(TrainingError, match="Mine cannot be exported"):
        export(transform, learned_from(folder, features, signal))


def test_a_copy_of_the_process_does_not_go_on(
    write: Write, features: np.ndarray, signal: np.ndarray, tmp_path: Path
) -> None:
    folder = write("""
        import os
        from sklearn.dummy import DummyClassifier
        def train(data, params):
            child = os.fork()
            if child:
                os.waitpid(child, 0)
            elif params["raises"]:
                raise ValueError
            return DummyClassifier().fit(data.X, data.y)
    """)
    me = os.getpid()
    for raises in (False, True):
        learned_from(folder, features, signal, parameters={"raises": raises})
        (tmp_path / f"went on {os.getpid()}").touch()
        assert os.getpid() == me
    assert len(list(tmp_path.glob("went on *"))) == 1


def test_ctrl_c_in_it_is_ctrl_c(write: Write, features: np.ndarray, signal: np.ndarray) -> None:
    folder = write("def train(data, params): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        learned_from(folder, features, signal)


@pytest.mark.parametrize("name", ["/etc/train.py", "../train.py", "a/../../train.py", ".hidden/train.py"])
def test_a_file_outside_the_project_is_refused(
    write: Write, features: np.ndarray, signal: np.ndarray, name: str
) -> None:
    with pytest.raises(TrainingError, match="is not in the project"):
        learned_from(write(""), features, signal, estimator=name)


def test_a_file_that_is_not_there_is_said(tmp_path: Path, features: np.ndarray, signal: np.ndarray) -> None:
    with pytest.raises(TrainingError, match=r"there is no train\.py here"):
        learned_from(tmp_path, features, signal)
