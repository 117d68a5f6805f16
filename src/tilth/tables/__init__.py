"""Data as Arrow record batches, whatever it comes from; the only room that knows file formats."""

from __future__ import annotations

from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.concatenation import concat_tables, large_parts
from tilth.tables.fingerprints import fingerprint
from tilth.tables.image_hashes import NEAR_DUPLICATE_DISTANCE, NO_HASH, image_hash, image_hashes
from tilth.tables.media_statistics import AUDIO_STATISTICS, IMAGE_STATISTICS, with_media_statistics
from tilth.tables.opening import open_table
from tilth.tables.prediction_tables import predictions_table
from tilth.tables.predictions import (
    FeedbackLog,
    Label,
    Prediction,
    PredictionLog,
    read_feedback,
    read_predictions,
)
from tilth.tables.row_hashes import number_copies, row_hashes, rows_repeat
from tilth.tables.sentinels import SENTINELS, sentinels
from tilth.tables.splitting import PARTS, SplitMethod, SplitPlan, split
from tilth.tables.table import Reader, Scalar, Table
from tilth.tables.writing import write_table

__all__ = [
    "ARROW_TYPES",
    "AUDIO_STATISTICS",
    "IMAGE_STATISTICS",
    "NEAR_DUPLICATE_DISTANCE",
    "NO_HASH",
    "PARTS",
    "SENTINELS",
    "FeedbackLog",
    "Label",
    "Prediction",
    "PredictionLog",
    "Reader",
    "Scalar",
    "SplitMethod",
    "SplitPlan",
    "Table",
    "concat_tables",
    "fingerprint",
    "image_hash",
    "image_hashes",
    "large_parts",
    "number_copies",
    "open_table",
    "predictions_table",
    "read_feedback",
    "read_predictions",
    "row_hashes",
    "rows_repeat",
    "sentinels",
    "split",
    "with_media_statistics",
    "write_table",
]
