"""`tilth serve`: a project's champion behind the application."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tilth.errors import NotFoundError, ProjectError, TilthError, UsageError, closest
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.projects import Project
from tilth.projects.privacy import as_private_as_now
from tilth.projects.serve_section import ServeSection
from tilth.schemas import Schema
from tilth.serving.admin import AdminPort
from tilth.serving.app import GrpcAddress, create_app
from tilth.serving.hub import ServedProject
from tilth.serving.listening import listen, reserve
from tilth.serving.live import Look, ModelSource
from tilth.serving.lookups import with_lookups
from tilth.serving.meter_blocks import meter_folder
from tilth.serving.metering import Meters
from tilth.serving.project_lookups import ProjectLookups
from tilth.serving.scoring import ServedModel
from tilth.serving.security import exposures, gate_of, tls_of
from tilth.serving.server import serve
from tilth.serving.settings import ServingSettings
from tilth.serving.structured_logs import LogFormat, configure_logs
from tilth.serving.supervision import supervise
from tilth.serving.tracing import tracer_from_environment
from tilth.serving.workers import Seat
from tilth.store import ArtifactStore, ModelVersion, Store
from tilth.tables import (
    Compactor,
    FeedbackLog,
    PredictionLog,
    located_sink,
    personal_columns,
    redaction_key,
    statistic_columns,
)
from tilth.tables.event_times import parse_age
from tilth.types import JSONObject

if TYPE_CHECKING:
    from tilth.serving.explaining import Explainer

__all__ = [
    "ServePlan",
    "champion_source",
    "serve_in_seat",
    "serve_project",
    "served_project",
    "settings_of",
    "threads_of",
]

_log = logging.getLogger("tilth.serving")

_COMPACTED_S = 60.0
"""How often the log is looked at for closed files, in seconds; more often where they are closed sooner."""

_LOOKS = 50
"""How many runs of `tilth monitor` are looked through for this project's, in a store that several share."""


def champion_source(
    project: Project,
    store: Store,
    artifacts: ArtifactStore,
    threads: int = 1,
    lookups: ProjectLookups | None = None,
) -> ModelSource:
    """The project's champion, whichever version that is at the moment.

    Args:
        project: the project.
        store: its records.
        artifacts: its files.
        threads: how many cores one run of a graph may use.
        lookups: opens the look-ups of versions; default: one of its own.
    """
    opened = lookups or ProjectLookups(project, store)

    def poll() -> tuple[str, int] | None:
        version = store.aliases(project.name).get("champion")
        return None if version is None else (project.name, version)

    def load(name: str, version: int) -> ServedModel:
        found = store.model_version(name, version)
        label = LabelEncoding.from_json(cast("JSONObject", found.properties["label"]))
        graph = Graph.from_path(artifacts.verify(found.artifact.digest, ".onnx"), threads)
        text = artifacts.read_bytes(str(found.properties["schema"]), ".toml").decode()
        schema = _asked_of_requests(Schema.from_toml(text, where=f"the schema of {found.reference}"), graph)
        schema = as_private_as_now(schema, project)
        online = opened.of(found)
        schema = with_lookups(schema, online)
        # A version from before it kept them was made with what tilth.toml says.
        kept = found.properties.get("missing", list(project.configuration.data.missing))
        missing = tuple(cast("list[str]", kept))
        explainer = _explainer(project, artifacts, found, graph, label)
        return ServedModel(
            name,
            version,
            graph,
            label.task,
            label.classes,
            schema,
            missing,
            explainer=explainer,
            log_key=_log_key(project, schema),
            lookups=online,
        )

    def beside() -> tuple[int, ...]:
        return tuple(
            number
            for number in (_number(project, store, each) for each in project.configuration.serve.versions)
            if number is not None
        )

    def look() -> Look | None:
        for run in store.runs(command="monitor", state="complete", limit=_LOOKS):
            if run.parameters.get("project", project.name) == project.name:
                return store.verdicts(run), run.started
        return None

    return ModelSource(poll, load, beside, project.name, look)


def _explainer(
    project: Project,
    artifacts: ArtifactStore,
    version: ModelVersion,
    graph: Graph,
    encoding: LabelEncoding,
) -> Explainer | None:
    """What explains the answers of a version; None where nobody wants that, or its training rows are gone."""
    if not project.configuration.serve.explain:
        return None
    from tilth.serving.explaining import Explainer, training_sample

    try:
        files = [artifacts.verify(str(version.properties[n]), ".parquet") for n in ("dataset", "split")]
        return Explainer(graph, encoding, training_sample(*files))
    except (KeyError, TilthError) as error:
        _log.warning("no explanations of %s: its training rows are gone: %s", version.reference, error)
        return None


