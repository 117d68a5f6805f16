"""Code of a project's own: which files a training function is made of, and running exactly these."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path, PurePosixPath
from types import CodeType, ModuleType

from tilth.errors import TrainingError

__all__ = ["importable", "is_local", "load_file", "local_digests", "local_files"]

_DYNAMIC = {"importlib", "runpy", "__import__", "exec", "eval"}
"""Where one of these is used, what is imported cannot be read from the text."""

_SKIPPED = {"site-packages", "dist-packages", "node_modules", "__pycache__"}
_LOCK = threading.RLock()
_USERS: dict[Path, int] = {}
_BEFORE: dict[Path, dict[str, ModuleType]] = {}
_FINDERS: dict[Path, _LocalFinder] = {}


def local_files(file: str, directory: Path) -> dict[str, Path]:
    """The files that a Python file of a project is made of: itself and what it imports from the project.

    Args:
        file: its path within the project, such as "train.py".
        directory: the project's folder, from which its modules are imported.

    Returns:
        Path within the project -> path, in order. What is imported under a name that is computed cannot be
        read from the text: every Python file of the project then counts.

    Raises:
        TrainingError: the file is not there, or not in the project, or a file is not Python.
    """
    found: dict[str, Path] = {}
    waiting = [_entry(file, directory)]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(directory).as_posix()
        if name in found:
            continue
        found[name] = path
        imported = _imported(path.read_bytes(), PurePosixPath(name))
        if imported is None:
            return {p.relative_to(directory).as_posix(): p for p in sorted(_all_files(directory))}
        waiting += [path for module in imported for path in _module_files(module, directory)]
    return dict(sorted(found.items()))


def local_digests(file: str, directory: Path) -> dict[str, str]:
    """The same files, each with the SHA-256 of its contents in hexadecimal digits."""
    files = local_files(file, directory)
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def is_local(path: str | Path, directory: Path) -> bool:
    """Whether a file is the project's own, and not a library that is installed within its folder."""
    try:
        parts = Path(path).relative_to(directory).parts
    except ValueError:
        return False
    return not any(part in _SKIPPED or part.startswith(".") for part in parts)


@contextlib.contextmanager
def importable(directory: Path, digests: Mapping[str, str]) -> Iterator[None]:
    """Within this, the modules of a project can be imported, each anew from its present text.

    Compiled files that lie beside them are neither used nor written: they may be those of another text.

    Args:
        directory: the project's folder.
        digests: what `local_digests` gave; importing another file or text is refused.
    """
    _enter(directory, digests)
    try:
        yield
    finally:
        _leave(directory)


def load_file(file: str, directory: Path, digests: Mapping[str, str]) -> ModuleType:
    """Run a Python file of a project as a module; within `importable` only."""
    name = ".".join(PurePosixPath(file).with_suffix("").parts)
    path = directory / file
    loader = _CheckedLoader(name, str(path), directory, digests)
    module = module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    with _LOCK:
        # Under its own name, so that what looks its classes up by their module finds them.
        sys.modules[name] = module
    loader.exec_module(module)
    return module


def _entry(file: str, directory: Path) -> Path:
    path = directory / file
    inside = not PurePosixPath(file).is_absolute() and ".." not in PurePosixPath(file).parts
    if not inside or not is_local(path, directory):
        raise TrainingError(
            f"'{file}' is not in the project",
            where="tilth.toml, [train] estimator",
            expected="a path within the project's folder, such as train.py",
        )
    if not path.is_file():
        raise TrainingError(
            f"there is no {file} here",
            where=str(directory),
            expected="a file that defines: def train(data, params)",
            mend="write it, or correct estimator in tilth.toml",
        )
    return path


def _imported(text: bytes, name: PurePosixPath) -> set[str] | None:
    """The dotted names of all that a text may import; None where that cannot be read from it."""
    try:
        tree = ast.parse(text, str(name))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise TrainingError(
            f"not Python: {getattr(error, 'msg', None) or error}",
            where=f"{name}, line {line}" if line else str(name),
        ) from error
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, name)
            found |= {base, *(f"{base}.{alias.name}".strip(".") for alias in node.names)}
        elif isinstance(node, ast.Name) and node.id in _DYNAMIC:
            return None
    return None if {module.partition(".")[0] for module in found} & _DYNAMIC else found


