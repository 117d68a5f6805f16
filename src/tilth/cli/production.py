"""Commands on what is live: serve, monitor, promote, rollback, predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.project import Directory

if TYPE_CHECKING:
    from tilth.pipelines import Release
    from tilth.types import JSONObject

__all__ = ["monitor", "predict", "promote", "rollback", "serve"]


def serve(*, port: int | None = None, host: str | None = None, dir: Directory = Path()) -> int:  # noqa: A002
    """Serve the champion over HTTP until interrupted; follow it when another is promoted.

    Args:
        port: Default: the one in tilth.toml. 0 takes a free one.
        host: Default: the one in tilth.toml.
    """
    from tilth.projects import Project
    from tilth.serving import serve_project

    def started(host: str, port: int) -> None:
        people().print(f"serving on http://{host}:{port} (Ctrl-C ends it)", markup=False)

    serve_project(Project.load(dir), host=host, port=port, started=started)
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
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Predict a whole table.

    Args:
        data: The rows to predict.
        model: "census@champion" (default), "census@2".
    """
    from tilth.pipelines import predict_table
    from tilth.projects import Project

    check_outputs([output], [data, *project_files(dir)])
    rows = predict_table(Project.load(dir), data, output, reference=model)
    if json:
        print_json({"rows": rows, "output": str(output)})
    else:
        people().print(f"{rows:,} rows predicted into {output}", markup=False)
    return 0
