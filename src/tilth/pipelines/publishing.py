"""Publishing runs and models to an MLflow server, for teams that keep their overview there."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

import tilth
from tilth.errors import StoreError, UsageError
from tilth.inference import Graph
from tilth.pipelines.published_run import PublishedRun, accepted
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runner import RunReport
from tilth.projects import Project
from tilth.store import ArtifactStore, ModelVersion, Run, Store
from tilth.types import JSONObject

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["publish", "publish_aliases"]

_ALIASES = ("challenger", "champion")
_METRICS_AT_ONCE = 1_000
_PARAMETERS_AT_ONCE = 100

T = TypeVar("T")


def publish(
    project: Project, store: Store, artifacts: ArtifactStore, run: Run, report: RunReport
) -> str | None:
    """Publish a run, and the model version that it registered, to the server that MLFLOW_TRACKING_URI names.

    Returns:
        The id of the MLflow run; None when no server is named.

    Raises:
        UsageError: the extra `tilth[mlflow]` is not installed, the server does not do as asked, or what is to
            be published cannot be read.
    """
    if project.settings.mlflow_url is None:
        return None
    with _client(project) as client:
        side = RunSide(store, artifacts, store.run(run.number))
        told = PublishedRun(project, store, artifacts, side, report)
        experiment = _experiment(client, project)
        made = client.create_run(experiment, start_time=told.began_ms, tags=told.tags())
        run_id = str(made.info.run_id)
        try:
            _log(client, run_id, told)
            version = _registered(store, artifacts, report)
            if version is not None:
                if _theirs(client, version.name, version.version) is None:
                    _upload_model(client, run_id, artifacts, version)
                    _register(client, run_id, version)
                _set_aliases(client, version.name, store.aliases(version.name))
        except BaseException:
            # What is half published must not look as if it still ran.
            with contextlib.suppress(Exception):
                client.set_terminated(run_id, "KILLED")
            raise
        status = "FAILED" if report.failure else "FINISHED"
        client.set_terminated(run_id, status, end_time=told.ended_ms)
        return run_id


def publish_aliases(project: Project, aliases: Mapping[str, int]) -> None:
    """Let champion and challenger on the MLflow server name the same versions as here, or none.

    Raises:
        UsageError: as `publish`.
    """
    if project.settings.mlflow_url is None:
        return
    with _client(project) as client:
        _set_aliases(client, project.name, aliases)


@contextlib.contextmanager
def _client(project: Project) -> Iterator[MlflowClient]:
    """A client of the server; whatever goes wrong with it, or on the way to it, as one sentence."""
    url = str(project.settings.mlflow_url)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise UsageError(
            "publishing to MLflow needs an extra",
            where=f"MLFLOW_TRACKING_URI={url}",
            mend="pip install 'tilth[mlflow]', or unset MLFLOW_TRACKING_URI",
        ) from error
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where MLflow tells people the run's address
            yield MlflowClient(tracking_uri=url, registry_uri=project.settings.mlflow_registry or url)
    except MlflowException as error:
        raise UsageError(
            f"the MLflow server does not do as asked: {str(error).splitlines()[0][:300]}",
            where=f"MLFLOW_TRACKING_URI={url}",
            mend="check that the server runs and may be written to",
        ) from error
    except (StoreError, OSError) as error:
        what = error.what if isinstance(error, StoreError) else str(error)
        raise UsageError(
            f"the run cannot be published: {what}",
            where=f"MLFLOW_TRACKING_URI={url}",
            mend="publish it again: tilth run",
        ) from error


def _experiment(client: MlflowClient, project: Project) -> str:
    if project.settings.mlflow_experiment_id is not None:
        return str(client.get_experiment(project.settings.mlflow_experiment_id).experiment_id)
    name = project.settings.mlflow_experiment or project.name
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _log(client: MlflowClient, run_id: str, told: PublishedRun) -> None:
    """Parameters, numbers, the data and files; in batches as large as a server takes."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    given = told.parameters()
    parameters = [Param(name, given[known]) for known, name in accepted(given).items()]
    for batch in _batches(parameters, _PARAMETERS_AT_ONCE):
        client.log_batch(run_id, params=batch)
    points = list(told.points())
    names = accepted(dict.fromkeys(point.name for point in points))
    metrics = [Metric(names[point.name], point.value, point.time_ms, point.step) for point in points]
    for some in _batches(metrics, _METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=some)
    data = told.dataset()
    if data is not None:
        context = InputTag("mlflow.data.context", "training")
        client.log_inputs(run_id, [DatasetInput(Dataset(**data), [context])])
    with tempfile.TemporaryDirectory() as folder:
        told.write_files(Path(folder))
        client.log_artifacts(run_id, folder)


def _batches(entries: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def _registered(store: Store, artifacts: ArtifactStore, report: RunReport) -> ModelVersion | None:
    """The version that the run registered, or found to be registered."""
    made = report.artifact("registration")
    if made is None:
        return None
    registration = json.loads(artifacts.read_bytes(made.digest, ".json"))
    return store.model_version(registration["model"], registration["version"])


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
            **_signature(Graph.from_path(folder / "model.onnx")),
        }
        # JSON is YAML, so the file that MLflow reads needs no YAML library here.
        (folder / "MLmodel").write_text(json.dumps(described, indent=2), encoding="utf-8")
        client.log_artifacts(run_id, str(folder), "model")


def _signature(graph: Graph) -> JSONObject:
    """What lets MLflow's client feed a data frame; none where an input is a list, an image or a recording."""
    if len(graph.tensors) < len(graph.inputs):
        return {}
    inputs = [
        {
            "name": name,
            "type": "tensor",
            "tensor-spec": {"dtype": np.dtype(dtype).name, "shape": [-1, 1]},
        }
        for name, dtype in graph.tensors.items()
    ]
    return {"signature": {"inputs": json.dumps(inputs), "outputs": None, "params": None}}


def _register(client: MlflowClient, run_id: str, version: ModelVersion) -> None:
    """A version in MLflow's registry, tagged with ours."""
    if not client.search_registered_models(f"name = '{version.name}'"):
        client.create_registered_model(version.name)
    tags = {"tilth.version": str(version.version), "validation_status": "approved"}
    client.create_model_version(version.name, f"runs:/{run_id}/model", run_id, tags=tags)


def _theirs(client: MlflowClient, name: str, version: int) -> str | None:
    """The number that MLflow gave to our version."""
    for found in client.search_model_versions(f"name = '{name}'"):
        if found.tags.get("tilth.version") == str(version):
            return str(found.version)
    return None


def _set_aliases(client: MlflowClient, name: str, aliases: Mapping[str, int]) -> None:
    """Move our aliases there, and remove those that are gone here; other people's are left alone."""
    if not client.search_registered_models(f"name = '{name}'"):
        return
    there = client.get_registered_model(name).aliases
    for alias in _ALIASES:
        number = _theirs(client, name, aliases[alias]) if alias in aliases else None
        if number is not None:
            client.set_registered_model_alias(name, alias, number)
        elif alias in there:
            client.delete_registered_model_alias(name, alias)
