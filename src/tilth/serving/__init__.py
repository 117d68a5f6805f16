"""The prediction server: requests judged by the schema, predicted by one graph, logged, then answered.

It speaks plain JSON rows (`POST /predict`) and the Open Inference Protocol version 2 (`/v2/...`), takes
outcomes (`POST /feedback`), counts for Prometheus (`/metrics`), and follows the champion of a `ModelSource`.
"""

from __future__ import annotations

from tilth.serving.app import GrpcAddress, create_app
from tilth.serving.hub import ServedProject
from tilth.serving.live import ModelSource, fixed_model
from tilth.serving.project_server import champion_source, serve_project
from tilth.serving.scoring import ServedModel
from tilth.serving.server import serve
from tilth.serving.settings import ServingSettings
from tilth.serving.validation import RequestValidator

__all__ = [
    "GrpcAddress",
    "ModelSource",
    "RequestValidator",
    "ServedModel",
    "ServedProject",
    "ServingSettings",
    "champion_source",
    "create_app",
    "fixed_model",
    "serve",
    "serve_project",
]
