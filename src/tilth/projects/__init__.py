"""A project: one folder with tilth.toml, schema.toml and features.py, and its state in .tilth."""

from tilth.projects.configuration import Configuration
from tilth.projects.initialization import Initialization, initialize
from tilth.projects.project import Project
from tilth.projects.workspace import Workspace

__all__ = ["Configuration", "Initialization", "Project", "Workspace", "initialize"]
