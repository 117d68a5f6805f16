"""Labels from outside the training data: outcomes that come back for answered predictions."""

from tilth.labels.feedback import join_feedback

__all__ = ["join_feedback"]
