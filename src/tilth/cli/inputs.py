"""What the commands on data share: their options, and reading what DATA names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from tilth.cli.reading import Reading
from tilth.errors import DataError, NotFoundError, UsageError
from tilth.types import Task

if TYPE_CHECKING:
    from tilth.profiles import Profile
    from tilth.projects import Workspace
    from tilth.schemas import Schema
    from tilth.tables import Table
    from tilth.types import ColumnType

__all__ = [
    "AS_FOUND",
    "Html",
    "Json",
    "Output",
    "SchemaFile",
    "Seed",
    "SliceKeys",
    "Slices",
    "Source",
    "TaskOption",
    "groups",
    "is_profile",
    "locate",
    "named",
    "read_profile",
    "read_schema",
    "read_text",
    "workspace",
]

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"], help="Write the result to this file.")]
SchemaFile = Annotated[Path | None, Parameter(name="--schema", help="A schema.toml.")]
Html = Annotated[Path | None, Parameter(name="--html", help="Write a visual report to this file.")]
TaskOption = Annotated[
    Task | None, Parameter(name="--task", help="What is predicted; default: told from the label.")
]
Seed = Annotated[int, Parameter(name="--seed", validator=validators.Number(gte=0, lt=2**63))]
SliceKeys = Annotated[
    list[str] | None,
    Parameter(
        name="--slice",
        negative="",
        help="What to slice by: a column, ranges(age, 30, 50), quantiles(age, 4), 'age > 60'; or several.",
    ),
]
Slices = Annotated[
    list[str] | None,
    Parameter(name="--slice", negative="", help="Columns to slice by, joined by commas; repeatable."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class Source:
    """How what DATA names is to be read.

    Args:
        missing: Text that means missing; repeatable.
        exclude: A column to leave out; repeatable.
        encoding: How a text file is encoded; default: found out.
        bad_rows: Put rows that cannot be read into this file and go on without them.
        dir: The folder that keeps data sets such as data@3.
    """

    missing: Annotated[list[str] | None, Parameter(negative="")] = None
    exclude: Annotated[list[str] | None, Parameter(negative="")] = None
    encoding: str | None = None
    bad_rows: Path | None = None
    dir: Path = Path()

    def table(self, data: str | Sequence[str]) -> Table:
        """The table that one DATA, or several, name; what was assumed is told to people."""
        table = self._open(data, {})
        Reading.tell(table.name, table.notes)
        return table

    def typed(self, data: str, schema: Schema) -> Table:
        """The same, where texts of the schema are read as texts: a text file carries no types."""
        from tilth.validation import declared_types

        table = self.table(data)
        types = declared_types(table, schema) if table.is_untyped else {}
        return self._open(data, types) if types else table

    def _open(self, data: str | Sequence[str], types: Mapping[str, ColumnType]) -> Table:
        named = [data] if isinstance(data, str) else data
        places = [locate(each, self.dir) for each in named]
        if not places:
            raise UsageError("which data?", expected="at least one file")
        if self.bad_rows is None:
            return self._opened(places, types, None)
        with Reading.keeping(self.bad_rows, places) as here:
            table = self._opened(places, types, here)
        table.notes = tuple(note.replace(str(here), str(self.bad_rows)) for note in table.notes)
        return table

    def _opened(self, places: Sequence[str], types: Mapping[str, ColumnType], bad_rows: Path | None) -> Table:
        from tilth.tables import open_table

        return open_table(
            places[0] if len(places) == 1 else places,
            missing=self.missing or (),
            types=types,
            exclude=self.exclude or (),
            encoding=self.encoding,
            bad_rows=bad_rows,
        )


AS_FOUND = Source()
"""Reading without any option."""


def locate(data: str, folder: Path) -> str:
    """Where DATA is: a data set version such as "data@3" by its file, all else as it stands.

    Raises:
        UsageError: it is empty, as where a variable of the shell is not set.
        NotFoundError: no such version.
    """
    if not data:
        raise UsageError("the name of the data is empty", expected="a file, folder, pattern or address")
    if "@" not in data:
        return data
    from tilth.pipelines import dataset_file, dataset_reference

    found = dataset_reference(data)
    if found is None or Path(data.rpartition("@")[0], "_delta_log").is_dir():
        return data
    space = workspace(folder)
    if not space.settings.store_url and not (space.state / "store.db").exists():
        # Opening the store would make one, and who misspelt a name did not ask for that.
        raise NotFoundError(
            f"there is no data set '{found[0]}' and no file '{data}'",
            where=str(space.directory),
            mend="keep one with: tilth data save DATA --name NAME",
        )
    return str(dataset_file(space, *found))


def workspace(folder: Path) -> Workspace:
    """What a folder keeps.

    Raises:
        UsageError: there is no such folder.
    """
    from tilth.projects import Workspace

    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), mend="check what --dir names")
    return Workspace.find(folder)


def named(data: str) -> str:
    """DATA as people may read it, without a password.

    Example:
        >>> named("postgresql://me:secret@host/db?table=t"), named("a.csv")
        ('postgresql://me@host/db?table=t', 'a.csv')
    """
    from tilth.tables.databases import is_database
    from tilth.tables.remote import shown
    from tilth.tables.sql import DatabaseAddress

    if "://" not in data:
        return data
    return DatabaseAddress.parse(data).name if is_database(data) else shown(data)


def is_profile(data: str) -> bool:
    """Whether DATA is a profile that was written before."""
    return data.endswith(".json") and not data.startswith(("http://", "https://"))


def read_profile(data: str) -> Profile:
    """The profile in a file.

    Raises:
        DataError: it is none, or not there.
        UsageError: it is no text.
    """
    from tilth.profiles import Profile

    try:
        return Profile.from_json(_text(Path(data)))
    except UnicodeDecodeError as error:
        raise UsageError(
            "this is not a profile that Tilth wrote",
            where=data,
            mend="name the data itself; JSON lines end in .jsonl",
        ) from error
    except DataError as error:
        raise DataError(error.what, where=data, expected=error.expected, mend=error.mend) from error


def read_schema(path: Path) -> Schema:
    """The schema in a file."""
    from tilth.schemas import Schema

    return Schema.from_toml(read_text(path, "a schema.toml"), where=str(path))


def read_text(path: Path, expected: str) -> str:
    """The text of a file that is not data.

    Raises:
        DataError: it is not there, or no text.
    """
    try:
        return _text(path)
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8", where=str(path), expected=expected) from error


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # with its own line ends
    except FileNotFoundError:
        from tilth.tables.files import source_file

        source_file(path)  # says what is there instead
        raise
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def groups(slices: list[str] | None) -> list[list[str]]:
    """The columns of each `--slice`.

    Example:
        >>> groups(["sex", "sex,race"])
        [['sex'], ['sex', 'race']]
    """
    from tilth.tables.slicings import split_keys

    return [split_keys(text) for text in slices or []]
