"""Publishing runs and models to an MLflow server, for teams that keep their overview there."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import tilth
from tilth.errors import UsageError
from tilth.pipelines.runner import RunReport, code_version
from tilth.projects import Project
from tilth.store import ArtifactStore, ModelVersion, Run, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["publish", "publish_aliases"]


def publish(
    project: Project, store: Store, artifacts: ArtifactStore, run: Run, report: RunReport
) -> str | None:
    """Publish a run, and the model version that it registered, to the server that MLFLOW_TRACKING_URI names.

    Returns:
        The id of the MLflow run; None when no server is named.

    Raises:
        UsageError: the extra `tilth[mlflow]` is not installed, or the server does not do as asked.
    """
    if project.settings.mlflow_url is None:
        return None
    client = _client(project.settings.mlflow_url)
    with _in_words(project.settings.mlflow_url):
        experiment = _experiment(client, project.settings.mlflow_experiment or project.name)
        tags = {
            "mlflow.runName": f"{project.name} run {run.number}",
            "mlflow.source.name": "tilth run",
            "tilth.run": str(run.number),
            "tilth.code": code_version(),
            **{f"tilth.{name}": digest for name, digest in _digests(report).items()},
        }
        made = client.create_run(experiment, tags=tags)
        run_id = str(made.info.run_id)
        _log(client, run_id, _parameters(project), store.metrics(run))
        version = _registered(project, store, report)
        if version is not None:
            _upload_model(client, run_id, artifacts, version)
            _register(client, run_id, version, store.aliases(project.name))
        client.set_terminated(run_id, "FAILED" if report.failure else "FINISHED")
        return run_id


def publish_aliases(project: Project, aliases: Mapping[str, int]) -> None:
    """Let the aliases on the MLflow server name the same versions as here.

    Raises:
        UsageError: as `publish`.
    """
    if project.settings.mlflow_url is None:
        return
    client = _client(project.settings.mlflow_url)
    with _in_words(project.settings.mlflow_url):
        _set_aliases(client, project.name, aliases)


def _client(url: str) -> MlflowClient:
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise UsageError(
            "publishing to MLflow needs an extra",
            where=f"MLFLOW_TRACKING_URI={url}",
            mend="pip install 'tilth[mlflow]', or unset MLFLOW_TRACKING_URI",
        ) from error
    return MlflowClient(tracking_uri=url, registry_uri=url)


@contextlib.contextmanager
def _in_words(url: str) -> Iterator[None]:
    """MLflow's own errors as one sentence."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        raise UsageError(
            f"the MLflow server does not do as asked: {str(error).splitlines()[0][:300]}",
            where=f"MLFLOW_TRACKING_URI={url}",
            mend="check that the server runs and may be written to",
        ) from error


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _digests(report: RunReport) -> dict[str, str]:
    """The fingerprint of the data and the digests of what was made."""
    found = {}
    for name in ("dataset", "split", "transform", "model"):
        artifact = report.artifact(name)
        if artifact is not None:
            found[name] = artifact.fingerprint or artifact.digest
    return found


def _parameters(project: Project) -> dict[str, str]:
    train, split = project.configuration.train, project.configuration.split
    chosen = {
        "estimator": train.estimator,
        "seed": train.seed,
        "threshold": train.threshold,
        "split": split.method,
    }
    return {name: str(value) for name, value in (chosen | dict(train.parameters)).items()}


def _log(
    client: MlflowClient, run_id: str, parameters: Mapping[str, str], metrics: Mapping[str, float | None]
) -> None:
    for name, value in parameters.items():
        client.log_param(run_id, name, value[:6000])
    for name, number in metrics.items():
        if number is not None:
            client.log_metric(run_id, name.replace("=", "_"), number)


def _registered(project: Project, store: Store, report: RunReport) -> ModelVersion | None:
    model = report.artifact("model")
    if model is None or report.artifact("registration") is None:
        return None
    return next((v for v in store.model_versions(project.name) if v.artifact.digest == model.digest), None)


def _upload_model(client: MlflowClient, run_id: str, artifacts: ArtifactStore, version: ModelVersion) -> None:
    """The graph as an MLflow model folder with the ONNX flavor: no pickle."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copyfile(artifacts.verify(version.artifact.digest, ".onnx"), folder / "model.onnx")
        described = {
            "artifact_path": "model",
            "flavors": {
                "onnx": {"data": "model.onnx"},
                "python_function": {"loader_module": "mlflow.onnx", "data": "model.onnx"},
            },
            "model_uuid": version.artifact.digest[:32],
            "run_id": run_id,
            "utc_time_created": version.created.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "metadata": {"tilth_version": tilth.__version__, "tilth_model": version.reference},
        }
        # JSON is YAML, so the file that MLflow reads needs no YAML library here.
        (folder / "MLmodel").write_text(json.dumps(described, indent=2), encoding="utf-8")
        client.log_artifacts(run_id, str(folder), "model")


def _register(client: MlflowClient, run_id: str, version: ModelVersion, aliases: Mapping[str, int]) -> None:
    """A version in MLflow's registry, tagged with ours; made once."""
    if not client.search_registered_models(f"name = '{version.name}'"):
        client.create_registered_model(version.name)
    if _theirs(client, version.name, version.version) is None:
        tags = {"tilth.version": str(version.version), "validation_status": "approved"}
        client.create_model_version(version.name, f"runs:/{run_id}/model", run_id, tags=tags)
    _set_aliases(client, version.name, aliases)


def _theirs(client: MlflowClient, name: str, version: int) -> str | None:
    """The number that MLflow gave to our version."""
    for found in client.search_model_versions(f"name = '{name}'"):
        if found.tags.get("tilth.version") == str(version):
            return str(found.version)
    return None


def _set_aliases(client: MlflowClient, name: str, aliases: Mapping[str, int]) -> None:
    for alias, version in aliases.items():
        number = _theirs(client, name, version)
        if number is not None:
            client.set_registered_model_alias(name, alias, number)
