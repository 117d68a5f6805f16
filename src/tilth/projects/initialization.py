"""`tilth init`: a project written from a data file, with every assumption said."""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from tilth.errors import ColumnNotFoundError, DataError, ProjectError
from tilth.features import default_features
from tilth.metrics import LabelEncoding
from tilth.profiles import profile
from tilth.projects.configuration import Configuration
from tilth.projects.first_checks import first_checks
from tilth.projects.first_label import NO_GRADES, are_grades, check_label, first_label, with_label
from tilth.schemas import Schema
from tilth.tables import Table, media_files, open_table, sentinels
from tilth.types import JSONValue, Task
from tilth.validation import infer_schema

__all__ = ["Initialization", "initialize"]

SMALL_ROWS = 10_000
LONGEST_NAME = 100
_PLACES = ("path", "split")


@dataclass(frozen=True)
class Initialization:
    """What was written and what was assumed.

    Args:
        directory: the project's folder.
        files: the names of the files written there.
        rows: how many rows the data has.
        columns: how many columns.
        task: what the model will predict.
        assumptions: sentences for people.
    """

    directory: Path
    files: tuple[str, ...]
    rows: int
    columns: int
    task: Task
    assumptions: tuple[str, ...]


def initialize(
    data: str | Path,
    label: str,
    directory: str | Path = ".",
    *,
    task: Task | None = None,
    group: str | None = None,
    separator: str | None = None,
) -> Initialization:
    """Write tilth.toml, schema.toml and features.py for a data file, or a folder of images or recordings.

    Args:
        data: the data file or the folder.
        label: the column to predict.
        directory: the project's folder, made if need be.
        task: what is predicted; default: told from the label, and "ranking" where there is a group.
        group: for ranking, the column whose rows are ranked together.
        separator: for several labels in one text, what stands between them; default: found out.

    Raises:
        ProjectError: a project is there already, or files of one that differ.
        DataError: the data cannot be read, or the label cannot be learned.
        ColumnNotFoundError: the data has no such label.
    """
    folder = Path(directory).absolute()
    names = ("tilth.toml", "schema.toml", "features.py")
    if (folder / "tilth.toml").exists():
        raise _in_the_way(folder, [name for name in names if (folder / name).exists()])
    _refuse_other_than_file(data)
    missing, assumptions = _missing_texts(data)
    table = open_table(str(data), missing=missing)
    assumptions = [*table.notes, *assumptions]
    if label not in table.columns:
        raise _no_label(label, table)
    check_label(table, label, task, group)
    seen = profile(table)
    if seen.rows == 0:
        raise DataError("there are no rows", where=table.name, expected="a header line and rows below it")
    schema = infer_schema(seen, label=label)
    if media_files(Path(data)) is not None:
        schema = _without_places(schema)
    encoding = first_label(table, label, task=task, group=group, separator=separator)
    schema = with_label(schema, label, encoding)
    by_value = encoding.task == "ranking" and not are_grades(table, label)
    assumptions += [*_columns_in_words(_without_group(schema, encoding), label), *encoding.notes]
    assumptions += [NO_GRADES] if by_value else []
    texts = {
        "tilth.toml": _configuration(folder, Path(data), label, encoding, missing, seen.rows, by_value),
        "schema.toml": schema.to_toml(),
        "features.py": default_features(_without_group(schema, encoding), label),
    }
    Configuration.from_toml(texts["tilth.toml"])
    differing = [name for name in names if not _may_write(folder / name, texts[name])]
    if differing:
        raise _in_the_way(folder, differing)
    _write_all(folder, texts)
    return Initialization(folder, names, seen.rows, len(table.columns), encoding.task, tuple(assumptions))


def _refuse_other_than_file(data: str | Path) -> None:
    """A project reads files, so that its runs can tell by their bytes whether the data changed."""
    if Path(data).is_file() or media_files(Path(data)) is not None:
        return
    if Path(data).is_dir() or "://" in str(data) or re.search(r"[*?\[]", str(data)):
        raise DataError(
            "a project reads files",
            where=str(data),
            expected="one file of data, or a folder of images or recordings",
            mend="make one with: tilth data save DATA --name raw, then tilth data export raw@latest -o FILE",
        )


def _without_places(schema: Schema) -> Schema:
    """The schema of a folder, without what only tells where its files lie when a prediction is asked for."""
    columns = (replace(c, not_in=("serving",)) if c.name in _PLACES else c for c in schema.columns)
    return replace(schema, columns=tuple(columns))


def _without_group(schema: Schema, encoding: LabelEncoding) -> Schema:
    """The columns that may be features: which rows are ranked together tells nothing within them."""
    return replace(schema, columns=tuple(c for c in schema.columns if c.name != encoding.group))


def _may_write(path: Path, text: str) -> bool:
    """Whether nothing is lost: nothing is there, or what an interrupted `tilth init` left."""
    return not path.exists() or (path.is_file() and path.read_bytes() == text.encode())


def _in_the_way(folder: Path, names: list[str]) -> ProjectError:
    return ProjectError(
        f"{' and '.join(names)} would be overwritten",
        where=str(folder),
        mend="choose another folder with --dir, or move the old files away",
    )


def _missing_texts(data: str | Path) -> tuple[list[str], list[str]]:
    """The texts that stand for missing values, and a sentence on each."""
    found = sentinels(str(data))
    said = []
    for text, columns in found.items():
        cells = sum(columns.values())
        shown = ", ".join(list(columns)[:4]) + (", ..." if len(columns) > 4 else "")
        said.append(f"{text!r} means missing ({cells:,} cells in {shown}): change it under [data] missing")
    return list(found), said


