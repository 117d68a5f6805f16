"""The command that lays rows out in a plane, on a page to explore."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import AS_FOUND, Json, Seed, Source, named, read_text
from tilth.cli.output import Doing, people, print_json
from tilth.cli.outputs import check_outputs
from tilth.cli.streams import write_whole
from tilth.errors import ColumnNotFoundError, UsageError

if TYPE_CHECKING:
    from tilth.tables import Table

__all__ = ["embed"]

_PAGE = Path("embedding.html")
_SOURCE = "tilth.source"


@Parameter(name="*")
@dataclass(frozen=True)
class Drawing:
    """How rows are laid out.

    Args:
        points: The most rows that are laid out; a random sample of more.
        perplexity: Of t-SNE: about how many neighbors each point has.
        neighbors: Of UMAP: how many neighbors each point has.
        min_dist: Of UMAP: how close points may come, 0 to 1.
        seed: Another seed draws otherwise.
    """

    points: int = 50_000
    perplexity: float = 30.0
    neighbors: int = 15
    min_dist: float = 0.1
    seed: Seed = 0


_USUAL = Drawing()


def embed(
    *data: str,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="The page; default: embedding.html.")
    ] = None,
    methods: Annotated[
        list[Literal["pca", "tsne", "umap"]] | None,
        Parameter(
            name="--method", negative="", help="How; repeatable: the page then switches. Default: pca."
        ),
    ] = None,
    label: str | None = None,
    prediction: str | None = None,
    color: str | None = None,
    columns: Annotated[
        list[str] | None,
        Parameter(
            name=["--column", "--columns"],
            negative="",
            help="Lay out this column: numbers, lists of numbers, images or recordings; repeatable.",
        ),
    ] = None,
    features: Path | None = None,
    drawing: Drawing = _USUAL,
    source: Source = AS_FOUND,
    json: Json = False,
) -> int:
    """A picture of all rows, in which those that are alike lie together: a page to explore.

    Args:
        data: What to read; of several, `tilth.source` says from which a row is.
        label: The column to predict: it colors the points and is kept out of the features.
        prediction: A column of predictions: compared with the label, and kept out of the features.
        color: The column that colors the points at first, instead of the label.
        features: A features.py: lay out what it makes of the columns.
    """
    from tilth.features import embedding

    page = output or (None if json else _PAGE)
    check_outputs([page, source.bad_rows], [*data, features])
    text = read_text(features, "a features.py") if features is not None else None
    table = _table(data, source)
    color = color or label or (_SOURCE if len(data) > 1 else None)
    if color is not None and color not in table.columns:
        raise ColumnNotFoundError(color, table.columns, where=table.name)
    with Doing() as doing:
        found = embedding.embed(
            table,
            method=methods or ["pca"],
            label=label,
            prediction=prediction,
            columns=columns,
            features=text,
            where=str(features),
            **asdict(drawing),
            tell=doing,
        )
        if page is not None:
            doing("writing the page")
            write_whole(page, found.html(title=", ".join(map(named, data)), color=color))
    for note in found.notes:
        people().print(f"note: {note}", markup=False)
    if page is not None:
        people().print(f"the page is in {page}", markup=False)
    if json:
        print_json(found.to_json())
    return 0


def _table(data: tuple[str, ...], source: Source) -> Table:
    """The rows of all DATA; of several, with the name of that which each is from."""
    from tilth.tables import concat_tables

    if len(data) < 2:
        return source.table(data)
    if len(set(data)) < len(data):
        raise UsageError("one DATA is named twice", where=", ".join(map(named, data)))
    return concat_tables([source.table(each).with_column(_SOURCE, named(each)) for each in data])
