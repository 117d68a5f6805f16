"""`make_network`: a network by its parameters in tilth.toml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from tilth.errors import TrainingError
from tilth.features.blocks import Block
from tilth.training.boosting import Estimator, check_parameters, parameter_names
from tilth.training.networks.library import check_torch, find_device
from tilth.training.networks.settings import check_settings
from tilth.types import Task

__all__ = ["make_network"]


def make_network(
    parameters: Mapping[str, object], task: Task, seed: int = 0, blocks: Sequence[Block] = ()
) -> Estimator:
    """A small reference network that is not fitted yet; see `NetworkClassifier` for its parameters.

    Args:
        parameters: by name.
        task: what it shall predict; for ranking it scores rows one by one.
        seed: for all that is drawn at random; a `random_state` among the parameters wins.
        blocks: which features belong together as an image, frames or tokens.

    Raises:
        TrainingError: PyTorch is not installed, or a bad parameter.
    """
    check_torch()
    from tilth.training.networks.estimators import MultilabelNetwork, NetworkClassifier, NetworkRegressor

    kinds = {
        "binary": NetworkClassifier,
        "multiclass": NetworkClassifier,
        "multilabel": MultilabelNetwork,
        "regression": NetworkRegressor,
        "ranking": NetworkRegressor,
    }
    if task not in kinds:
        raise TrainingError(f"a network cannot be trained for {task}", expected="one of " + ", ".join(kinds))
    kind = kinds[task]
    check_parameters("network", parameters, parameter_names(kind) - {"blocks"})
    check_settings(parameters)
    given = {"random_state": seed, **parameters}
    find_device(str(given.get("device", "auto")))
    return cast("Estimator", kind(**given, blocks=tuple(blocks)))  # type: ignore[arg-type] # checked above
