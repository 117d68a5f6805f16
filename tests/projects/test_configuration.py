"""tilth.toml: what it may say, and in which words a mistake is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tilth.errors import ProjectError
from tilth.projects import Configuration, Project
from tilth.tables import SplitPlan

LEAST = """
[project]
name = "shop"
label = "bought"
task = "binary"

[data]
sources = ["customers.csv"]
"""


def read(addition: str = "", base: str = LEAST) -> Configuration:
    return Configuration.from_toml(base + addition)


def mistake(addition: str = "", base: str = LEAST) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        read(addition, base)
    return caught.value


def test_what_is_not_said_has_a_default() -> None:
    found = read()
    assert found.split.plan() == SplitPlan("hash", (0.6, 0.2, 0.2), (), 0)
    assert found.train.estimator == "lightgbm"
    assert found.train.parameters == {}
    assert found.evaluate.slices == []
    assert (found.serve.host, found.serve.port, found.serve.unexpected_values) == (
        "127.0.0.1",
        8080,
        "accept",
    )
    assert found.monitor.window == 1000
    assert found.checks == []
    assert found.data.missing == []


def test_everything_that_can_be_said_is_read() -> None:
    found = Configuration.from_toml(
        """
        [project]
        name = "shop.eu-2"
        label = "bought it?"
        task = "multiclass"
        positive = 3
        [data]
        sources = ["a.csv", "../b.parquet"]
        missing = ["?"]
        types = { zip = "string" }
        [split]
        method = "group"
        columns = ["household"]
        fractions = [0.5, 0.25, 0.25]
        seed = 7
        [train]
        estimator = "sklearn.linear_model.LogisticRegression"
        seed = 3
        threshold = 0.25
        parameters = { C = 0.5, class_weight = "balanced", warm_start = true, max_iter = 50, l = [1, 2] }
        [evaluate]
        slices = [["sex"], ["sex", "race"]]
        [serve]
        host = "0.0.0.0"
        port = 0
        unexpected_values = "reject"
        [monitor]
        window = 50
        minimum_rows = 5
        drift_threshold = 0.2
        significance = 0.001
        [[checks]]
        metric = "recall.cat"
        moment = "model"
        min = 0.5
        max = 0.9
        slice = { sex = "f" }
        baseline = "champion"
        [[checks]]
        metric = "anomalies"
        moment = "live"
        max = 0
        """
    )
    assert found.split.plan() == SplitPlan("group", (0.5, 0.25, 0.25), ("household",), 7)
    assert found.train.parameters["l"] == [1, 2]
    assert found.train.parameters["warm_start"] is True
    assert found.evaluate.slices == [["sex"], ["sex", "race"]]
    (model,), (live,) = found.checks_at("model"), found.checks_at("live")
    assert (model.low, model.high, dict(model.slice), model.baseline) == (0.5, 0.9, {"sex": "f"}, "champion")
    assert model.optional_baseline
    assert (live.metric, live.low, live.high, live.optional_baseline) == ("anomalies", None, 0, False)


def test_a_check_on_a_slice_that_is_not_evaluated_is_refused() -> None:
    error = mistake(
        """
        [evaluate]
        slices = [["race"]]
        [[checks]]
        moment = "model"
        metric = "f1"
        min = 0.5
        slice = { sex = "f" }
        """
    )
    assert error.where == "tilth.toml, [[checks]] 1"
    assert "sex" in error.what


@pytest.mark.parametrize("text", ["x =", "[project", 'a = "b', "a = 1\na = 2", "\x00", "a = 01"])
def test_what_is_not_toml_says_so(text: str) -> None:
    error = mistake(base=text)
    assert "not valid TOML" in error.what
    assert error.where == "tilth.toml"


@pytest.mark.parametrize(
    ("addition", "key", "where", "meant"),
    [
        ("[serv]\nport = 1", "serv", "tilth.toml", "serve"),
        ("[train]\nparmeters = {}", "parmeters", "tilth.toml, [train]", "parameters"),
        ("[split]\nfraction = []", "fraction", "tilth.toml, [split]", "fractions"),
        ("[evaluate]\nslice = []", "slice", "tilth.toml, [evaluate]", "slices"),
        ("[monitor]\nminimum_row = 3", "minimum_row", "tilth.toml, [monitor]", "minimum_rows"),
        ("[serve]\nprot = 3", "prot", "tilth.toml, [serve]", "port"),
        (
            '[[checks]]\nmetric = "f1"\nmoment = "model"\nmin = 0\nbaselin = "x"',
            "baselin",
            "tilth.toml, [[checks]] 1",
            "baseline",
        ),
    ],
)
def test_an_unknown_key_names_the_nearest(addition: str, key: str, where: str, meant: str) -> None:
    error = mistake(addition)
    assert error.what == f"unknown key '{key}'"
    assert error.where == where
    assert error.mend == f"did you mean '{meant}'?"
    assert error.expected is not None
    assert meant in error.expected


@pytest.mark.parametrize(
    ("section", "key", "meant"), [("project", "lable", "label"), ("data", "source", "sources")]
)
def test_an_unknown_key_of_a_needed_section(section: str, key: str, meant: str) -> None:
    error = mistake(base=LEAST.replace(f"[{section}]", f"[{section}]\n{key} = 1"))
    assert error.where == f"tilth.toml, [{section}]"
    assert error.mend == f"did you mean '{meant}'?"


def test_an_unknown_key_like_nothing_lists_what_there_is() -> None:
    error = mistake("[audit]\nzzzzz = 1")
    assert error.mend is None
    assert error.expected == "one of risks, required"


def test_an_unknown_key_of_the_prediction_log_is_named_with_those_there_are() -> None:
    error = mistake('[serve.log]\nkep = "90d"')
    assert error.what == "unknown key 'kep'"
    assert error.where == "tilth.toml, [serve.log]"
    assert error.mend == "did you mean 'keep'?"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[serve]\nport = 70000", "port is out of range"),
        ("[serve]\nworkers = 0", "workers is 0"),
        ('[serve]\ntls_key = "key.pem"', "tls_certificate and tls_key go together"),
        ("[serve.log]\nsample = 1.5", "sample is 1.5"),
        ('[serve.log]\nkeep = "for long"', "keep is 'for long'"),
        ('[serve.log]\nroll = "10"', "roll is '10'"),
        ('[serve.log]\nsink = ""', "sink is empty"),
        ('[serve.log]\nwhen_full = "x"', "unknown value 'x'"),
    ],
)
def test_what_a_server_cannot_do_is_refused(text: str, what: str) -> None:
    assert mistake(text).what == what


@pytest.mark.parametrize(
    ("gone", "key", "where"),
    [
        ('name = "shop"\n', "name", "tilth.toml, [project]"),
        ('label = "bought"\n', "label", "tilth.toml, [project]"),
        ('task = "binary"\n', "task", "tilth.toml, [project]"),
        ('sources = ["customers.csv"]\n', "sources", "tilth.toml, [data]"),
    ],
)
def test_a_missing_key_is_named_with_its_section(gone: str, key: str, where: str) -> None:
    assert gone in LEAST
    error = mistake(base=LEAST.replace(gone, ""))
    assert error.what == f"the key '{key}' is missing"
    assert error.where == where


@pytest.mark.parametrize("text", ["", "# nothing"])
def test_an_empty_file_says_what_is_missing(text: str) -> None:
    assert mistake(base=text).what == "the key 'project' is missing"


@pytest.mark.parametrize("key", ["metric", "moment"])
def test_a_check_without_a_needed_key(key: str) -> None:
    whole = {"metric": '"f1"', "moment": '"model"', "min": "0"}
    lines = [f"{name} = {value}" for name, value in whole.items() if name != key]
    error = mistake("[[checks]]\n" + "\n".join(lines))
    assert error.what == f"the key '{key}' is missing"
    assert error.where == "tilth.toml, [[checks]] 1"


@pytest.mark.parametrize(
    ("addition", "place", "words"),
    [
        ("[split]\nfractions = 'a'", "split.fractions", "'array'"),
        ("[split]\nfractions = [0.5, 0.5]", "split.fractions", "length 3"),
        ("[split]\nseed = 1.5", "split.seed", "'int'"),
        ("[split]\ncolumns = 'sex'", "split.columns", "'array'"),
        ("[train]\nthreshold = []", "train.threshold", "'array'"),
        ("[train]\nestimator = 5", "train.estimator", "'str'"),
        ("[train.parameters]\na = [[1]]", "train.parameters", "'array'"),
        ("[train.parameters]\na = 1979-05-27", "train.parameters", "'date'"),
        ("[evaluate]\nslices = ['sex']", "evaluate.slices[0]", "'array'"),
        ("[serve]\nport = true", "serve.port", "'bool'"),
        ("[serve]\nport = '80'", "serve.port", "'str'"),
        ("[monitor]\nwindow = inf", "monitor.window", "'float'"),
        ("[checks]\nmetric = 'f1'", "checks", "'array'"),
        ("[[checks]]\nmetric = 'f1'\nmoment = 'model'\nmin = 'high'", "[[checks]] 1, min", "'str'"),
    ],
)
def test_a_value_of_the_wrong_type_says_where_and_what(addition: str, place: str, words: str) -> None:
    error = mistake(addition)
    assert error.where is not None
    assert error.where.startswith(f"tilth.toml, {place}")
    assert words in error.what
    assert "`" not in str(error)


@pytest.mark.parametrize(
    ("replaced", "addition", "got", "choices"),
    [
        ("binry", "", "binry", ("binary", "multiclass", "regression")),
        ("binary", "[split]\nmethod = 'hsh'", "hsh", ("hash", "random", "group", "time", "balanced")),
        ("binary", "[serve]\nunexpected_values = 'maybe'", "maybe", ("accept", "reject")),
        ("binary", "types = { zip = 'number' }", "number", ("int", "float", "string", "bool", "datetime")),
        (
            "binary",
            "[[checks]]\nmetric = 'f1'\nmoment = 'modl'\nmin = 0",
            "modl",
            ("model", "live"),
        ),
    ],
)
def test_a_word_that_is_no_choice_lists_the_choices(
    replaced: str, addition: str, got: str, choices: tuple[str, ...]
) -> None:
    error = mistake(addition, LEAST.replace("binary", replaced))
    assert got in error.what
    assert [choice for choice in choices if choice not in str(error)] == []


@pytest.mark.parametrize(
    ("addition", "section"),
    [
        ("[split]\nfractions = [0.5, 0.6, 0.1]", "split"),
        ("[split]\nfractions = [1.2, -0.1, -0.1]", "split"),
        ("[split]\nfractions = [nan, 0.5, 0.5]", "split"),
        ("[split]\nfractions = [0.8, 0.2, 0.0]", "split"),
        ("[train]\nthreshold = 0", "train"),
        ("[train]\nthreshold = 1.0", "train"),
        ("[train]\nthreshold = nan", "train"),
        ("[train]\nthreshold = 'half'", "train"),
        ("[train]\nthreshold = 'recall >= 2'", "train"),
        ("[train]\nestimator = 'lightgmb'", "train"),
        ("[serve]\nport = 65536", "serve"),
        ("[serve]\nport = -1", "serve"),
        ("[monitor]\nwindow = 0", "monitor"),
        ("[monitor]\nsignificance = 0", "monitor"),
        ("[monitor]\nsignificance = 1", "monitor"),
        ("[monitor]\nminimum_rows = -1", "monitor"),
        ("[monitor]\nminimum_rows = 0", "monitor"),
        ("[monitor]\ndrift_threshold = -0.1", "monitor"),
        ("[monitor]\ndrift_threshold = nan", "monitor"),
        ("[train]\nparameters = { learning_rate = nan }", "train"),
        ("[train]\nparameters = { steps = [1.0, -inf] }", "train"),
        (f"[train]\nseed = {10**400}", "train"),
        (f"[train]\nparameters = {{ steps = {10**400} }}", "train"),
        ("[baselines]\nhuman_level = inf\nhuman_metric = 'accuracy'", "baselines"),
        ("[baselines]\nhuman_level = 0.5\nhuman_metric = 'no_metric'", "baselines"),
        ("[business]\ntarget = nan", "business"),
        ("[business]\nvalues = { yes = { yes = 1e308, no = 0 } }", "business"),
    ],
)
def test_a_number_out_of_range_is_told_when_the_file_is_read(addition: str, section: str) -> None:
    error = mistake(addition)
    assert error.where == f"tilth.toml, [{section}]"
    assert error.expected


@pytest.mark.parametrize(
    "addition",
    [
        "[split]\nmethod = 'group'",
        "[split]\nmethod = 'time'",
        "[split]\nmethod = 'balanced'",
        "[split]\nmethod = 'time'\ncolumns = ['a', 'b']",
    ],
)
def test_columns_that_the_split_does_not_take_are_told_when_the_file_is_read(addition: str) -> None:
    error = mistake(addition)
    assert error.where is not None
    assert "split" in error.where
    assert "column" in str(error)


def test_no_source_at_all() -> None:
    error = mistake(base=LEAST.replace('["customers.csv"]', "[]"))
    assert error.what == "sources is empty"
    assert error.where == "tilth.toml, [data]"


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a@b", "ü" * 256, "a\\n"])
def test_a_name_that_cannot_be_used(name: str) -> None:
    error = mistake(base=LEAST.replace('"shop"', f'"{name}"'))
    assert error.where == "tilth.toml, [project]"
    assert "letters" in (error.expected or "")


@pytest.mark.parametrize("name", [".hidden", "-dash"])
def test_a_name_that_the_registry_refuses_is_refused_before_anything_is_trained(name: str) -> None:
    assert mistake(base=LEAST.replace('"shop"', f'"{name}"')).where == "tilth.toml, [project]"


@pytest.mark.parametrize(
    ("bounds", "words"),
    [("", "has no bound"), ("min = 2\nmax = 1", "can never hold"), ("min = nan", "nan")],
)
def test_a_check_that_decides_nothing_says_which_one(bounds: str, words: str) -> None:
    fine = "[[checks]]\nmetric = 'f1'\nmoment = 'model'\nmin = 0\n"
    error = mistake(f"{fine}[[checks]]\nmetric = 'recall'\nmoment = 'model'\n{bounds}")
    assert words in str(error)
    assert "recall" in str(error)
    assert "tilth.toml" in str(error)


def check(task: str, **keys: object) -> ProjectError | None:
    """What is wrong with one check of a project that has two."""
    base = LEAST.replace("binary", task)
    first = "[[checks]]\nmetric = 'rows'\nmoment = 'live'\nmin = 0\n"
    lines = [f"{name} = {value}" for name, value in {"min": 0, **keys}.items()]
    try:
        read(first + "[[checks]]\n" + "\n".join(lines), base)
    except ProjectError as error:
        return error
    return None


def live(metric: str, **keys: object) -> dict[str, object]:
    return {"moment": "'live'", "metric": f"'{metric}'", **keys}


def model(metric: str, **keys: object) -> dict[str, object]:
    return {"moment": "'model'", "metric": f"'{metric}'", **keys}


@pytest.mark.parametrize(
    ("task", "keys", "words"),
    [
        ("binary", {"moment": "'data'", "metric": "'rows'"}, "not available yet"),
        ("binary", live("drifted_colums"), "did you mean 'drifted_columns'?"),
        ("binary", live("eror_rate"), "did you mean 'error_rate'?"),
        ("binary", live("r2"), "no metric 'r2'"),
        ("regression", live("error_rate"), "no metric 'error_rate'"),
        ("regression", live("confidence"), "no metric 'confidence'"),
        ("binary", model("acuracy"), "did you mean 'accuracy'?"),
        ("binary", model("error_rate"), "no metric 'error_rate'"),
        ("binary", model("rows"), "no metric 'rows'"),
        ("binary", model("recall.yes"), "no metric 'recall.yes'"),
        ("multiclass", model("auroc"), "no metric 'auroc'"),
        ("multiclass", model("accuracy.cat"), "no metric 'accuracy.cat'"),
        ("multiclass", model("recall."), "no metric 'recall.'"),
        ("multiclass", model("recal.cat"), "did you mean"),
        ("binary", model("auroc", baseline="'champoin'"), "did you mean 'champion'?"),
        ("binary", model("auroc", baseline="'test'"), "no baseline 'test' for the moment 'model'"),
        ("binary", live("recall", baseline="'champion'"), "no baseline 'champion' for the moment 'live'"),
        ("binary", live("drifted_columns", baseline="'test'"), "is a count of the window"),
        ("binary", live("rows", baseline="'test'"), "is a count of the window"),
        ("binary", live("recall", slice="{ sex = 'f' }"), "has a slice"),
        ("binary", model("recall", min=2, max=1), "can never hold"),
    ],
)
def test_a_check_that_would_do_nothing_or_something_else_is_refused(
    task: str, keys: dict[str, object], words: str
) -> None:
    error = check(task, **keys)
    assert error is not None
    assert words in str(error)
    assert error.where is not None
    assert error.where.startswith("tilth.toml, [[checks]] 2")


@pytest.mark.parametrize(
    ("task", "keys"),
    [
        ("binary", live("error_rate", baseline="'test'")),
        ("binary", live("confidence", baseline="'test'")),
        ("binary", live("f1", baseline="'test'")),
        ("regression", live("rmse", baseline="'test'")),
        ("regression", model("r2", baseline="'majority'")),
        ("multiclass", model("recall.a.b c", baseline="'linear'")),
        ("multiclass", live("f1.cat")),
        ("multiclass", model("macro_f1", slice="{ 'tilth.source' = 'feedback' }", baseline="'champion'")),
        *(
            ("regression", live(count))
            for count in ("rows", "outcomes", "drifted_columns", "drifted_predictions", "anomalies")
        ),
    ],
)
def test_checks_that_can_be_judged_are_taken(task: str, keys: dict[str, object]) -> None:
    assert check(task, **keys) is None


SECTIONS = {field.name: field.type for field in msgspec.structs.fields(Configuration)}
OPTIONAL = ("split", "train", "evaluate", "serve", "monitor")


@given(
    st.sampled_from(OPTIONAL),
    st.from_regex(r"[a-z_]{1,20}", fullmatch=True),
    st.sampled_from(["1", "true", '"x"', "[]", "{}", "nan"]),
)
def test_any_unknown_key_is_refused_by_name(section: str, key: str, value: str) -> None:
    assume(key not in {field.name for field in msgspec.structs.fields(SECTIONS[section])})
    error = mistake(f"[{section}]\n{key} = {value}")
    assert error.what == f"unknown key '{key}'"
    assert error.where == f"tilth.toml, [{section}]"


@given(st.text(max_size=200))
def test_any_text_is_a_project_or_a_mistake_in_words(text: str) -> None:
    error = mistake(base=text)
    assert str(error)
    assert "tilth.toml" in str(error)


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        Project.load(tmp_path)
    assert caught.value.what == "there is no tilth.toml here"
    assert caught.value.where == str(tmp_path)
    assert "tilth init" in (caught.value.mend or "")


def test_a_mistake_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST + "[serv]\n")
    with pytest.raises(ProjectError) as caught:
        Project.load(tmp_path)
    assert caught.value.where == str(tmp_path / "tilth.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe", b'[project]\nname = "caf\xe9"\n'])
def test_a_file_that_is_not_utf8_is_told_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tilth.toml").write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        Project.load(tmp_path)
    assert "UTF-8" in str(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST, encoding="utf-8-sig")
    assert Project.load(tmp_path).name == "shop"


def test_a_data_file_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    with pytest.raises(ProjectError) as caught:
        Project.load(tmp_path).data()
    assert str(tmp_path / "customers.csv") in caught.value.what


def test_a_folder_is_no_data_file(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    (tmp_path / "customers.csv").mkdir()
    with pytest.raises(ProjectError) as caught:
        Project.load(tmp_path).sources()
    assert caught.value.what.endswith("customers.csv is a folder")
    assert caught.value.where == "tilth.toml, [data] sources"


def test_a_file_of_the_project_is_read_in_one_way(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    project = Project.load(tmp_path)
    with pytest.raises(ProjectError) as caught:
        project.read_text(project.features_path)
    assert caught.value.what == "there is no features.py here"
    assert caught.value.where == str(tmp_path)
    assert "tilth init" in (caught.value.mend or "")
    project.features_path.write_bytes(b"a = 1\r\n# caf\xe9\n")
    with pytest.raises(ProjectError, match=r"features\.py is not UTF-8") as caught:
        project.read_text(project.features_path)
    assert caught.value.where == f"{project.features_path}, line 2"
    project.features_path.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert project.read_text(project.features_path) == "a = 1\n"
    project.schema_path.mkdir()
    with pytest.raises(ProjectError, match=r"schema\.toml is a folder"):
        project.schema()


def test_a_project_without_a_schema_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    with pytest.raises(ProjectError, match=r"no schema\.toml"):
        Project.load(tmp_path).schema()


def test_the_settings_move_the_state(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    plain = Project.load(tmp_path)
    moved = dataclasses.replace(
        plain.settings,
        store_url=str(tmp_path / "elsewhere.db"),
        artifacts_path=str(tmp_path / "blobs"),
    )
    project = Project.load(tmp_path, moved)
    with project.store() as store:
        assert store.runs() == ()
    project.artifacts().put_bytes(b"x", ".txt")
    assert (tmp_path / "elsewhere.db").exists()
    assert (tmp_path / "blobs").is_dir()
    assert not (project.state / "store.db").exists()
    assert not (project.state / "artifacts").exists()


def test_the_state_is_kept_out_of_version_control(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text(LEAST)
    project = Project.load(tmp_path)
    project.artifacts()
    assert (project.state / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("key", ["older", "human"])
def test_the_label_is_no_answer_of_another_system(key: str) -> None:
    assert mistake(f"[baselines]\n{key} = 'bought'").what == f"{key} names the label 'bought'"
