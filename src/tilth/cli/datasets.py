"""Data sets kept as versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Source
from tilth.cli.output import print_json, print_text

Folder = Annotated[Path, Parameter(name="--dir", help="The folder that keeps them.")]

__all__ = ["export", "list_versions", "save"]


def save(
    *data: str,
    name: str,
    note: str = "",
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """Keep data as the next version of a name.

    Args:
        data: What to keep; the rows are copied, so the source may change or go.
        name: The data set's name; versions are name@1, name@2, ...
        note: Why it is kept, for people.
    """
    from tilth.pipelines import DatasetListing, save_dataset
    from tilth.projects import Workspace

    workspace = Workspace.find(source.dir)
    table = source.table(data)
    kept = DatasetListing((save_dataset(workspace, table, data, name, note),), workspace.project)
    if json:
        print_json(kept.to_json())
    else:
        print_text(kept.report())
    return 0


def list_versions(name: str | None = None, *, dir: Folder = Path(), json: Json = False) -> int:  # noqa: A002
    """The data sets and their versions, the newest first.

    Args:
        name: Only this one's.
    """
    from tilth.pipelines import list_datasets
    from tilth.projects import Workspace

    found = list_datasets(Workspace.find(dir), name)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def export(
    reference: str,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    dir: Folder = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Bring a version back as a file.

    Args:
        reference: Such as "data@3" or "data@latest".
        output: The ending says how: .parquet, .csv, .jsonl or .arrow.
    """
    from tilth.errors import UsageError
    from tilth.pipelines import dataset_reference, export_dataset
    from tilth.projects import Workspace

    found = dataset_reference(reference)
    if found is None:
        raise UsageError(f"'{reference}' does not name a version", expected="such as data@3 or data@latest")
    rows = export_dataset(Workspace.find(dir), *found, output)
    if json:
        print_json({"reference": reference, "rows": rows, "output": str(output)})
    else:
        print_text(f"{rows:,} rows of {reference} written to {output}")
    return 0
