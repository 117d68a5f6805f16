"""Load features.py from its text."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import cast

from tilth.errors import FeatureError, closest
from tilth.features.adopting import Transformer
from tilth.features.requirements import is_unicode
from tilth.features.source_lines import error_line
from tilth.features.tracing import Features

__all__ = ["load_definition", "load_features"]

_NAME = "features"
_TRANSFORMER = "transformer"


def load_features(source: str, where: str = "features.py") -> Features:
    r"""The `features` function that a Python source text defines. The text is run.

    Args:
        source: the text of features.py.
        where: its path, for messages.

    Raises:
        FeatureError: the text is not Python, fails when it is run, or defines no function `features`.

    Example:
        >>> features = load_features("def features(x):\n    return {'age': x['age'].zscore()}\n")
        >>> features.__name__
        'features'
        >>> load_features("def feature(x): pass")
        Traceback (most recent call last):
        ...
        tilth.errors.FeatureError: there is no function 'features'
          where: features.py
          expected: def features(x): return {"name": x["column"], ...}
          to mend it: rename 'feature'?
    """
    found = load_definition(source, where)
    if isinstance(found, Transformer):
        raise FeatureError(
            "this works on expressions, and features.py defines a transformer of scikit-learn's",
            where=where,
            expected='def features(x): return {"name": x["column"], ...}',
        )
    return found


def load_definition(source: str, where: str = "features.py") -> Features | Transformer:
    r"""What a Python text defines: `features`, or `transformer`, one of scikit-learn's. The text is run.

    Args:
        source: the text of features.py.
        where: its path, for messages.

    Raises:
        FeatureError: the text is not Python, names a feature twice in one dictionary, fails when it is run,
            or defines neither or both.

    Example:
        >>> text = "from sklearn.preprocessing import StandardScaler\ntransformer = StandardScaler()\n"
        >>> load_definition(text)
        StandardScaler()
    """
    namespace: dict[str, object] = {"__name__": "features", "__file__": where}
    tree = _parsed(source, where)
    try:
        exec(compile(tree, where, "exec", dont_inherit=True), namespace)  # noqa: S102 - the project's own code
    except FeatureError:
        raise
    except (Exception, SystemExit) as error:  # the code is a person's own and may raise anything
        raise FeatureError(
            f"running it failed: {type(error).__name__}: {error}", where=error_line(error, where) or where
        ) from error
    function = namespace.get(_NAME)
    if _TRANSFORMER in namespace:
        if _NAME in namespace:
            raise FeatureError(
                "there are both 'features' and 'transformer'", where=where, expected="one of them"
            )
        return _transformer(namespace[_TRANSFORMER], where)
    if not callable(function):
        raise FeatureError(
            f"there is no function '{_NAME}'",
            where=where,
            expected='def features(x): return {"name": x["column"], ...}',
            mend=_renamed(namespace),
        )
    return cast("Features", function)


def _parsed(source: str, where: str) -> ast.Module:
    """The text as Python.

    Raises:
        FeatureError: it is none, a text in it is none, or a dictionary in it has a name twice, of which only
            the last would count.
    """
    try:
        tree = ast.parse(source.removeprefix("\ufeff"), where)  # some editors begin a file with this mark
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        reason = getattr(error, "msg", None) or str(error)
        place = where if line is None else f"{where}, line {line}"
        raise FeatureError(f"not Python: {reason}", where=place) from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            _check_names(node.keys, where)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_unicode(node.value):
            raise FeatureError(
                f"{node.value!r} is no text: it has half of a surrogate pair",
                where=f"{where}, line {node.lineno}",
                expected="whole characters of Unicode",
            )
    return tree


def _check_names(keys: Sequence[ast.expr | None], where: str) -> None:
    lines: dict[str, int] = {}
    for key in keys:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            continue
        if key.value in lines:
            raise FeatureError(
                f"the name '{key.value}' stands twice in one dictionary",
                where=f"{where}, line {key.lineno}",
                expected=f"another name than in line {lines[key.value]}: of two, Python keeps the last",
            )
        lines[key.value] = key.lineno


def _renamed(namespace: Mapping[str, object]) -> str | None:
    """What is likely meant to be the features, under another name."""
    functions = [name for name, value in namespace.items() if callable(value)]
    transformers = [name for name, value in namespace.items() if isinstance(value, Transformer)]
    near = closest(_NAME, functions)
    if near:
        return f"rename '{near}'?"
    near = closest(_TRANSFORMER, transformers)
    return f"rename '{near}' to '{_TRANSFORMER}'?" if near else None


def _transformer(found: object, where: str) -> Transformer:
    """A transformer, or what a function without arguments makes."""
    if isinstance(found, FunctionType):
        try:
            found = found()
        except FeatureError:
            raise
        except (Exception, SystemExit) as error:  # the code is a person's own and may raise anything
            raise FeatureError(
                f"transformer() failed: {type(error).__name__}: {error}",
                where=error_line(error, where) or where,
            ) from error
    if isinstance(found, type) or not isinstance(found, Transformer):
        what = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        raise FeatureError(
            f"'transformer' is {what}",
            where=where,
            expected="a transformer of scikit-learn's, such as ColumnTransformer([...])",
            mend=f"write {found.__name__}()" if isinstance(found, type) else None,
        )
    return found
