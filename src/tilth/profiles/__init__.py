"""Profile: the mergeable summary of a table, and distances and tests between two such summaries."""

from __future__ import annotations

from tilth.profiles.associations import Associations, associations
from tilth.profiles.column import QUANTILES, ColumnProfile
from tilth.profiles.dates import Dates, Gap
from tilth.profiles.hints import Hint, HintKind
from tilth.profiles.kinds import has_key_name, is_free_text, likely_kind, looks_like_identifier
from tilth.profiles.profile import Profile, SliceProfile, profile, profile_batches
from tilth.profiles.weighted import Weighted

__all__ = [
    "QUANTILES",
    "Associations",
    "ColumnProfile",
    "Dates",
    "Gap",
    "Hint",
    "HintKind",
    "Profile",
    "SliceProfile",
    "Weighted",
    "associations",
    "has_key_name",
    "is_free_text",
    "likely_kind",
    "looks_like_identifier",
    "profile",
    "profile_batches",
]
