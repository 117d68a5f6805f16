"""A project: one folder with tilth.toml, schema.toml and features.py, and its state in .tilth."""

from tilth.projects.configuration import Configuration
from tilth.projects.initialization import Initialization, initialize
from tilth.projects.project import Project

__all__ = ["Configuration", "Initialization", "Project", "initialize"]
