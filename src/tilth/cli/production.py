"""Commands on what is live: serve, monitor, promote, rollback, predict."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.project import Directory
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.pipelines import Release
    from tilth.types import JSONObject

__all__ = ["monitor", "predict", "promote", "rollback", "serve"]


def serve(
    *,
    port: int | None = None,
    host: str | None = None,
    workers: int | None = None,
    log_format: Literal["text", "json"] = "text",
    access_log: Annotated[bool, Parameter(negative="")] = False,
    dir: Directory = Path(),  # noqa: A002
) -> int:
    """Serve the champion over HTTP until interrupted; follow it when another is promoted.

    Args:
        port: Default: the one in tilth.toml. 0 takes a free one.
        host: Default: the one in tilth.toml.
        workers: Processes that answer. Default: as many as tilth.toml says.
        log_format: How the lines of the log on standard error look: for people, or one JSON object each.
        access_log: A line for every request too: route, status, time.
    """
    from tilth.projects import Project
    from tilth.serving import serve_project

    if workers is not None and workers < 1:
        raise UsageError(f"--workers is {workers}", expected="1 or more")

    project = Project.load(dir)
    scheme = "http" if project.configuration.serve.tls_certificate is None else "https"

    def started(host: str, port: int) -> None:
        if log_format == "json":
            logging.getLogger("tilth.serving").info("serving on %s://%s:%d", scheme, host, port)
        else:
            people().print(f"serving on {scheme}://{host}:{port} (Ctrl-C ends it)", markup=False)

    serve_project(
        project,
        host=host,
        port=port,
        workers=workers,
        started=started,
        log_format=log_format,
        access_log=access_log,
    )
    return 0


def monitor(*, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Compare what was served with what was trained on; exit status 1 when an alarm rings."""
    from tilth.pipelines import monitor as monitor_project
    from tilth.projects import Project

    found = monitor_project(Project.load(dir))
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return int(bool(found.alarms))


def promote(
    model: str | None = None,
    *,
    why: str = "promoted by hand",
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Make a model version the champion.

    Args:
        model: "census@2", "census@challenger" or "2"; default: the challenger.
        why: Recorded with the change.
    """
    from tilth.pipelines import promote as promote_version
    from tilth.projects import Project

    return _changed(promote_version(Project.load(dir), model, why=why), json)


def rollback(*, why: str = "by hand", dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Go back to the champion before the present one.

    Args:
        why: Recorded with the change.
    """
    from tilth.pipelines import rollback as roll_back
    from tilth.projects import Project

    return _changed(roll_back(Project.load(dir), why=why), json)


def _changed(release: Release, json: bool) -> int:
    name, version = release.model.name, release.model.version
    if json:
        document: JSONObject = {"model": name, "version": version, "alias": "champion"}
        print_json({**document, "notes": list(release.notes)})
        return 0
    people().print(f"{name}@{version} is the champion now", markup=False)
    for note in release.notes:
        people().print(f"  note: {note}", markup=False)
    return 0


def predict(
    data: str,
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="Where to write: .parquet, .csv, .jsonl.")
    ],
    model: str | None = None,
    engine: Literal["local", "ray"] = "local",
    workers: int | None = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Predict a whole table, however long; what was broken off goes on where it stopped.

    Args:
        data: The rows to predict.
        model: "census@champion" (default), "census@2".
        engine: Where the model runs: on this machine, or on a Ray cluster.
        workers: How many batches are worked on at a time here. Default: one for each core.
    """
    from tilth.cli.output import Progress
    from tilth.engines import find_engine, local_engine
    from tilth.pipelines import predict_table
    from tilth.projects import Project

    check_outputs([output], [data, *project_files(dir)])
    if engine != "local" and workers is not None:
        raise UsageError("--workers is for this machine", mend="a Ray cluster has as many as it has cores")
    with Progress("rows predicted") as progress:
        rows = predict_table(
            Project.load(dir),
            data,
            output,
            reference=model,
            engine=local_engine(workers) if engine == "local" else find_engine(engine),
            progress=progress,
            tell=lambda text: people().print(f"note: {text}", markup=False),
        )
    if json:
        print_json({"rows": rows, "output": str(output)})
    else:
        people().print(f"{rows:,} rows predicted into {output}", markup=False)
    return 0
