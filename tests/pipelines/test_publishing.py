"""Publishing to MLflow: to a real server, to one that is away, and without the extra."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from project_factory import make_project, write_customers
from tilth.pipelines import StepReport, promote, run_pipeline
from tilth.projects import Project

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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # MLflow's client warns about itself
def test_runs_models_and_aliases_are_published(tmp_path: Path) -> None:
    with mlflow_server(tmp_path) as url:
        from mlflow import MlflowClient

        project = with_mlflow(make_project(tmp_path), url)
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
        model = report.artifact("model")
        assert model is not None
        assert (folder / "model.onnx").read_bytes() == project.artifacts().read_bytes(model.digest, ".onnx")

        run_pipeline(project, Silent())
        assert len(client.search_model_versions(f"name = '{project.name}'")) == 1

        write_customers(project.directory / "customers.csv", 600, seed=1)
        run_pipeline(project, Silent())
        assert client.get_model_version_by_alias(project.name, "challenger").tags["tilth.version"] == "2"
        assert promote(project).notes == ()
        assert client.get_model_version_by_alias(project.name, "champion").tags["tilth.version"] == "2"


@pytest.mark.slow
def test_a_server_that_is_away_does_not_undo_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    project = with_mlflow(make_project(tmp_path), "http://127.0.0.1:9")
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
    report = run_pipeline(with_mlflow(make_project(tmp_path), "http://127.0.0.1:9"), Silent())
    assert report.failure is None
    assert "needs an extra" in report.notes[0]
