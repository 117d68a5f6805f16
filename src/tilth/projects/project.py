"""Project: the folder, what its files say, and where its state lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tilth.errors import ProjectError
from tilth.projects.configuration import Configuration
from tilth.projects.workspace import Workspace
from tilth.schemas import Schema
from tilth.settings import Settings
from tilth.store import ArtifactStore, Store
from tilth.tables import Table, media_files, open_table

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
        configuration = Configuration.from_toml(_read(path), where=str(path))
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
    def workspace(self) -> Workspace:
        """Where the project's records are kept."""
        return Workspace(self.directory, self.settings, self.name)

    @property
    def state(self) -> Path:
        """The folder of the project's state."""
        return self.workspace.state

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
        """The data files and folders of images or recordings, in order.

        Raises:
            ProjectError: one is not there, or is a folder of something else.
        """
        paths = [(self.directory / source).resolve() for source in self.configuration.data.sources]
        for path in paths:
            if not path.is_file() and media_files(path) is None:
                folder = path.is_dir()
                raise ProjectError(
                    f"the data file {path} {'is a folder' if folder else 'is not there'}",
                    where="tilth.toml, [data] sources",
                    expected="a file, or a folder of images or recordings",
                    mend="name its files one by one" if folder else "put the file back or change sources",
                )
        return paths

    def data(self) -> Table:
        """The project's data, read as tilth.toml says."""
        section = self.configuration.data
        return open_table([str(p) for p in self.sources()], missing=section.missing, types=section.types)

    def schema(self) -> Schema:
        """The curated schema.

        Raises:
            ProjectError: schema.toml is not there, or is no text.
            SchemaError: a mistake in it.
        """
        return Schema.from_toml(self.read_text(self.schema_path), where=str(self.schema_path))

    def read_text(self, path: Path) -> str:
        """A file that people write, such as `features_path`, without its byte order mark.

        Raises:
            ProjectError: it is not there, a folder, not readable or not UTF-8.
        """
        return _read(path)

    def store(self) -> Store:
        """Open the record store, made on first use. Close it after use, or use it with `with`."""
        return self.workspace.store()

    def artifacts(self) -> ArtifactStore:
        """The artifacts, made on first use."""
        return self.workspace.artifacts()


_MENDS = {
    "tilth.toml": "go to the project's folder, or make one with: tilth init DATA --label COLUMN",
    "schema.toml": "write one with: tilth schema DATA -o schema.toml",
    "features.py": "put it back, or take the one that tilth init DATA --label COLUMN --dir NEW writes",
}


def _read(path: Path) -> str:
    """The text of a file of the project."""
    if path.is_dir():
        raise ProjectError(f"{path.name} is a folder", where=str(path), expected="a text file")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        mend = _MENDS.get(path.name)
        raise ProjectError(f"there is no {path.name} here", where=str(path.parent), mend=mend) from error
    except OSError as error:
        raise ProjectError(f"{path.name} cannot be read: {error.strerror}", where=str(path)) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ProjectError(
            f"{path.name} is not UTF-8 text",
            where=f"{path}, line {content[: error.start].count(10) + 1}",
            expected="a file saved as UTF-8",
            mend="save it as UTF-8 in your editor",
        ) from error
