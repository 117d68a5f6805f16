"""Loading features.py: its mistakes are told with file, line and what was expected."""

from __future__ import annotations

import pytest

from tilth.errors import FeatureError
from tilth.features import Transform, load_features

DATA = {"age": [1, 2], "income": [0, 1]}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def features(x):\n    return {", ["not Python", "features.py, line 2"]),
        ("a = 1\nb = a / 0\n", ["ZeroDivisionError", "features.py, line 2"]),
        ("import nothing_of_that_name\n", ["ModuleNotFoundError", "features.py, line 1"]),
        ("features = 3\n", ["no function 'features'"]),
        ("def featurs(x):\n    return {}\n", ["no function 'features'", "rename 'featurs'?"]),
        (
            "from sklearn.preprocessing import StandardScaler\ntransfomer = StandardScaler()\n",
            ["no function 'features'", "rename 'transfomer' to 'transformer'?"],
        ),
        (
            'def features(x):\n    return {\n     "a": x["a"],\n     "b": x["b"],\n     "a": x["b"]}\n',
            ["'a' stands twice in one dictionary", "features.py, line 5", "another name than in line 3"],
        ),
        ("a = 1\nb = 'x\\ud800'\n", ["half of a surrogate pair", "features.py, line 2"]),
        ("a = 1\0\n", ["not Python", "null bytes", "where: features.py"]),
    ],
)
def test_what_cannot_be_loaded(source: str, words: list[str]) -> None:
    with pytest.raises(FeatureError) as found:
        load_features(source)
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('return {"a": x["agee"].zscore()}', ['x["agee"]', "features.py, line 4"]),
        ('return {"a": x["income"]}', ["it is the label", "features.py, line 4"]),
        ('return {"a": x["age"].zscor()}', ["'zscor'", "did you mean .zscore()?", "features.py, line 4"]),
        ('return {"a": x["age"].standardized_by_all()}', ["'standardized_by_all'", "features.py, line 4"]),
        ('return {"a": "".standardize()}', ["'standardize'", "features.py, line 4"]),
        ("return {}['a']", ["KeyError", "features.py, line 4"]),
        ('return {"a": x.agee}', ['in brackets: x["age"]', "features.py, line 4"]),
        ('return {"a": len(x["age"])}', ["write .length()", "features.py, line 4"]),
        ('return {"a": x["age"][0]}', ["write .get(0)", "features.py, line 4"]),
        ('return {"a": sum(v for v in x["age"])}', ["a + b + c", "features.py, line 4"]),
        ('x["a"] = x["age"]', ["name of its own", "features.py, line 4"]),
        ('return {"a": float(x["age"])}', ["leave float()", "features.py, line 4"]),
        ('import math\n    return {"a": math.log(x["age"])}', [".log()", "features.py, line 5"]),
        ('return {"a": 1 if x["age"] in [1, 2] else 0}', [".is_in([...])", "features.py, line 4"]),
        ("return len(3)", ["TypeError", "features.py, line 4"]),
        ("return None", ["returned nothing", "a dictionary", "features.py, line 3"]),
        ("return {}", ["no features", "features.py, line 3"]),
        ('return {"a": 3}', ["'a' is an int", "features.py, line 3"]),
        ('return {3: x["age"]}', ["the feature name 3", "features.py, line 3"]),
        ('return {"": x["age"]}', ["the feature name ''"]),
        ('return {chr(0xD800): x["age"]}', ["the feature name '\\ud800'"]),
        ('import random\n    return {"a": x["age"] * random.random()}', ["'a'", "each time", "line 5"]),
        (
            'return {f"a{next(NUMBERS)}": x["age"]}',
            ["other features each time", "the same names"],
        ),
        (
            'from tilth.features import where\n    return {"a": where(x["age"] > 1, "b", "c")}',
            [".one_hot()", "line 5"],
        ),
    ],
)
def test_what_cannot_be_fitted(body: str, words: list[str]) -> None:
    source = f"import itertools; NUMBERS = itertools.count()\n\ndef features(x):\n    {body}\n"
    transform = Transform(source, forbidden={"income": "it is the label"})
    with pytest.raises(FeatureError) as found:
        transform.fit(DATA)
    for word in words:
        assert word in str(found.value)


@pytest.mark.parametrize("head", ["def features():", "def features(x, y):", "async def features(x):"])
def test_a_function_of_another_form_is_told_with_its_line(head: str) -> None:
    with pytest.raises(FeatureError) as found:
        Transform(f"import os\n{head}\n    return {{}}\n").fit(DATA)
    assert found.value.where == "features.py, line 2"


def test_the_mark_that_some_editors_write_first_is_no_mistake() -> None:
    source = '\ufeffdef features(x):\n    return {"age": x["age"]}\n'
    assert Transform(source).fit(DATA).feature_names == ("age",)


def test_the_path_is_told() -> None:
    with pytest.raises(FeatureError, match=r"other\.py"):
        load_features("features = 3", where="project/other.py")


def test_features_may_import_and_use_functions_of_their_own() -> None:
    source = """
from tilth.features import log1p, where

def both(x, name):
    return {name: x[name], f"log {name}": log1p(x[name])}

def features(x):
    return {**both(x, "age"), "old": where(x["age"] > 1, 1, 0)}
"""
    assert Transform(source).fit(DATA).feature_names == ("age", "log age", "old")


@pytest.mark.parametrize("code", ["raise SystemExit", "import sys\nsys.exit(0)"])
def test_code_that_ends_the_program_is_a_mistake_in_features(code: str) -> None:
    with pytest.raises(FeatureError, match="SystemExit"):
        load_features(f"{code}\ndef features(x):\n    return {{}}\n")