def _log_key(project: Project, schema: Schema) -> bytes | None:
    """The key for the hashes in the log; None where nothing is hashed."""
    is_needed = "hash" in personal_columns(schema).values()
    return redaction_key(project.state / "log.key") if is_needed else None


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
        sample=section.log.sample,
        when_full=section.log.when_full,
    )


def threads_of(section: ServeSection) -> int:
    """How many cores one run of a graph may use.

    One where nobody says: waking the others costs a small request more than they save it.

    Example:
        >>> threads_of(ServeSection(threads=3))
        3
    """
    return section.threads or 1


@dataclass(frozen=True)
class ServePlan:
    """What a worker of `tilth serve` is told; it can be pickled.

    Args:
        directory: the project's.
        host: the address that is listened on.
        workers: how many processes answer.
        grpc_port: where gRPC is answered; None for nowhere.
        log_format: how the lines of the log look.
        access_log: a line for every request as well.
    """

    directory: Path
    host: str
    workers: int = 1
    grpc_port: int | None = None
    log_format: LogFormat = "text"
    access_log: bool = False


def serve_project(
    project: Project,
    *,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    started: Callable[[str, int], None] | None = None,
    log_format: LogFormat = "text",
    access_log: bool = False,
) -> None:
    """Serve the champion until SIGTERM or SIGINT; a newly promoted one takes over while requests go on.

    What requests must satisfy is the schema that belongs to the version, whatever schema.toml says by now.

    Args:
        project: the project.
        host: the address to listen on; default: the one in tilth.toml.
        port: the port, 0 for a free one; default: the one in tilth.toml.
        workers: processes that answer, each on its own; default: as many as tilth.toml says.
        started: told the host and the port once the server answers.
        log_format: how the lines of the log look.
        access_log: a line for every request as well.

    Raises:
        NotFoundError: there is no champion yet.
        UsageError: an address cannot be listened on, or tokens, certificate or key cannot be used.
        EngineError: a worker ended before it answered.
    """
    section = project.configuration.serve
    host, count = host or section.host, workers or section.workers
    _check_champions(project)
    gate_of(section, project.directory)  # what is wrong with these files is said before anything listens
    tls = tls_of(section, project.directory)
    if tls is not None:
        tls.context()
    with contextlib.ExitStack() as opened:
        opened.callback(configure_logs(log_format))
        for exposure in exposures(section, host):
            _log.warning("%s", exposure)
        sockets = listen(host, section.port if port is None else port, count)
        listeners = {"http": sockets}
        if section.admin_port is not None:
            listeners["admin"] = listen(section.admin_host, section.admin_port, count)
            where = listeners["admin"][0].getsockname()
            _log.info("management on %s://%s:%d", "http" if tls is None else "https", *where[:2])
        for each in chain.from_iterable(listeners.values()):
            opened.callback(each.close)
        grpc_port = opened.enter_context(_grpc_port(section, host, sockets[0].getsockname()[1]))
        plan = ServePlan(project.directory.resolve(), host, count, grpc_port, log_format, access_log)

        def up() -> None:
            if started is not None:
                started(host, sockets[0].getsockname()[1])

        if count == 1:
            alone = {name: sockets[0] for name, sockets in listeners.items()}
            _answer(plan, Seat(0, 1, alone, None, up))
            return
        folder = opened.enter_context(meter_folder())
        settings = settings_of(section)
        stop_s = settings.drain_s + 2 * settings.shutdown_timeout_s + 5
        supervise(partial(serve_in_seat, plan), listeners, folder=folder, started=up, stop_s=stop_s)


def serve_in_seat(plan: ServePlan, seat: Seat) -> None:
    """Serve a project as one of several workers, until SIGTERM.

    Args:
        plan: what to serve.
        seat: what the supervisor gave.
    """
    undo = configure_logs(plan.log_format)
    try:
        _answer(plan, seat)
    finally:
        undo()