def _no_label(label: str, table: Table) -> ColumnNotFoundError:
    error = ColumnNotFoundError(label, table.columns, where=table.name)
    if any(re.fullmatch(r"[-+]?[\d.]+", name.strip()) for name in table.columns):
        error.mend = "the first line looks like data: does the file have a header line?"
    return error


def _columns_in_words(schema: Schema, label: str) -> list[str]:
    """What was made of the columns that are not plain numbers or categories."""
    words = {
        "identifier": "an identifier: left out of the features",
        "constant": "constant: left out of the features",
        "text": "free text: left out of the features",
        "date": "a date: its parts become features",
    }
    kinds = {
        "image": "an image: its edges, a coarse picture and its brightness become features",
        "audio": "a recording: figures, slopes and course of its cepstrum become features",
        "list[string]": "a list of texts: its most frequent items become features",
        "list[datetime]": "a list of dates: its length becomes a feature",
        "list[bool]": "a list of flags: its length and figures become features",
        **dict.fromkeys(
            ("list[int]", "list[float]"), "a list of numbers: its length and figures become features"
        ),
    }
    said = (
        (c.name, words.get(c.kind) if c.kind == "constant" else kinds.get(c.type, words.get(c.kind)))
        for c in schema.columns
        if c.name != label
    )
    return [f"{name} is {what}" for name, what in said if what]


def _configuration(
    folder: Path,
    data: Path,
    label: str,
    encoding: LabelEncoding,
    missing: list[str],
    rows: int,
    by_value: bool,
) -> str:
    """The text of tilth.toml."""
    small = rows < SMALL_ROWS
    method = _split_method(encoding, small)
    values: dict[str, JSONValue] = {
        "name": _name(data),
        "label": label,
        "task": encoding.task,
        "source": _relative(data, folder),
        "missing": list[JSONValue](missing),
        "method": method,
        "columns": [label] if method == "balanced" else [encoding.group] if method == "group" else [],
        "fractions": [0.6, 0.2, 0.2] if small else [0.8, 0.1, 0.1],
    }
    texts = {name: _toml(value) for name, value in values.items()}
    texts["more"] = _more_on_label(encoding)
    texts["parameters"] = '{ objective = "regression" }' if by_value else "{}"
    # In one pass, so that a label named like a place in the template is not taken for one.
    filled = re.sub(r"<(\w+)>(?:(?<=<more>)\n)?", lambda found: texts[found[1]], TEMPLATE)
    return filled + first_checks(encoding.task, small=small)


def _split_method(encoding: LabelEncoding, small: bool) -> str:
    if encoding.task == "ranking":
        return "group"
    if not small:
        return "hash"
    return "balanced" if encoding.task in ("binary", "multiclass") else "random"


def _more_on_label(encoding: LabelEncoding) -> str:
    """The lines that only some tasks have."""
    lines = {
        "positive": (encoding.positive, "the class that precision, recall and F1 speak of"),
        "group": (encoding.group, "the rows of one value are ranked together"),
        "separator": (encoding.separator, "what stands between the labels of a row"),
    }
    return "".join(
        f"{key} = {_toml(value)}  # {comment}\n"
        for key, (value, comment) in lines.items()
        if value is not None
    )


def _name(data: Path) -> str:
    """A name for the project, after the data file."""
    plain = re.sub(r"[^\w.-]+", "-", data.name.split(".")[0]).strip("-.")
    return plain[:LONGEST_NAME].rstrip("-.") or "model"


def _relative(data: Path, folder: Path) -> str:
    """The data's path from the project's folder; absolute where there is none (another drive)."""
    with contextlib.suppress(ValueError):
        return Path(os.path.relpath(data.absolute(), folder)).as_posix()
    return data.absolute().as_posix()


def _toml(value: JSONValue) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


TEMPLATE = """\
# A Tilth project: what is predicted, from what, and what must hold. Paths are relative to this file.

[project]
name = <name>
label = <label>
task = <task>  # binary | multiclass | regression | multilabel | ranking
<more>

[data]
sources = [<source>]
missing = <missing>  # texts that mean "missing", beside the empty cell

[split]
method = <method>  # hash | random | balanced | group | time
columns = <columns>  # what to balance, group or sort by
fractions = <fractions>  # train, dev, test
seed = 0

[train]
estimator = "lightgbm"  # or a scikit-learn class: "sklearn.linear_model.LogisticRegression"
seed = 0
threshold = 0.5  # positive above this probability; or a goal: "f1", "recall >= 0.9"
parameters = <parameters>

[evaluate]
slices = []  # metrics are also given for each value of these columns: [["sex"], ["sex", "race"]]

[serve]
host = "127.0.0.1"
port = 8080
unexpected_values = "accept"  # or "reject" or "unknown": what to do with a category never seen

[monitor]
window = 1000  # how many of the newest predictions are looked at
minimum_rows = 30  # fewer are not judged
drift_threshold = 0.1  # in standard deviations (numbers) or share of rows (categories)
significance = 0.01  # false alarms for drift: one window in a hundred

# What must hold. moment "model": before a model is registered. moment "live": else an alarm rings.
"""


def _write_all(folder: Path, texts: dict[str, str]) -> None:
    """Write every file or none; tilth.toml, which makes it a project, comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    order = sorted(texts, key=lambda name: name == "tilth.toml")
    waiting = {name: folder / f".{name}.{os.getpid()}" for name in order}
    placed: list[Path] = []
    try:
        for name, path in waiting.items():
            path.write_text(texts[name], encoding="utf-8")
        for name, path in waiting.items():
            placed.append(path.replace(folder / name))
    except BaseException:
        for path in placed:
            path.unlink()
        raise
    finally:
        for path in waiting.values():
            path.unlink(missing_ok=True)
