"""Rules for steps of scikit-learn's of which skl2onnx has no form, or none that keeps values exact.

In a graph a missing text is "" and a missing number NaN. Each rule writes the nodes of one fitted step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tilth.errors import FeatureError
from tilth.features.adoption.encoders import one_hot_encoder, ordinal_encoder
from tilth.features.adoption.functions import FUNCTIONS, function_transformer, power_transformer
from tilth.features.adoption.imputers import missing_indicator, simple_imputer
from tilth.features.adoption.step_nodes import columns_out

__all__ = ["refusal", "rules", "shapes"]

Step = Callable[[Any, Any, Any], None]


def rules() -> dict[type, Step]:
    """What writes the nodes of a step, by its class."""
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, PowerTransformer

    return {
        SimpleImputer: simple_imputer,
        MissingIndicator: missing_indicator,
        OneHotEncoder: one_hot_encoder,
        OrdinalEncoder: ordinal_encoder,
        FunctionTransformer: function_transformer,
        PowerTransformer: power_transformer,
    }


def refusal(step: Any) -> FeatureError | None:
    """Why a step cannot be part of a graph; None where nothing is known against it.

    Example:
        >>> from sklearn.preprocessing import OneHotEncoder
        >>> print(refusal(OneHotEncoder()))
        OneHotEncoder refuses what it did not meet in training, and a model must answer
          expected: handle_unknown='ignore' or 'infrequent_if_exist'
        >>> refusal(OneHotEncoder(handle_unknown="ignore")) is None
        True
    """
    from skl2onnx import _supported_operators as supported

    name = type(step).__name__
    if name in _WORDS_FOR_UNKNOWN and step.handle_unknown in ("error", "warn"):
        return FeatureError(
            f"{name} refuses what it did not meet in training, and a model must answer",
            expected=_WORDS_FOR_UNKNOWN[name],
        )
    if name == "TargetEncoder":
        return FeatureError(
            "TargetEncoder would give the training rows their own labels",
            mend="write this feature in features(x), where target encoding is out of fold",
        )
    if name == "FunctionTransformer":
        return _refused_function(step)
    if type(step) not in {*rules(), *supported.sklearn_operator_name_map}:
        return FeatureError(
            f"{name} has no ONNX form",
            mend="write its features as expressions in features(x), or leave it out",
        )
    return None


_WORDS_FOR_UNKNOWN = {
    "OneHotEncoder": "handle_unknown='ignore' or 'infrequent_if_exist'",
    "OrdinalEncoder": "handle_unknown='use_encoded_value' with an unknown_value",
}


def _refused_function(step: Any) -> FeatureError | None:
    name = getattr(step.func, "__name__", repr(step.func))
    if step.func is None or (getattr(np, name, None) is step.func and name in FUNCTIONS and not step.kw_args):
        return None
    return FeatureError(
        f"FunctionTransformer({name}) has no ONNX form",
        expected="one of np." + ", np.".join(FUNCTIONS),
        mend="write the feature as an expression in features(x)",
    )


def shapes() -> dict[type, Callable[[Any], None]]:
    """What says which type and how many columns come out of a step, by its class."""
    return dict.fromkeys(rules(), _shape)


def _shape(operator: Any) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import FunctionTransformer

    given = operator.inputs[0].type
    step = operator.raw_operator
    kind = type(given) if isinstance(step, SimpleImputer | FunctionTransformer) else _number(operator)
    width = step.n_features_in_ if isinstance(step, FunctionTransformer) else len(columns_out(step))
    operator.outputs[0].type = kind([None, width])


def _number(operator: Any) -> Any:
    """The type of numbers that the graph computes with, which a step on texts cannot see from its inputs."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    floats = any(isinstance(each.type, FloatTensorType) for each in operator.inputs)
    return FloatTensorType if floats else DoubleTensorType