def _base(node: ast.ImportFrom, name: PurePosixPath) -> str:
    """The module that names are imported from; dots at its beginning count from the file's folder."""
    if not node.level:
        return node.module or ""
    folders = name.parent.parts
    kept = folders[: len(folders) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _module_files(module: str, directory: Path) -> Iterator[Path]:
    """The files that importing a dotted name runs, those of its packages included."""
    parts = module.split(".") if module else []
    for depth in range(1, len(parts) + 1):
        place = directory.joinpath(*parts[:depth])
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file() and is_local(path, directory):
                yield path


def _all_files(directory: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        yield from (Path(folder) / name for name in files if name.endswith(".py"))


class _CheckedLoader(SourceFileLoader):
    """Compiles the present text, if it is the one that was expected."""

    def __init__(self, name: str, path: str, directory: Path, digests: Mapping[str, str]) -> None:
        super().__init__(name, path)
        self._directory = directory
        self._digests = digests

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the name that SourceLoader gives
        text = self.get_data(self.path)
        name = Path(self.path).relative_to(self._directory).as_posix()
        if self._digests.get(name) != hashlib.sha256(text).hexdigest():
            raise TrainingError(
                f"{name} changed while it was used"
                if name in self._digests
                else f"{name} is imported, which the text does not tell",
                where=self.path,
                mend="run again" if name in self._digests else "import it with a plain import statement",
            )
        return compile(text, self.path, "exec", dont_inherit=True)


class _LocalFinder(MetaPathFinder):
    """Finds the modules of one project before Python looks anywhere else."""

    def __init__(self, directory: Path, digests: Mapping[str, str]) -> None:
        self._directory = directory
        self._digests = digests

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - the signature of finders
    ) -> ModuleSpec | None:
        places = [self._directory] if path is None else [Path(p) for p in path if self._holds(p)]
        leaf = fullname.rpartition(".")[2]
        for place in places:
            package = place / leaf
            for file in (package / "__init__.py", place / f"{leaf}.py"):
                if file.is_file():
                    loader = _CheckedLoader(fullname, str(file), self._directory, self._digests)
                    return spec_from_file_location(fullname, file, loader=loader)
            if package.is_dir() and self._has_code_in(package):
                spec = ModuleSpec(fullname, None, is_package=True)
                spec.submodule_search_locations = [str(package)]
                return spec
        return None

    def _holds(self, place: str) -> bool:
        return is_local(place, self._directory)

    def _has_code_in(self, folder: Path) -> bool:
        """Whether a folder without __init__.py is a package: others, such as `data`, hide no library."""
        within = f"{folder.relative_to(self._directory).as_posix()}/"
        return any(name.startswith(within) for name in self._digests)


def _enter(directory: Path, digests: Mapping[str, str]) -> None:
    with _LOCK:
        _USERS[directory] = _USERS.get(directory, 0) + 1
        if _USERS[directory] > 1:
            return
        _BEFORE[directory] = _taken_out(directory)
        _FINDERS[directory] = _LocalFinder(directory, digests)
        sys.meta_path.insert(0, _FINDERS[directory])
        sys.path.insert(0, str(directory))  # for the processes that the code starts


def _leave(directory: Path) -> None:
    with _LOCK:
        _USERS[directory] -= 1
        if _USERS[directory]:
            return
        del _USERS[directory]
        _taken_out(directory)
        sys.modules.update(_BEFORE.pop(directory))
        sys.meta_path.remove(_FINDERS.pop(directory))
        if str(directory) in sys.path:
            sys.path.remove(str(directory))


def _taken_out(directory: Path) -> dict[str, ModuleType]:
    """Take all modules of a project out of those that Python has imported."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        places = [file] if isinstance(file, str) else list(getattr(module, "__path__", []))
        if name != "__main__" and places and all(is_local(place, directory) for place in places):
            found[name] = sys.modules.pop(name)
    return found
