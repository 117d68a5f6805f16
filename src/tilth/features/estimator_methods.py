"""What scikit-learn asks of a transformer, without importing scikit-learn before it asks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from tilth.errors import UsageError, closest
from tilth.features.matrices import is_matrix, open_matrix
from tilth.tables import Table, open_table

__all__ = ["EstimatorMethods"]


class EstimatorMethods:
    """The base of a transformer whose parameters are the attributes of these names.

    Works in scikit-learn's Pipeline, ColumnTransformer and GridSearchCV, with clone(), check_is_fitted() and
    set_output().
    """

    _parameters: ClassVar[tuple[str, ...]]
    _sklearn_auto_wrap_output_keys: ClassVar[frozenset[str]] = frozenset({"transform"})

    n_features_in_: int
    """How many columns the training data had; only where it was fitted."""

    feature_names_in_: np.ndarray
    """What they were called; only where it was fitted, and they had names."""

    def __repr__(self) -> str:
        shown = (f"{name}={_shown(getattr(self, name))}" for name in self._parameters)
        return f"{type(self).__name__}({', '.join(shown)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments.

        Args:
            deep: also those of arguments that have some of their own, as name__argument.
        """
        found = {name: getattr(self, name) for name in self._parameters}
        if deep:
            for name, value in list(found.items()):
                if hasattr(value, "get_params") and not isinstance(value, type):
                    found |= {f"{name}__{inner}": each for inner, each in value.get_params().items()}
        return found

    def set_params(self, **parameters: Any) -> Self:
        """Change the constructor's arguments.

        Raises:
            UsageError: one that there is not.
        """
        nested: dict[str, dict[str, Any]] = {}
        for name, value in parameters.items():
            own, mark, inner = name.partition("__")
            if own not in self._parameters:
                near = closest(own, self._parameters)
                raise UsageError(
                    f"{type(self).__name__} has no parameter '{own}'",
                    expected="one of " + ", ".join(self._parameters),
                    mend=f"did you mean '{near}'?" if near else None,
                )
            if mark:
                nested.setdefault(own, {})[inner] = value
            else:
                setattr(self, own, value)
        for own, values in nested.items():
            getattr(self, own).set_params(**values)
        return self

    def set_output(self, *, transform: str | None = None) -> Self:
        """What `transform` shall give.

        Args:
            transform: "default" for an array, "polars" or "pandas" for a frame; None changes nothing.
        """
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            input_tags=InputTags(string=True, allow_nan=True),
        )

    def _open(self, data: object, *, fitting: bool) -> Table:
        """The table of what was given, with what scikit-learn wants to know of it."""
        if is_matrix(data):
            return open_matrix(data, self, fitting=fitting)
        table = open_table(data)
        if fitting:
            self.n_features_in_ = len(table.columns)
            self.feature_names_in_ = np.array(list(table.columns), dtype=object)
        return table

    def _checked_names(self, names: Sequence[str], input_features: object) -> np.ndarray:
        """The names that come out, if those that are said to go in are right."""
        known = getattr(self, "feature_names_in_", None)
        if input_features is not None:
            given = [str(name) for name in np.asarray(input_features, dtype=object)]
            if known is not None and given != list(known):
                raise UsageError("input_features is not equal to feature_names_in_")
            if len(given) != self.n_features_in_:
                raise UsageError(
                    "input_features should have length equal to number of features "
                    f"({self.n_features_in_}), got {len(given)}"
                )
        return np.array(names, dtype=object)

    def _in_container(self, values: np.ndarray, data: object) -> Any:
        """The values as `set_output`, or the configuration of scikit-learn, says."""
        sklearn = sys.modules.get("sklearn")
        if not hasattr(self, "_sklearn_output_config") and (
            sklearn is None or sklearn.get_config()["transform_output"] == "default"
        ):
            return values
        from sklearn.utils._set_output import _wrap_data_with_container

        return _wrap_data_with_container("transform", values, data, self)


def _shown(value: object) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = f"{{{len(value)} columns}}" if isinstance(value, Mapping) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
