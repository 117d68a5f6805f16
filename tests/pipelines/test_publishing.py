"""Publishing to MLflow: to a real server, to one that is away, and without the extra."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from project_factory import hurried_project, write_customers
from repositories import git, repository
from tilth.errors import StoreError
from tilth.pipelines import StepReport, predict_table, promote, run_pipeline
from tilth.pipelines.publishing import _set_aliases
from tilth.projects import Project
from tilth.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

ROOT = Path(__file__).resolve().parents[2]
MLFLOW = Path(os.environ.get("TILTH_MLFLOW_SERVER", ROOT / ".venv-mlflow/bin/mlflow"))


class Silent:
    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def with_mlflow(project: Project, url: str) -> Project:
    settings = replace(project.settings, mlflow_url=url, mlflow_experiment=None)
    return replace(project, settings=settings)


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """A real MLflow server on a free port."""
    if not MLFLOW.exists():
        pytest.skip("no MLflow server here: make mlflow-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(MLFLOW), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "mlflow.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, folder / "mlflow.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=60)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the MLflow server did not start: {log.read_text()}")


FOLDERS = {"code", "configuration.json", "environment", "project", "results"}


def measured(run: Any) -> dict[str, float]:
    """The metrics that tell of the model, and not of the machine."""
    return {n: v for n, v in run.data.metrics.items() if not n.startswith(("system/", "steps/"))}


def check_what_is_recorded(client: MlflowClient, project: Project, run: Any) -> None:
    """All that is recorded of the first run is there too."""
    with project.store() as store:
        recorded, curves, used = store.all_metrics(1), store.curves(1), store.usage(1)
        environment = store.surroundings(1)["environment"]
        began = store.run(1).started
    assert run.info.start_time == round(began.timestamp() * 1000)
    for metric in recorded:
        assert run.data.metrics.get(metric.name) == metric.value
        assert run.data.metrics.get(f"{metric.name}.low") == metric.low
    assert curves
    for name, curve in curves.items():
        points = client.get_metric_history(run.info.run_id, name)
        assert [(p.step, p.value) for p in sorted(points, key=lambda p: p.step)] == list(enumerate(curve))
    assert run.data.metrics["steps/train/cpu_seconds"] == used["train"].cpu_s
    assert run.data.metrics["steps/train/peak_memory_megabytes"] == used["train"].peak_memory_mb
    memory = client.get_metric_history(run.info.run_id, "system/process_memory_megabytes")
    assert len(memory) == sum(len(usage.samples) for usage in used.values())
    assert {"train/auroc", "dev/auroc"} <= set(run.data.metrics)
    assert run.data.params["train.calibration"] == "none"
    assert run.data.params["split.fractions"] == "[0.6, 0.2, 0.2]"

    (given,) = run.inputs.dataset_inputs
    assert given.dataset.digest == run.data.tags["tilth.dataset"][:36]
    assert len(run.data.tags["mlflow.source.git.commit"]) == 40
    assert run.data.tags["mlflow.source.git.dirty"] == "true"
    assert "auroc" in run.data.tags["mlflow.note.content"]
    assert run.data.tags["tilth.environment"] == environment.digest
    with tempfile.TemporaryDirectory() as folder:
        patch = Path(client.download_artifacts(run.info.run_id, "code/changes.patch", folder)).read_text()
        assert "+# not committed" in patch
        lock = Path(client.download_artifacts(run.info.run_id, "environment/requirements.txt", folder))
        assert lock.read_bytes() == project.artifacts().read_bytes(environment.digest, ".txt")
        results = Path(client.download_artifacts(run.info.run_id, "results", folder))
        assert {"training.json", "evaluation.json", "schema.toml"} <= {f.name for f in results.iterdir()}
        assert (
            "auroc" in json.loads((results / "evaluation.json").read_text())["test"]["slices"][0]["metrics"]
        )
        written = Path(client.download_artifacts(run.info.run_id, "project", folder))
        assert (written / "features.py").read_text() == project.features_path.read_text()


LOAD = """
import json, sys
sys.path.append(sys.argv[1])  # for onnx and onnxruntime, which the server's environment has not
import mlflow, pandas
mlflow.set_tracking_uri(sys.argv[2])
model = mlflow.pyfunc.load_model("models:/customers@champion")
rows = pandas.DataFrame({"income": [30.0, 70.0], "age": [40, 41], "plan": ["basic", "pro"]})
said = model.predict(rows)
print(json.dumps({name: pandas.DataFrame(values).values.ravel().tolist() for name, values in said.items()}))
"""


def assert_its_own_client_answers_alike(project: Project, url: str, folder: Path) -> None:
    """MLflow's own client, in the server's environment, loads the champion and predicts with it."""
    rows = folder / "rows.csv"
    rows.write_text("income,age,plan\n30,40,basic\n70,41,pro\n")
    predict_table(project, str(rows), folder / "said.jsonl")
    ours = [json.loads(line) for line in (folder / "said.jsonl").read_text().splitlines()]
    command = [str(MLFLOW.parent / "python"), "-c", LOAD, sysconfig.get_path("purelib"), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    assert theirs["label"] == [row["tilth.label"] for row in ours]
    assert theirs["probabilities"][1::2] == pytest.approx([row["tilth.positive"] for row in ours], abs=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's client warns about itself
def test_runs_models_and_aliases_are_published(tmp_path: Path) -> None:
    with mlflow_server(tmp_path) as url:
        from mlflow import MlflowClient

        project = with_mlflow(hurried_project(repository(tmp_path / "project")), url)
        git(project.directory, "add", ".")
        git(project.directory, "commit", "--quiet", "--message", "first")
        with project.features_path.open("a") as file:
            file.write("# not committed\n")
        report = run_pipeline(project, Silent())
        assert report.notes == ()

        client = MlflowClient(tracking_uri=url, registry_uri=url)
        experiment = client.get_experiment_by_name(project.name)
        assert experiment is not None
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.info.status == "FINISHED"
        assert run.data.params["estimator"] == "lightgbm"
        assert run.data.params["n_estimators"] == "20"
        with project.store() as store:
            assert run.data.metrics["auroc"] == store.metrics(1)["auroc"]
        assert run.data.tags["tilth.dataset"] == report.artifact("dataset").fingerprint  # type: ignore[union-attr]

        champion = client.get_model_version_by_alias(project.name, "champion")
        assert champion.tags["tilth.version"] == "1"
        assert champion.run_id == run.info.run_id
        folder = Path(client.download_artifacts(run.info.run_id, "model", str(tmp_path)))
        assert {path.name for path in folder.iterdir()} == {"MLmodel", "model.onnx"}
        check_what_is_recorded(client, project, run)
        assert_its_own_client_answers_alike(project, url, tmp_path)
        model = report.artifact("model")
        assert model is not None
        assert (folder / "model.onnx").read_bytes() == project.artifacts().read_bytes(model.digest, ".onnx")

        assert run_pipeline(project, Silent()).notes == ()
        assert len(client.search_model_versions(f"name = '{project.name}'")) == 1
        again = client.search_runs([experiment.experiment_id], order_by=["start_time DESC"])[0]
        assert again.info.run_id != run.info.run_id
        assert measured(again) == measured(run), "a run that skipped everything shows its metrics"
        assert {f.path for f in client.list_artifacts(again.info.run_id)} == FOLDERS, (
            "the model is there already"
        )

        write_customers(project.directory / "customers.csv", 600, seed=1)
        run_pipeline(project, Silent())
        assert client.get_model_version_by_alias(project.name, "challenger").tags["tilth.version"] == "2"
        assert promote(project).notes == ()
        assert client.get_model_version_by_alias(project.name, "champion").tags["tilth.version"] == "2"
        assert set(client.get_registered_model(project.name).aliases) == {"champion"}


@pytest.mark.slow
def test_a_server_that_is_away_does_not_undo_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    project = with_mlflow(hurried_project(tmp_path), "http://127.0.0.1:9")
    report = run_pipeline(project, Silent())
    assert report.failure is None
    (note,) = report.notes
    assert note.startswith("not published to MLflow")
    with project.store() as store:
        assert store.aliases(project.name) == {"champion": 1}
        assert store.run(1).state == "complete"


def test_without_the_extra_the_note_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mlflow", None)
    report = run_pipeline(with_mlflow(hurried_project(tmp_path), "http://127.0.0.1:9"), Silent())
    assert report.failure is None
    assert "needs an extra" in report.notes[0]


class FakeClient:
    """What MLflow's client would do, in memory."""

    def __init__(self, aliases: dict[str, str]) -> None:
        self.aliases = aliases
        self.versions = [SimpleNamespace(version=n, tags={"tilth.version": n}) for n in ("1", "2")]

    def search_registered_models(self, _filter: str) -> list[str]:
        return ["customers"]

    def get_registered_model(self, _name: str) -> SimpleNamespace:
        return SimpleNamespace(aliases=dict(self.aliases))

    def search_model_versions(self, _filter: str) -> list[SimpleNamespace]:
        return self.versions

    def set_registered_model_alias(self, _name: str, alias: str, version: str) -> None:
        self.aliases[alias] = version

    def delete_registered_model_alias(self, _name: str, alias: str) -> None:
        del self.aliases[alias]


