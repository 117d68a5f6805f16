"""Project: the folder, what its files say, and where its state lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tilth.errors import ProjectError
from tilth.projects.configuration import Configuration
from tilth.schemas import Schema
from tilth.settings import Settings
from tilth.store import ArtifactStore, Store
from tilth.tables import Table, open_table

__all__ = ["Project"]


@dataclass(frozen=True)
class Project:
    """A folder with tilth.toml, schema.toml and features.py.

    Args:
        directory: the folder.
        configuration: what tilth.toml says.
        settings: what the environment says.
    """

    directory: Path
    configuration: Configuration
    settings: Settings

    @classmethod
    def load(cls, directory: str | Path = ".", settings: Settings | None = None) -> Project:
        """Read the project in a folder.

        Raises:
            ProjectError: no tilth.toml there, or a mistake in it.
        """
        folder = Path(directory).absolute()
        path = folder / "tilth.toml"
        if not path.is_file():
            raise ProjectError(
                "there is no tilth.toml here",
                where=str(folder),
                mend="go to the project's folder, or make one with: tilth init DATA --label COLUMN",
            )
        configuration = Configuration.from_toml(path.read_text(encoding="utf-8"), where=str(path))
        return cls(folder, configuration, settings or Settings.from_environment())

    @property
    def name(self) -> str:
        """The project's name, which is also its model's name."""
        return self.configuration.project.name

    @property
    def label(self) -> str:
        """The column that is predicted."""
        return self.configuration.project.label

    @property
    def state(self) -> Path:
        """The folder of the project's state."""
        return self.directory / ".tilth"

    @property
    def predictions(self) -> Path:
        """The folder of the prediction and feedback logs."""
        return self.state / "predictions"

    @property
    def schema_path(self) -> Path:
        """The curated schema."""
        return self.directory / "schema.toml"

    @property
    def features_path(self) -> Path:
        """The features, as people write them."""
        return self.directory / "features.py"

    def sources(self) -> list[Path]:
        """The data files, in order.

        Raises:
            ProjectError: a file is not there.
        """
        paths = [(self.directory / source).resolve() for source in self.configuration.data.sources]
        for path in paths:
            if not path.exists():
                raise ProjectError(
                    f"the data file {path} is not there",
                    where="tilth.toml, [data] sources",
                    mend="put the file back or change sources",
                )
        return paths

    def data(self) -> Table:
        """The project's data, read as tilth.toml says."""
        section = self.configuration.data
        return open_table([str(p) for p in self.sources()], missing=section.missing, types=section.types)

    def schema(self) -> Schema:
        """The curated schema.

        Raises:
            ProjectError: schema.toml is not there.
            SchemaError: a mistake in it.
        """
        if not self.schema_path.is_file():
            raise ProjectError(
                "there is no schema.toml",
                where=str(self.directory),
                mend="write one with: tilth schema DATA -o schema.toml",
            )
        return Schema.from_toml(self.schema_path.read_text(encoding="utf-8"), where=str(self.schema_path))

    def store(self) -> Store:
        """Open the record store, made on first use. Close it after use, or use it with `with`."""
        self._make_state()
        return Store.open(self.settings.store_url or str(self.state / "store.db"))

    def artifacts(self) -> ArtifactStore:
        """The artifacts, made on first use."""
        self._make_state()
        return ArtifactStore(Path(self.settings.artifacts_path or self.state / "artifacts"))

    def _make_state(self) -> None:
        self.state.mkdir(exist_ok=True)
        ignore = self.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
