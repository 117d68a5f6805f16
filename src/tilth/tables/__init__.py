"""Data as Arrow record batches, whatever it comes from; the only room that knows file formats.

The names below are resolved when they are first used, so that only the readers that are needed are loaded.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.tables.arrow_types import ARROW_TYPES
    from tilth.tables.as_of import join_as_of
    from tilth.tables.concatenation import concat_tables, large_parts
    from tilth.tables.decoding import (
        LONGEST_S,
        decode_image,
        decode_recording,
        image_problem,
        recording_seconds,
    )
    from tilth.tables.fingerprints import fingerprint
    from tilth.tables.folder_files import media_files
    from tilth.tables.image_hashes import NEAR_DUPLICATE_DISTANCE, NO_HASH, image_hash, image_hashes
    from tilth.tables.images import pixel_count
    from tilth.tables.log_compaction import Compaction, compact
    from tilth.tables.log_compactor import Compactor
    from tilth.tables.log_redaction import (
        REDACTED,
        Redaction,
        personal_columns,
        redacted,
        redacted_types,
        redaction_key,
    )
    from tilth.tables.log_retention import remove_older
    from tilth.tables.log_sinks import located_sink
    from tilth.tables.logged_media import LoggedMedia
    from tilth.tables.media_cells import map_cells
    from tilth.tables.media_statistics import (
        AUDIO_STATISTICS,
        IMAGE_STATISTICS,
        statistic_columns,
        with_media_statistics,
    )
    from tilth.tables.opening import open_table
    from tilth.tables.prediction_lines import Label, Prediction
    from tilth.tables.prediction_log import newest_predictions, prediction_log, read_predictions
    from tilth.tables.prediction_tables import predictions_table
    from tilth.tables.predictions import FeedbackLog, PredictionLog, read_feedback
    from tilth.tables.row_hashes import number_copies, row_hashes, rows_repeat
    from tilth.tables.sentinels import SENTINELS, sentinels
    from tilth.tables.splitting import PARTS, SplitMethod, SplitPlan, split
    from tilth.tables.table import Reader, Scalar, Table
    from tilth.tables.value_lists import read_values
    from tilth.tables.writing import write_table

__all__ = [
    "ARROW_TYPES",
    "AUDIO_STATISTICS",
    "IMAGE_STATISTICS",
    "LONGEST_S",
    "NEAR_DUPLICATE_DISTANCE",
    "NO_HASH",
    "PARTS",
    "REDACTED",
    "SENTINELS",
    "Compaction",
    "Compactor",
    "FeedbackLog",
    "Label",
    "LoggedMedia",
    "Prediction",
    "PredictionLog",
    "Reader",
    "Redaction",
    "Scalar",
    "SplitMethod",
    "SplitPlan",
    "Table",
    "compact",
    "concat_tables",
    "decode_image",
    "decode_recording",
    "fingerprint",
    "image_hash",
    "image_hashes",
    "image_problem",
    "join_as_of",
    "large_parts",
    "located_sink",
    "map_cells",
    "media_files",
    "newest_predictions",
    "number_copies",
    "open_table",
    "personal_columns",
    "pixel_count",
    "prediction_log",
    "predictions_table",
    "read_feedback",
    "read_predictions",
    "read_values",
    "recording_seconds",
    "redacted",
    "redacted_types",
    "redaction_key",
    "remove_older",
    "row_hashes",
    "rows_repeat",
    "sentinels",
    "split",
    "statistic_columns",
    "with_media_statistics",
    "write_table",
]

_HOMES = {
    name: home
    for home, names in {
        "arrow_types": ["ARROW_TYPES"],
        "as_of": ["join_as_of"],
        "concatenation": ["concat_tables", "large_parts"],
        "decoding": ["LONGEST_S", "decode_image", "decode_recording", "image_problem", "recording_seconds"],
        "fingerprints": ["fingerprint"],
        "folder_files": ["media_files"],
        "image_hashes": ["NEAR_DUPLICATE_DISTANCE", "NO_HASH", "image_hash", "image_hashes"],
        "images": ["pixel_count"],
        "media_cells": ["map_cells"],
        "log_compaction": ["Compaction", "compact"],
        "log_compactor": ["Compactor"],
        "log_redaction": [
            "REDACTED",
            "Redaction",
            "personal_columns",
            "redacted",
            "redacted_types",
            "redaction_key",
        ],
        "log_sinks": ["located_sink"],
        "log_retention": ["remove_older"],
        "logged_media": ["LoggedMedia"],
        "media_statistics": [
            "AUDIO_STATISTICS",
            "IMAGE_STATISTICS",
            "statistic_columns",
            "with_media_statistics",
        ],
        "opening": ["open_table"],
        "prediction_tables": ["predictions_table"],
        "prediction_lines": ["Label", "Prediction"],
        "prediction_log": ["newest_predictions", "prediction_log", "read_predictions"],
        "predictions": ["FeedbackLog", "PredictionLog", "read_feedback"],
        "row_hashes": ["number_copies", "row_hashes", "rows_repeat"],
        "sentinels": ["SENTINELS", "sentinels"],
        "splitting": ["PARTS", "SplitMethod", "SplitPlan", "split"],
        "table": ["Reader", "Scalar", "Table"],
        "value_lists": ["read_values"],
        "writing": ["write_table"],
    }.items()
    for name in names
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tilth.tables' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"tilth.tables.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)


class _Room(ModuleType):
    """A package in which a name that is also a file's, such as `row_hashes`, never means the file."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Room
