"""One table of settings, read from the environment once, at the edge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

__all__ = ["SETTINGS", "Setting", "Settings"]


@dataclass(frozen=True)
class Setting:
    """One environment variable: its name, its default and what it is for."""

    variable: str
    default: str | None
    help: str


SETTINGS: dict[str, Setting] = {
    "store_url": Setting(
        "TILTH_STORE",
        None,
        "database URL of the record store; default: .tilth/store.db of the project (SQLite)",
    ),
    "artifacts_path": Setting(
        "TILTH_ARTIFACTS", None, "folder for artifacts; default: .tilth/artifacts of the project"
    ),
    "mlflow_url": Setting(
        "MLFLOW_TRACKING_URI", None, "MLflow server to publish runs and models to; default: none"
    ),
    "mlflow_registry": Setting(
        "MLFLOW_REGISTRY_URI", None, "MLflow server to register models with; default: MLFLOW_TRACKING_URI"
    ),
    "mlflow_experiment_id": Setting(
        "MLFLOW_EXPERIMENT_ID", None, "id of the MLflow experiment to publish to; goes before its name"
    ),
    "mlflow_experiment": Setting(
        "MLFLOW_EXPERIMENT_NAME", None, "MLflow experiment to publish to; default: the project's name"
    ),
    "ray_address": Setting(
        "RAY_ADDRESS",
        None,
        "Ray cluster: host:port, ray://host:port, auto for the one on this machine; default: a new one",
    ),
    "redis_password": Setting(
        "TILTH_REDIS_PASSWORD", None, "password of the Redis server with the look-ups; default: none"
    ),
}


@dataclass(frozen=True)
class Settings:
    """The values of all settings.

    Example:
        >>> Settings.from_environment({"TILTH_ARTIFACTS": "elsewhere"}).artifacts_path
        'elsewhere'
    """

    store_url: str | None
    artifacts_path: str | None
    mlflow_url: str | None
    mlflow_experiment: str | None
    mlflow_registry: str | None = None
    mlflow_experiment_id: str | None = None
    ray_address: str | None = None
    redis_password: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables (default: those of this process)."""
        source = os.environ if environment is None else environment
        values = {
            f.name: source.get(SETTINGS[f.name].variable, SETTINGS[f.name].default) for f in fields(cls)
        }
        return cls(**{name: value or None for name, value in values.items()})