def test_an_alias_that_is_gone_here_goes_there_and_others_stay() -> None:
    client = FakeClient({"champion": "1", "challenger": "2", "audited": "1"})
    _set_aliases(client, "customers", {"champion": 2})  # type: ignore[arg-type]
    assert client.aliases == {"champion": "2", "audited": "1"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("no route to host"), "no route to host"),
        (StoreError("the artifact abc is damaged"), "the artifact abc is damaged"),
    ],
)
def test_whatever_fails_while_publishing_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fails(*_given: object) -> None:
        raise error

    monkeypatch.setattr("tilth.pipelines.publishing._experiment", fails)
    report = run_pipeline(with_mlflow(hurried_project(tmp_path, 300), "http://127.0.0.1:9"), Silent())
    assert report.failure is None
    assert words in report.notes[0]


def test_the_registry_and_the_experiment_may_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def client(**urls: object) -> SimpleNamespace:
        seen.update(urls)
        return SimpleNamespace(get_experiment=experiment)

    def experiment(number: str) -> None:
        seen["experiment"] = number
        raise OSError("that is enough")

    monkeypatch.setattr("mlflow.MlflowClient", client)
    project = with_mlflow(hurried_project(tmp_path, 300), "http://runs")
    settings = replace(project.settings, mlflow_registry="http://models", mlflow_experiment_id="7")
    run_pipeline(replace(project, settings=settings), Silent())
    assert seen == {"tracking_uri": "http://runs", "registry_uri": "http://models", "experiment": "7"}


def test_the_settings_of_mlflow_are_read() -> None:
    environment = {"MLFLOW_REGISTRY_URI": "http://models", "MLFLOW_EXPERIMENT_ID": "7"}
    found = Settings.from_environment(environment)
    assert (found.mlflow_registry, found.mlflow_experiment_id) == ("http://models", "7")
