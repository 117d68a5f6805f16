"""What was done and what came of it: runs, executions, artifacts, lineage, model versions and their aliases.

`Store` keeps the records in a database (SQLite, or PostgreSQL for teams), `ArtifactStore` the bytes in a
folder by their content. Bytes are put first and recorded last, so a crash between the two leaves bytes
without a record, which harm nobody, and never a record without its bytes. This room opens its own files; only
the shell (projects, pipelines, serving, the command line) may use it.
"""

from __future__ import annotations

from tilth.store.digests import digest_of_bytes, digest_of_file
from tilth.store.files import ArtifactStore, Stored
from tilth.store.records import (
    AliasChange,
    Artifact,
    DatasetVersion,
    Direction,
    Event,
    Execution,
    LineageGraph,
    Measured,
    Metric,
    ModelSummary,
    ModelVersion,
    Move,
    Overview,
    Record,
    Role,
    Run,
    Sample,
    State,
    Usage,
)
from tilth.store.remarks import Remark, Said
from tilth.store.store import Store
from tilth.store.trials import TrialRecord

__all__ = [
    "AliasChange",
    "Artifact",
    "ArtifactStore",
    "DatasetVersion",
    "Direction",
    "Event",
    "Execution",
    "LineageGraph",
    "Measured",
    "Metric",
    "ModelSummary",
    "ModelVersion",
    "Move",
    "Overview",
    "Record",
    "Remark",
    "Role",
    "Run",
    "Said",
    "Sample",
    "State",
    "Store",
    "Stored",
    "TrialRecord",
    "Usage",
    "digest_of_bytes",
    "digest_of_file",
]
