"""The error of a transform that is not fitted, which scikit-learn knows too.

Imported only where it is raised: importing scikit-learn takes half a second.
"""

from __future__ import annotations

from sklearn.exceptions import NotFittedError

from tilth.errors import FeatureError

__all__ = ["NotFittedTransformError"]


class NotFittedTransformError(FeatureError, NotFittedError):  # type: ignore[misc]
    """A transform was used before it was fitted.

    Example:
        >>> print(NotFittedTransformError())
        the transform is not fitted
          to mend it: call fit(data) first
    """

    def __init__(self) -> None:
        super().__init__("the transform is not fitted", mend="call fit(data) first")
