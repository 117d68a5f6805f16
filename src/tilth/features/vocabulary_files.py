"""Vocabularies in files: the folder `vocabularies` beside features.py.

The folder is part of what a transform depends on, so that a file that is changed is noticed. Nothing outside
of it can be read.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from tilth.errors import DataError, FeatureError
from tilth.features.source_lines import caller_folder, caller_line
from tilth.tables import read_values

__all__ = ["VOCABULARIES", "read_vocabulary"]

VOCABULARIES = "vocabularies"


def read_vocabulary(file: object, use: str) -> tuple[str, ...]:
    """The values in a file of the folder, one a line.

    Args:
        file: its path beside features.py, such as "vocabularies/words.txt", or its name in the folder.
        use: what it is used for, as it is written.

    Raises:
        FeatureError: a path that leads out of the folder; a file that cannot be read, or has empty lines or a
            value twice.
    """
    if not isinstance(file, str) or not file:
        raise FeatureError(f"{use} got file={file!r}", where=caller_line(), expected="a file's name")
    folder = caller_folder() / VOCABULARIES
    inside = PurePosixPath(file.replace("\\", "/"))
    if inside.parts[0] == VOCABULARIES:
        inside = PurePosixPath(*inside.parts[1:])
    path = folder / inside
    if inside.is_absolute() or not inside.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise FeatureError(
            f"{use}: the file '{file}' is not in the folder {VOCABULARIES}",
            where=caller_line(),
            expected=f'a file beside features.py, such as "{VOCABULARIES}/words.txt"',
            mend=f"move it to {VOCABULARIES}, so that a change of it is noticed",
        )
    try:
        return read_values(path)
    except DataError as error:
        raise FeatureError(
            f"{use}: {error.what}",
            where=f"{error.where}, named in {caller_line()}",
            expected="a text file in UTF-8 with a value on each line, none twice",
        ) from error
