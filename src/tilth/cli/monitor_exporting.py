"""`tilth monitor export`: what Prometheus and Grafana need to watch the server, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json
from tilth.cli.project import Directory
from tilth.cli.streams import write_whole
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.projects import Project

__all__ = ["export"]


def export(
    folder: Path,
    /,
    *,
    target: Annotated[list[str] | None, Parameter(negative="")] = None,
    latency_ms: float | None = None,
    interval: int = 15,
    token_file: str | None = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Write prometheus.yml, alerts.yml and dashboard.json into a folder.

    Args:
        folder: Made where it does not exist; files that this command wrote before are replaced.
        target: A server, "host:port"; may be given several times. Default: the one that tilth.toml names.
        latency_ms: What 99 of 100 requests must stay under, or somebody is told. Default: what [deployment]
            demands, else 500.
        interval: Seconds from one scrape to the next.
        token_file: The file with a token of the scope read, as Prometheus sees it.
    """
    from tilth.projects import Project
    from tilth.serving.alert_rules import AlertBounds
    from tilth.serving.monitor_export import monitor_files

    project = Project.load(dir)
    demanded = latency_ms if latency_ms is not None else _demanded(project)
    if demanded is not None and not 0 < demanded < float("inf"):
        raise UsageError(f"the latency is {demanded:g} ms", expected="a number above 0")
    bounds = AlertBounds() if demanded is None else AlertBounds(latency_s=demanded / 1000)
    files = monitor_files(project, target or (), bounds=bounds, interval_s=interval, token_file=token_file)
    _write(folder, files)
    if json:
        print_json({"files": [str(folder / name) for name in files]})
        return 0
    people().print(f"{', '.join(files)} written into {folder}", markup=False)
    if project.configuration.serve.tokens is not None and token_file is None:
        people().print(
            "  note: the server asks for tokens: give Prometheus one of the scope read with --token-file",
            markup=False,
        )
    return 0


def _write(folder: Path, files: dict[str, str]) -> None:
    """All files, or none where one of them would destroy what somebody wrote."""
    from tilth.serving.monitor_export import MADE_BY

    if folder.exists() and not folder.is_dir():
        raise UsageError("this is no folder", where=str(folder), expected="a folder to write into")
    for name in files:
        path = folder / name
        if path.exists() and not (path.is_file() and MADE_BY in path.read_text(errors="replace")):
            raise UsageError(
                "there is a file of that name that this command did not write",
                where=str(path),
                mend="choose another folder, or move the file away",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_whole(folder / name, text)


def _demanded(project: Project) -> float | None:
    """What tilth.toml demands of 99 of 100 requests, in milliseconds."""
    return project.configuration.deployment.latency_p99_ms
