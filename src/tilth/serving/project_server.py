"""`tilth serve`: a project's champion behind the application."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from tilth.errors import NotFoundError
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.projects import Project
from tilth.projects.serve_section import ServeSection
from tilth.schemas import Schema
from tilth.serving.app import create_app
from tilth.serving.hub import ServedProject
from tilth.serving.live import ModelSource
from tilth.serving.scoring import ServedModel
from tilth.serving.server import serve
from tilth.serving.settings import ServingSettings
from tilth.store import ArtifactStore, Store
from tilth.tables import FeedbackLog, PredictionLog, statistic_columns
from tilth.types import JSONObject

__all__ = ["champion_source", "serve_project", "served_project", "settings_of"]


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

    def beside() -> tuple[int, ...]:
        return tuple(
            number
            for number in (_number(project, store, each) for each in project.configuration.serve.versions)
            if number is not None
        )

    return ModelSource(poll, load, beside, project.name)


def _number(project: Project, store: Store, reference: str) -> int | None:
    """The version that an alias or a number names; None while there is none."""
    if reference.isdecimal():
        return int(reference)
    return store.aliases(project.name).get(reference)


def _asked_of_requests(schema: Schema, graph: Graph) -> Schema:
    """The schema without what profiles compute of images; what the model does not use is not required."""
    computed = set(statistic_columns({c.name: c.type for c in schema.columns})) - set(graph.inputs)
    columns = (c if c.name in graph.inputs else replace(c, required=False) for c in schema.columns)
    return replace(schema, columns=tuple(c for c in columns if c.name not in computed))


def settings_of(section: ServeSection) -> ServingSettings:
    """What tilth.toml says, as the server takes it.

    Example:
        >>> settings_of(ServeSection(deadline_ms=500)).deadline_s
        0.5
    """
    return ServingSettings(
        unexpected_values=section.unexpected_values,
        max_rows=section.max_rows,
        max_body_bytes=section.max_body_mb * 1024 * 1024,
        max_waiting=section.max_waiting,
        batch_rows=section.batch_rows,
        deadline_s=section.deadline_ms / 1000,
    )


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
    settings = settings_of(section)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with contextlib.ExitStack() as opened:
        projects = [project, *(Project.load(project.directory / each) for each in section.projects)]
        first, *beside = [opened.enter_context(served_project(each)) for each in projects]
        app = create_app(
            first.source,
            first.log,
            first.feedback,
            first.schema,
            entity=first.entity,
            beside=beside,
            settings=settings,
        )
        serve(
            app,
            host or section.host,
            section.port if port is None else port,
            settings=settings,
            started=started,
        )


@contextlib.contextmanager
def served_project(project: Project) -> Iterator[ServedProject]:
    """A project with its store and logs open.

    Raises:
        NotFoundError: there is no champion yet.
    """
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    try:
        with project.store() as store:
            if "champion" not in store.aliases(project.name):
                raise NotFoundError(
                    f"the model '{project.name}' has no champion", mend="make one with: tilth run"
                )
            source = champion_source(project, store, project.artifacts())
            yield ServedProject(source, log, feedback, entity=project.configuration.serve.entity)
    finally:
        log.close()
        feedback.close()
