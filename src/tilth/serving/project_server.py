"""`tilth serve`: a project's champion behind the application."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from tilth.errors import NotFoundError
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.serving.app import create_app
from tilth.serving.live import ModelSource
from tilth.serving.scoring import ServedModel
from tilth.serving.server import serve
from tilth.serving.settings import ServingSettings
from tilth.store import ArtifactStore, Store
from tilth.tables import FeedbackLog, PredictionLog, statistic_columns
from tilth.types import JSONObject

__all__ = ["champion_source", "serve_project"]


def champion_source(project: Project, store: Store, artifacts: ArtifactStore) -> ModelSource:
    """The project's champion, whichever version that is at the moment."""

    def poll() -> tuple[str, int] | None:
        version = store.aliases(project.name).get("champion")
        return None if version is None else (project.name, version)

    def load(name: str, version: int) -> ServedModel:
        found = store.model_version(name, version)
        label = LabelEncoding.from_json(cast("JSONObject", found.properties["label"]))
        graph = Graph.from_path(artifacts.verify(found.artifact.digest, ".onnx"))
        text = artifacts.read_bytes(str(found.properties["schema"]), ".toml").decode()
        schema = _asked_of_requests(Schema.from_toml(text, where=f"the schema of {found.reference}"), graph)
        # A version from before it kept them was made with what tilth.toml says.
        kept = found.properties.get("missing", list(project.configuration.data.missing))
        missing = tuple(cast("list[str]", kept))
        return ServedModel(name, version, graph, label.task, label.classes, schema, missing)

    return ModelSource(poll, load)


def _asked_of_requests(schema: Schema, graph: Graph) -> Schema:
    """The schema without what profiles compute of images; what the model does not use is not required."""
    computed = set(statistic_columns({c.name: c.type for c in schema.columns})) - set(graph.inputs)
    columns = (c if c.name in graph.inputs else replace(c, required=False) for c in schema.columns)
    return replace(schema, columns=tuple(c for c in columns if c.name not in computed))


def serve_project(
    project: Project,
    *,
    host: str | None = None,
    port: int | None = None,
    started: Callable[[str, int], None] | None = None,
) -> None:
    """Serve the champion until SIGTERM or SIGINT; a newly promoted one takes over while requests go on.

    What requests must satisfy is the schema that belongs to the version, whatever schema.toml says by now.

    Args:
        project: the project.
        host: the address to listen on; default: the one in tilth.toml.
        port: the port, 0 for a free one; default: the one in tilth.toml.
        started: told the host and the port once the server answers.

    Raises:
        NotFoundError: there is no champion yet.
        UsageError: the address cannot be listened on.
    """
    section = project.configuration.serve
    settings = ServingSettings(unexpected_values=section.unexpected_values)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    try:
        with project.store() as store:
            if "champion" not in store.aliases(project.name):
                raise NotFoundError(
                    f"the model '{project.name}' has no champion", mend="make one with: tilth run"
                )
            source = champion_source(project, store, project.artifacts())
            app = create_app(source, log, feedback, settings=settings)
            serve(
                app,
                host or section.host,
                section.port if port is None else port,
                settings=settings,
                started=started,
            )
    finally:
        log.close()
        feedback.close()
