"""The text of a first features.py, from a schema."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tilth.inference import SAMPLE_RATE
from tilth.schemas import Column, Schema
from tilth.types import SCALAR_TYPES

__all__ = ["default_features"]

_TOP = 50
_TOP_ITEMS = 100
_STEPS = 10
_MID_GREY = 128
_LEAST_RATE = 8_000
"""Recordings of fewer samples a second are taken at this rate, if others have more."""

_SLOWEST = 100

_HEAD = '''"""The features of the model: edit freely, then `tilth run`.

`x["name"]` is a raw column. Constants such as medians and vocabularies come from the training data only, and
the same graph computes the features in training and in the server. There are also clip, log1p, scale,
buckets, quantile_buckets, vocabulary and more; `from tilth.features import cross, where` for the rest.
"""


'''

_REASONS = {
    "identifier": "an identifier says which row it is, not what it is like",
    "constant": "it has one value at most",
    "text": "free text; for its words add .lower().tokens().tfidf(top=1000), or .token_ids(60) for a network",
}


def default_features(schema: Schema, label: str) -> str:
    """The text of a readable features.py with a sensible feature for each column of a schema.

    Numbers have missing values filled with the median and are standardized; flags become 0 and 1; categories
    one column for each of the 50 most frequent values; datetimes the hour, weekday, month and the days since
    1970. Lists of texts have a column for each of the 100 most frequent items; lists of numbers their count,
    mean, least and greatest. Images have histograms of oriented gradients, a coarse picture of 8 x 8 pixels,
    brightness, contrast and sharpness. Recordings have figures of 13 mel-frequency cepstral coefficients and
    of their slopes, and their course in 10 steps. A column that may be missing also tells so. Identifiers,
    constants, free text, columns that are absent in serving are left out, with the reason as a comment; so
    are, without one, the label and what profiles compute from images and recordings.

    Args:
        schema: the columns.
        label: the column that is predicted.

    Returns:
        Python source; `load_features` takes it.

    Example:
        >>> from tilth.schemas import Column, Schema
        >>> columns = (Column("age", "int", required=False), Column("id", "string", kind="identifier"))
        >>> text = default_features(Schema(columns), label="income")
        >>> print(text[text.index("def ") :], end="")
        def features(x):
            return {
                "age": x["age"].fill_missing("median").zscore(),
                "age is missing": x["age"].is_missing(),
                # "id" is left out: an identifier says which row it is, not what it is like
            }
    """
    writer = _Writer(column.name for column in schema.columns)
    media = {column.name for column in schema.columns if column.type in ("image", "audio")}
    for column in schema.columns:
        if column.name == label or column.name.startswith("tilth."):
            continue
        if column.name.rpartition(".")[0] in media:
            continue  # a statistic that profiles compute from the image or recording, and not in the data
        reason = _reason(column)
        if reason:
            writer.comment(column.name, reason)
        else:
            _add(writer, column, schema)
    body = "".join(f"        {line}\n" for line in writer.lines)
    return f"{_HEAD}def features(x):\n    return {{\n{body}    }}\n"


class _Writer:
    """Collects the lines of the dictionary; a derived name never takes that of a column."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self.lines: list[str] = []

    def feature(self, column: str, suffix: str, methods: str) -> None:
        """A feature of a column, named after it."""
        name = column + suffix or "unnamed"
        while name != column and name in self._taken:
            name += "_"
        self._taken.add(name)
        self.lines.append(f"{_quoted(name)}: x[{_quoted(column)}]{methods},")

    def instead(self, column: str, methods: str) -> None:
        """What suits a network better than the features before."""
        name = _quoted(column)
        self.lines.append(f"# for a network rather: {name}: x[{name}]{methods},")

    def comment(self, column: str, reason: str) -> None:
        """A column that is left out."""
        self.lines.append(f"# {_quoted(column)} is left out: {reason}")


def _reason(column: Column) -> str | None:
    if "serving" in column.not_in:
        return "it is not known when a prediction is asked for"
    if column.type not in SCALAR_TYPES:
        return _REASONS["constant"] if column.kind == "constant" else None
    if column.kind == "date" and column.type != "datetime":
        return f"a date that was read as {column.type}"
    return _REASONS.get(column.kind)


