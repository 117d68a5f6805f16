"""The state of the data that a batch prediction reads: it is another where the data may have changed."""

from __future__ import annotations

import hashlib
import os

from tilth.tables import Table, row_hashes
from tilth.tables.opening import find_files
from tilth.tables.remote import RemoteFile

__all__ = ["data_state"]


def data_state(data: str, table: Table) -> str:
    """A name of 40 hexadecimal digits for the rows of a table and their order.

    Of files it is made of their places, sizes and times of change, and costs nothing. What is no list of
    files (a database, a Delta table, a workbook, a folder of images) is read for it.

    Args:
        data: where the table comes from, as people named it.
        table: what was opened there.

    Raises:
        DataError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=20)
    files = find_files(data)
    if files is None:
        for batch in table.batches():
            digest.update(row_hashes(batch).tobytes())
        return digest.hexdigest()
    for found in files:
        file = found.file
        place = file.address if isinstance(file, RemoteFile) else os.path.realpath(file.path)
        digest.update(f"{place}\0{file.size}\0{file.changed_ns}\0".encode())
    return digest.hexdigest()
