"""Settings: which values the parameters of a network may have."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tilth.errors import TrainingError, closest
from tilth.training.networks.augmenting import AUGMENTATIONS

__all__ = ["check_settings"]

_WHOLE = {"epochs": 100_000, "batch_size": 1 << 20, "width": 4096, "depth": 12, "threads": 1024}
_LEAST = {"learning_rate": 0.0, "dropout": 0.0, "weight_decay": 0.0}
_BELOW = {"learning_rate": 10.0, "dropout": 1.0, "weight_decay": 1000.0}


def check_settings(parameters: Mapping[str, object]) -> None:
    """Refuse parameters that a network cannot have.

    Raises:
        TrainingError: one is not possible.

    Example:
        >>> check_settings({"dropout": 1.5})
        Traceback (most recent call last):
        ...
        tilth.errors.TrainingError: dropout is 1.5
          where: [train.parameters] dropout
          expected: a number from 0, below 1
    """
    for name, value in parameters.items():
        if name == "epochs" and value is None:
            continue
        if name in _WHOLE and not (_is_whole(value) and 1 <= float(str(value)) <= _WHOLE[name]):
            raise _refused(name, value, f"a whole number from 1 to {_WHOLE[name]:,}")
        if name in _LEAST and not (_is_number(value) and _LEAST[name] <= float(str(value)) < _BELOW[name]):
            raise _refused(name, value, f"a number from {_LEAST[name]:g}, below {_BELOW[name]:g}")
        if name == "random_state" and not _is_whole(value):
            raise _refused(name, value, "a whole number")
        if name == "augment":
            _check_augment(value)


def _check_augment(value: object) -> None:
    expected = "a list of some of " + ", ".join(f'"{name}"' for name in AUGMENTATIONS)
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise _refused("augment", value, expected)
    for name in value:
        if name not in AUGMENTATIONS:
            near = closest(str(name), AUGMENTATIONS)
            raise TrainingError(
                f"networks have no augmentation {name!r}",
                where="[train.parameters] augment",
                expected=expected,
                mend=f"did you mean '{near}'?" if near else None,
            )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refused(name: str, value: object, expected: str) -> TrainingError:
    return TrainingError(f"{name} is {value!r}", where=f"[train.parameters] {name}", expected=expected)
