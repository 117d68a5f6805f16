"""Data sets kept as versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Source, workspace
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs
from tilth.errors import NotFoundError, UsageError, closest, counted
from tilth.types import utc_now

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

    space = workspace(source.dir)
    check_outputs([source.bad_rows], data)
    table = source.table(data)
    begun = utc_now()
    version = save_dataset(space, table, data, name, note)
    if version.created < begun:
        people().print(f"these rows are kept already, as {version.reference}", markup=False)
    kept = DatasetListing((version,), space.project)
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

    space = workspace(dir)
    found = list_datasets(space, name)
    if name is not None and not found.versions:
        known = sorted({version.name for version in list_datasets(space).versions})
        near = closest(name, known)
        raise NotFoundError(
            f"there is no data set '{name}'",
            expected=f"one of {', '.join(known[:20])}" if known else None,
            mend=f"did you mean '{near}'?" if near else "keep one with: tilth data save DATA --name NAME",
        )
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
    from tilth.pipelines import dataset_reference, export_dataset

    found = dataset_reference(reference)
    if found is None:
        raise UsageError(f"'{reference}' does not name a version", expected="such as data@3 or data@latest")
    check_outputs([output], [])
    rows = export_dataset(workspace(dir), *found, output)
    if json:
        print_json({"reference": reference, "rows": rows, "output": str(output)})
    else:
        print_text(f"{counted(rows, 'row')} of {reference} written to {output}")
    return 0
