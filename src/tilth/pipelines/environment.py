"""In which environment a run took place: Python, every installed distribution, the machine."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import urlsplit, urlunsplit

import psutil  # type: ignore[import-untyped]

from tilth.pipelines.resources import graphics_cards
from tilth.types import JSONObject, JSONValue

__all__ = ["Change", "Environment", "host_facts", "present_environment", "without_credentials"]

_VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
)
"""The environment variables that may change a result; no others are recorded, since they may be secret."""

_MB = 1e6
Change = tuple[str | None, str | None]
"""A version before and after; None where it is not installed."""


@dataclass(frozen=True)
class Environment:
    """A lock of an environment.

    Args:
        python: such as "CPython 3.11.9".
        packages: normalized name of each distribution -> version, and where it is from if not from an index.

    Example:
        >>> then = Environment("CPython 3.11.9", {"numpy": "2.2.0", "six": "1.16.0"})
        >>> print(then.lock(), end="")
        # CPython 3.11.9
        numpy==2.2.0
        six==1.16.0
        >>> Environment.from_lock(then.lock()) == then
        True
        >>> then.changes(Environment("CPython 3.11.9", {"numpy": "2.3.0", "six": "1.16.0"}))
        {'numpy': ('2.2.0', '2.3.0')}
    """

    python: str
    packages: Mapping[str, str]

    def lock(self) -> str:
        """The lines of a requirements file; what is not from an index is a comment beside its version."""
        lines = [f"# {self.python}"]
        for name, version in sorted(self.packages.items()):
            number, _, origin = version.partition(" ")
            lines.append(f"{name}=={number}" + (f"  # {origin}" if origin else ""))
        return "\n".join(lines) + "\n"

    @classmethod
    def from_lock(cls, text: str) -> Environment:
        """What `lock` wrote."""
        first, *lines = text.splitlines()
        packages = {}
        for line in lines:
            pinned, _, origin = line.partition("  # ")
            name, _, version = pinned.partition("==")
            packages[name] = f"{version} {origin}" if origin else version
        return cls(first.removeprefix("# "), packages)

    def changes(self, other: Environment) -> dict[str, Change]:
        """What is installed otherwise in another environment, by name; Python counts as "python"."""
        found: dict[str, Change] = {}
        if self.python != other.python:
            found["python"] = (self.python, other.python)
        for name in sorted({*self.packages, *other.packages}):
            versions = self.packages.get(name), other.packages.get(name)
            if versions[0] != versions[1]:
                found[name] = versions
        return found


def present_environment() -> Environment:
    """The environment of this process.

    Example:
        >>> present_environment().packages["numpy"] == metadata.version("numpy")
        True
    """
    packages: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]  # may be None: a broken folder among the installed ones
        if name:
            found = f"{distribution.version}{_origin(distribution)}"
            packages.setdefault(_normalized(name), found)  # the first on the path is the one imported
    return Environment(f"{platform.python_implementation()} {platform.python_version()}", packages)


def host_facts() -> JSONObject:
    """What of the machine may change a result or the time that it takes."""
    cards = graphics_cards()
    return {
        "host": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": _cores(),
        "memory_mb": round(psutil.virtual_memory().total / _MB),
        "gpus": list[JSONValue](cards.names() if cards is not None else []),
        "c_library": " ".join(platform.libc_ver()).strip() or None,
        "byte_order": sys.byteorder,
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def without_credentials(url: str) -> str:
    """A URL without user, password and query, which may hold secrets.

    Example:
        >>> without_credentials("https://me:token@git.example.com/team/sales.git?key=1")
        'https://git.example.com/team/sales.git'
        >>> without_credentials("git@example.com:team/sales.git")
        'git@example.com:team/sales.git'
    """
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _normalized(name: str) -> str:
    """The name as indexes know it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _origin(distribution: metadata.Distribution) -> str:
    """Where a distribution is from that did not come from an index (PEP 610); "" for others."""
    text = distribution.read_text("direct_url.json")
    if not text:
        return ""
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return ""
    return "".join(f" {word}" for word in _words(found if isinstance(found, dict) else {}))


def _words(found: JSONObject) -> Iterator[str]:
    version_control, folder = found.get("vcs_info"), found.get("dir_info")
    if isinstance(version_control, dict):
        yield f"{without_credentials(str(found.get('url')))}@{version_control.get('commit_id')}"
    elif isinstance(folder, dict):
        yield "editable" if folder.get("editable") else "folder"
    else:
        yield "file"


def _processor() -> str:
    """The processor's name, such as "AMD EPYC 9554"; the kind where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - no file of the disk
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.processor()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
