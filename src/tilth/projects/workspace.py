"""Workspace: a folder whose `.tilth` keeps records, with a project in it or without one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tilth.projects.configuration import Configuration
from tilth.settings import Settings
from tilth.store import ArtifactStore, Store

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """A folder and where its records are kept.

    Args:
        directory: the folder.
        settings: what the environment says.
        project: the name of the project in it, if there is one.

    Example:
        >>> Workspace(Path("sales"), Settings.from_environment(), "sales").dataset_name("data")
        'sales/data'
    """

    directory: Path
    settings: Settings
    project: str | None = None

    @classmethod
    def find(cls, directory: str | Path = ".") -> Workspace:
        """The workspace in a folder.

        Raises:
            ProjectError: there is a tilth.toml with a mistake in it.
        """
        folder = Path(directory).absolute()
        path = folder / "tilth.toml"
        name = None
        if path.is_file():
            text = path.read_text(encoding="utf-8-sig", errors="replace")
            name = Configuration.from_toml(text, where=str(path)).project.name
        return cls(folder, Settings.from_environment(), name)

    @property
    def state(self) -> Path:
        """The folder of its state."""
        return self.directory / ".tilth"

    def store(self) -> Store:
        """Open the record store, made on first use. Close it after use, or use it with `with`."""
        self._make_state()
        return Store.open(self.settings.store_url or str(self.state / "store.db"))

    def artifacts(self) -> ArtifactStore:
        """The artifacts, made on first use."""
        self._make_state()
        return ArtifactStore(Path(self.settings.artifacts_path or self.state / "artifacts"))

    def dataset_name(self, name: str) -> str:
        """The name of a data set in the record store, which several projects may share."""
        return name if self.project is None or "/" in name else f"{self.project}/{name}"

    def _make_state(self) -> None:
        self.state.mkdir(exist_ok=True)
        ignore = self.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
