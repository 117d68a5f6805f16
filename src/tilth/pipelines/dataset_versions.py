"""`tilth data`: data sets kept as versions: named, listed, brought back, read by name@version."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tilth.errors import StoreError, UsageError, counted
from tilth.pipelines.code_version import code_version
from tilth.pipelines.runner import end_early
from tilth.pipelines.sources import is_source, record_source
from tilth.projects import Workspace
from tilth.store import Artifact, ArtifactStore, DatasetVersion, Execution, Run, Store
from tilth.tables import Table, fingerprint, open_table, write_table
from tilth.types import JSONObject

__all__ = [
    "PROJECT_DATA",
    "DatasetListing",
    "dataset_file",
    "dataset_reference",
    "export_dataset",
    "list_datasets",
    "save_dataset",
]

PROJECT_DATA = "data"
"""The name under which every `tilth run` keeps the data that it read."""

_REFERENCE = re.compile(r"(?P<name>\w[\w.-]*(/\w[\w.-]*)?)@(?P<version>\d{1,9}|latest)")


@dataclass(frozen=True)
class DatasetListing:
    """The versions of the data sets of a workspace, by name and the newest first."""

    versions: tuple[DatasetVersion, ...]
    project: str | None = None

    def to_json(self) -> JSONObject:
        """The listing as JSON values."""
        return {"datasets": [self._version(version) for version in self.versions]}

    def _version(self, version: DatasetVersion) -> JSONObject:
        return {
            "reference": self._short(version),
            "rows": version.artifact.properties.get("rows"),
            "columns": len(_columns(version.artifact)),
            "bytes": version.artifact.size,
            "fingerprint": version.artifact.fingerprint,
            "run": version.run,
            "note": version.note,
            "created": version.created.isoformat(),
        }

    def _short(self, version: DatasetVersion) -> str:
        return version.reference.removeprefix(f"{self.project}/")

    def report(self) -> str:
        """The listing for people: one line a version."""
        if not self.versions:
            return "no data sets yet: tilth data save DATA --name NAME, or tilth run"
        width = max(len(self._short(version)) for version in self.versions)
        return "\n".join(self._line(version, width) for version in self.versions)

    def _line(self, version: DatasetVersion, width: int) -> str:
        rows = int(str(version.artifact.properties.get("rows")))
        size = f"{counted(rows, 'row')} x {counted(len(_columns(version.artifact)), 'column')}"
        mark = (version.artifact.fingerprint or "")[:12]
        came = f"run {version.run}" if version.run else ""
        made = version.created.astimezone(datetime.UTC)
        line = f"{self._short(version).ljust(width)}  {size:<26} {mark}  {made:%Y-%m-%d %H:%M} UTC  {came}"
        return f"{line}  {' '.join(version.note.split())}".rstrip()


def _columns(artifact: Artifact) -> dict[str, object]:
    found = artifact.properties.get("columns")
    return dict(found) if isinstance(found, dict) else {}


def dataset_reference(text: str) -> tuple[str, str] | None:
    """Name and version, if a text is a reference such as "data@3" and no file of that name is there.

    Example:
        >>> dataset_reference("data@3"), dataset_reference("data.csv")
        (('data', '3'), None)
    """
    match = _REFERENCE.fullmatch(text)
    if match is None or Path(text).exists():
        return None
    return match["name"], match["version"]


def save_dataset(
    workspace: Workspace, table: Table, sources: Sequence[str], name: str, note: str = ""
) -> DatasetVersion:
    """Keep a table as the next version of a name; rows that are a version already stay that one.

    Args:
        workspace: where it is kept.
        table: the rows.
        sources: where they come from; files and folders of images or recordings among them are recorded, so
            that lineage begins there.
        name: the data set's name.
        note: why, for people.

    Raises:
        UsageError: not a name.
        DataError: the table cannot be read or written.
    """
    if "/" in name or "@" in name:
        raise UsageError(f"'{name}' is not a name for a data set", expected="letters, digits, _ . and -")
    artifacts = workspace.artifacts()
    with workspace.store() as store:
        artifacts.clean()
        store.interrupt_stale()
        run = store.begin_run("data save", {"project": workspace.project, "name": name})
        try:
            execution = _begin(store, run, sources)
            dataset = _keep(store, artifacts, table, execution)
            version = store.register_dataset(workspace.dataset_name(name), dataset, run, note)
            store.end_run(run, "complete")
        except BaseException as error:
            end_early(store, run, error)
            raise
        return version


def _begin(store: Store, run: Run, sources: Sequence[str]) -> Execution:
    files = [Path(source).resolve() for source in sources if is_source(Path(source))]
    inputs = {f"sources[{position}]": record_source(store, path) for position, path in enumerate(files)}
    return store.begin_execution(run, "save", run.reference, code_version=code_version(), inputs=inputs)


def _keep(store: Store, artifacts: ArtifactStore, table: Table, execution: Execution) -> Artifact:
    draft = artifacts.draft(".parquet")
    try:
        write_table(table, draft)
        kept = open_table(draft)
        mark = fingerprint(kept)
        properties: JSONObject = {
            "rows": kept.rows,
            "columns": dict(kept.columns),
            "notes": list(table.notes),
            "suffix": ".parquet",
        }
        digest, size = artifacts.put_draft(draft)
        with store.transaction():
            dataset = store.record_artifact(
                "dataset", "dataset", digest, size, fingerprint=mark, properties=properties
            )
            store.end_execution(execution, "complete", {"dataset": dataset})
    except BaseException as error:
        end_early(store, execution, error)
        raise
    finally:
        draft.unlink(missing_ok=True)
    return dataset


def list_datasets(workspace: Workspace, name: str | None = None) -> DatasetListing:
    """The versions that a workspace knows: all, or those of one name."""
    with workspace.store() as store:
        found = store.dataset_versions(None if name is None else workspace.dataset_name(name))
    own = f"{workspace.project}/"
    mine = (v for v in found if workspace.project is None or v.name.startswith(own) or "/" not in v.name)
    return DatasetListing(tuple(mine), workspace.project)


def dataset_file(workspace: Workspace, name: str, version: str) -> Path:
    """The Parquet file of a version; it is never changed.

    Raises:
        NotFoundError: no such data set or version.
        StoreError: its file is gone.
    """
    with workspace.store() as store:
        names = {v.name for v in store.dataset_versions()}
        own = workspace.dataset_name(name)
        found = store.dataset_version(own if own in names or name not in names else name, version)
    digest, suffix = found.artifact.digest, str(found.artifact.properties.get("suffix", ".parquet"))
    artifacts = workspace.artifacts()
    if not artifacts.holds(digest, suffix, found.artifact.size):
        raise StoreError(
            f"the file of {found.reference} is gone or damaged",
            where=str(artifacts.path(digest, suffix)),
            mend="bring the folder of artifacts back from a backup, or read the data again",
        )
    return artifacts.path(digest, suffix)


def export_dataset(workspace: Workspace, name: str, version: str, output: Path) -> int:
    """Write a version to a file, whose ending says how; the number of rows.

    Raises:
        NotFoundError: no such data set or version.
        DataError: the file cannot be written.
    """
    table = open_table(dataset_file(workspace, name, version))
    write_table(table, output)
    return table.rows
