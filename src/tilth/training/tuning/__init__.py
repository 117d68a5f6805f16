"""The search for better parameters: spaces, what to try next, what to give up early, and what came of it.

Values from values: trials are recorded, and models fitted and compiled, in `pipelines`. Optuna is known here
only, and only to choose the next proposal and to weigh parameters.
"""

from __future__ import annotations

from tilth.training.tuning.insight import Lead, importances, lead_over
from tilth.training.tuning.pruning import Pruned, Pruner
from tilth.training.tuning.sampling import propose
from tilth.training.tuning.spaces import Choice, Proposal, Range, Space, Spaces, contains, grid_size
from tilth.training.tuning.standard_spaces import STANDARD_SPACES, standard_space
from tilth.training.tuning.trials import COSTS, Aim, Trial

__all__ = [
    "COSTS",
    "STANDARD_SPACES",
    "Aim",
    "Choice",
    "Lead",
    "Proposal",
    "Pruned",
    "Pruner",
    "Range",
    "Space",
    "Spaces",
    "Trial",
    "contains",
    "grid_size",
    "importances",
    "lead_over",
    "propose",
    "standard_space",
]