def _answer(plan: ServePlan, seat: Seat) -> None:
    project = Project.load(plan.directory)
    settings = replace(settings_of(project.configuration.serve), access_log=plan.access_log)
    with contextlib.ExitStack() as opened:
        served = [opened.enter_context(served_project(each)) for each in _projects(project)]
        first, *beside = served
        section = project.configuration.serve
        files = tls_of(section, project.directory)
        tls = None if files is None else files.context()
        meters = Meters(seat.folder)
        opened.callback(meters.close)
        tracer = tracer_from_environment()
        if tracer is not None:
            opened.callback(tracer.close)
        credentials = None
        if files is not None and plan.grpc_port is not None:
            credentials = files.grpc_credentials()
        app = create_app(
            first.source,
            first.log,
            first.feedback,
            first.schema,
            entity=first.entity,
            beside=beside,
            settings=settings,
            meters=meters,
            tracer=tracer,
            gate=gate_of(section, project.directory),
            grpc=None if plan.grpc_port is None else GrpcAddress(plan.host, plan.grpc_port, credentials),
            admin=AdminPort(seat.listeners["admin"], tls) if "admin" in seat.listeners else None,
            cors=section.cors,
            folder=seat.folder,
            asks_in_thread=any(s.is_redis for each in _projects(project) for s in each.configuration.lookups),
        )
        serve(
            app,
            settings=settings,
            listener=seat.listeners["http"],
            started=lambda *_: seat.started(),
            tls=tls,
        )


def _projects(project: Project) -> list[Project]:
    """The project, and those that are served beside it."""
    return [
        project,
        *(Project.load(project.directory / each) for each in project.configuration.serve.projects),
    ]


def _check_champions(project: Project) -> None:
    """Find out, before anything listens, whether there is something to serve."""
    for each in _projects(project):
        with each.store() as store:
            number = store.aliases(each.name).get("champion")
            if number is None:
                raise NotFoundError(
                    f"the model '{each.name}' has no champion", mend="make one with: tilth run"
                )
            digest = str(store.model_version(each.name, number).properties["schema"])
        schema = Schema.from_toml(each.artifacts().read_bytes(digest, ".toml").decode())
        entity, names = each.configuration.serve.entity, schema.in_environment("serving").names
        if entity is not None and entity not in names:
            near = closest(entity, names)
            raise ProjectError(
                f"entity is '{entity}', which no request has",
                where=f"{each.directory / 'tilth.toml'}, [serve]",
                expected=f"one of {', '.join(names)}",
                mend=f"did you mean '{near}'?" if near else None,
            )


@contextlib.contextmanager
def _grpc_port(section: ServeSection, host: str, port: int) -> Iterator[int | None]:
    """The port for gRPC, kept for this server while it runs; None where gRPC is not wanted."""
    if not section.grpc:
        yield None
        return
    wanted = section.grpc_port
    try:
        kept = reserve(host, min(port + 1, 65_535) if wanted is None else wanted)
    except UsageError:
        if wanted is not None:
            raise
        kept = reserve(host, 0)  # nobody asked for that very port
    with kept:
        number: int = kept.getsockname()[1]
        _log.info("gRPC is answered on %s:%d", host, number)
        yield number


def _duration(text: str) -> timedelta:
    age = parse_age(text, "[serve.log]")
    return age if isinstance(age, timedelta) else timedelta(seconds=age)


@contextlib.contextmanager
def served_project(project: Project) -> Iterator[ServedProject]:
    """A project with its store and logs open.

    Raises:
        NotFoundError: there is no champion yet.
    """
    section = project.configuration.serve.log
    roll_s = _duration(section.roll).total_seconds()
    log = PredictionLog(project.predictions, roll_s=roll_s, roll_bytes=section.roll_mb * 1024 * 1024)
    feedback = FeedbackLog(project.predictions)
    compactor = Compactor(
        project.predictions,
        max(1.0, min(roll_s, _COMPACTED_S)),
        None if section.keep is None else _duration(section.keep),
        None if section.sink is None else located_sink(section.sink, project.directory),
        log=log,
    )
    try:
        with project.store() as store, contextlib.closing(ProjectLookups(project, store)) as lookups:
            if "champion" not in store.aliases(project.name):
                raise NotFoundError(
                    f"the model '{project.name}' has no champion", mend="make one with: tilth run"
                )
            threads = threads_of(project.configuration.serve)
            source = champion_source(project, store, project.artifacts(), threads, lookups)
            compactor.start()
            yield ServedProject(source, log, feedback, entity=project.configuration.serve.entity)
    finally:
        compactor.stop()
        log.close()
        feedback.close()