def _add(writer: _Writer, column: Column, schema: Schema) -> None:
    may_be_missing = not column.required or column.min_present < 1
    if column.is_list:
        _add_list(writer, column)
        return
    if column.type == "audio":
        _add_sound(writer, column, _rate(schema, column.name), may_be_missing)
        return
    if column.type == "image":
        _add_image(writer, column, schema, may_be_missing)
        return
    if column.type == "datetime":
        _add_date(writer, column, may_be_missing)
    elif column.type == "string" or (column.kind == "category" and column.type == "int"):
        writer.feature(column.name, "", f".one_hot(top={_TOP})")  # which has a column for missing values
        return
    elif column.type == "bool" or column.kind == "flag":
        writer.feature(column.name, "", ".fill_missing(0)")
    else:
        writer.feature(column.name, "", '.fill_missing("median").zscore()')
    if may_be_missing:
        writer.feature(column.name, " is missing", ".is_missing()")


def _add_date(writer: _Writer, column: Column, may_be_missing: bool) -> None:
    fill = ".fill_missing(-1)" if may_be_missing else ""
    for part in ("hour", "weekday", "month"):
        writer.feature(column.name, f" {part}", f".{part}(){fill}")
    writer.feature(column.name, " days", '.days().fill_missing("median").zscore()')


def _add_list(writer: _Writer, column: Column) -> None:
    if column.type == "list[string]":
        writer.feature(column.name, "", f".bag_of_words(top={_TOP_ITEMS})")
        return
    writer.feature(column.name, " count", ".length()")
    if column.type != "list[datetime]":
        for figure in ("mean", "min", "max"):
            writer.feature(column.name, f" {figure}", f'.{figure}().fill_missing("median")')


def _add_sound(writer: _Writer, column: Column, rate: str, may_be_missing: bool) -> None:
    writer.feature(column.name, "", f"{rate}.mfcc().summary()")
    writer.feature(column.name, " slopes", f"{rate}.mfcc().deltas().summary()")
    writer.feature(column.name, " course", f"{rate}.mfcc().resample_time({_STEPS})")
    writer.instead(column.name, f"{rate}.mel_spectrogram().first_frames(100)")
    if may_be_missing:
        writer.feature(column.name, " is missing", f"{rate}.duration().is_missing()")


def _add_image(writer: _Writer, column: Column, schema: Schema, may_be_missing: bool) -> None:
    channels = f"{column.name}.channels"
    is_grey = channels in schema.names and schema[channels].high == 1
    fill = f".fill_missing({_MID_GREY})" if may_be_missing else ""
    grey = ".grey()" if is_grey else ""
    writer.feature(column.name, " edges", f"{fill}.resize(28, 28).hog(7, 9)")
    writer.feature(column.name, " coarse", f"{fill}{grey}.resize(8, 8).scale_pixels(0, 1).pixels()")
    writer.instead(column.name, f"{fill}{grey}.resize(28, 28).pixels()")
    for figure in ("brightness", "contrast", "sharpness"):
        writer.feature(column.name, f" {figure}", f'.{figure}().fill_missing("median").zscore()')
    if may_be_missing:
        writer.feature(column.name, " is missing", ".is_missing()")


def _rate(schema: Schema, column: str) -> str:
    """The method that takes recordings at the least rate that they have, where that is not the usual one."""
    statistic = f"{column}.sample_rate"
    bounds = (schema[statistic].low, schema[statistic].high) if statistic in schema.names else (None, None)
    if bounds[0] is None or bounds[1] is None:
        return ""
    rate = int(max(bounds[0], min(_LEAST_RATE, bounds[1])))
    return f".at_rate({rate})" if _SLOWEST <= rate < SAMPLE_RATE else ""


def _quoted(name: str) -> str:
    """A Python literal on one line, in double quotes where it can be."""
    return json.dumps(name, ensure_ascii=False) if name.isprintable() else repr(name)
