"""Profile: the mergeable summary of a table, and distances and tests between two such summaries."""

from __future__ import annotations

from tilth.profiles.column import QUANTILES, ColumnProfile
from tilth.profiles.profile import Profile, profile, profile_batches

__all__ = ["QUANTILES", "ColumnProfile", "Profile", "profile", "profile_batches"]
