"""What the commands on data share: their options, and reading what DATA names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.output import people
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.profiles import Profile
    from tilth.schemas import Schema
    from tilth.tables import Table
    from tilth.types import ColumnType

__all__ = [
    "AS_FOUND",
    "Html",
    "Json",
    "Output",
    "SchemaFile",
    "Slices",
    "Source",
    "groups",
    "is_profile",
    "locate",
    "read_profile",
    "read_schema",
]

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"], help="Write the result to this file.")]
SchemaFile = Annotated[Path | None, Parameter(name="--schema", help="A schema.toml.")]
Html = Annotated[Path | None, Parameter(name="--html", help="Write a visual report to this file.")]
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
        for note in table.notes:
            people().print(f"note: {note}", markup=False)
        return table

    def typed(self, data: str, schema: Schema) -> Table:
        """The same, where texts of the schema are read as texts: a text file carries no types."""
        from tilth.validation import declared_types

        table = self.table(data)
        types = declared_types(table, schema) if table.is_untyped else {}
        return self._open(data, types) if types else table

    def _open(self, data: str | Sequence[str], types: Mapping[str, ColumnType]) -> Table:
        from tilth.tables import open_table

        named = [data] if isinstance(data, str) else data
        places = [locate(each, self.dir) for each in named]
        if not places:
            raise UsageError("which data?", expected="at least one file")
        return open_table(
            places[0] if len(places) == 1 else places,
            missing=self.missing or (),
            types=types,
            exclude=self.exclude or (),
            encoding=self.encoding,
            bad_rows=self.bad_rows,
        )


AS_FOUND = Source()
"""Reading without any option."""


def locate(data: str, folder: Path) -> str:
    """Where DATA is: a data set version such as "data@3" by its file, all else as it stands."""
    from tilth.pipelines import dataset_file, dataset_reference
    from tilth.projects import Workspace

    found = dataset_reference(data)
    return data if found is None else str(dataset_file(Workspace.find(folder), *found))


def is_profile(data: str) -> bool:
    """Whether DATA is a profile that was written before."""
    return data.endswith(".json") and not data.startswith(("http://", "https://"))


def read_profile(data: str) -> Profile:
    """The profile in a file.

    Raises:
        DataError: it is none.
        UsageError: it is no text.
    """
    from tilth.profiles import Profile

    try:
        return Profile.from_json(Path(data).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(
            "this is not a profile that Tilth wrote",
            where=data,
            mend="name the data itself; JSON lines end in .jsonl",
        ) from error


def read_schema(path: Path) -> Schema:
    """The schema in a file."""
    from tilth.schemas import Schema

    return Schema.from_toml(path.read_text(encoding="utf-8"), where=str(path))


def groups(slices: list[str] | None) -> list[list[str]]:
    """The columns of each `--slice`.

    Example:
        >>> groups(["sex", "sex,race"])
        [['sex'], ['sex', 'race']]
    """
    return [text.split(",") for text in slices or []]
