"""Columns that a request leaves out are looked up by its key."""

from __future__ import annotations

import datetime
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_server import ROW, income_model, income_schema
from serving_clients import Client, MakeClient

from lookup_projects import NOW, loans_project
from tilth.errors import DataError, GraphError, NotFoundError
from tilth.pipelines import materialize, run_pipeline
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.serving import ModelSource, create_app
from tilth.serving.answers import Refusal
from tilth.serving.live import fixed_model
from tilth.serving.lookups import Filling, OnlineLookup, with_lookups
from tilth.serving.project_server import served_project
from tilth.tables import read_predictions
from tilth.tables.lookup_stores import LookupStore, MemoryLookups, SqliteLookups, write_lookups
from tilth.tables.lookups import Lookup, LookupInfo, join_lookup, key_maker, microseconds
from tilth.tables.opening import open_table

LOOKUP = Lookup(
    "habits", {"note": "who"}, "at", columns=("hours", "since"), max_age=datetime.timedelta(days=7)
)
MOMENT = microseconds(NOW)
DAY = 86_400_000_000
ASKED = {name: value for name, value in ROW.items() if name not in ("hours", "since", "note")}


COLUMNS = [("hours", "float"), ("since", "datetime")]


def store_of(path: Path, rows: dict[str, list[object]], columns: Any = COLUMNS) -> None:
    info = LookupInfo(
        format=1,
        keys=[("who", "string")],
        time="at",
        created=None,
        columns=columns,
        rows=0,
        at_us=MOMENT,
        newest_us=None,
        next_us=None,
        source="",
    )
    key = key_maker(["string"])
    write_lookups(path, [(key([who]) or b"", row) for who, row in rows.items()], info)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """What is stored: a row of yesterday, one without values, and one that is too old."""
    path = tmp_path / "habits.db"
    store_of(
        path,
        {
            "ada": [MOMENT - DAY, 55.5, "2019-05-01T00:00:00"],
            "bob": [MOMENT - 2 * DAY, None, None],
            "eve": [MOMENT - 8 * DAY, 60.0, None],
        },
    )
    return path


def online(path: Path, kind: Callable[[Path], LookupStore] = SqliteLookups, **changes: Any) -> OnlineLookup:
    return OnlineLookup(replace(LOOKUP, **changes), kind(path), lambda: NOW)


def source_of(look_up: OnlineLookup) -> ModelSource:
    schema = with_lookups(income_schema(), [look_up])
    return fixed_model(replace(income_model(), lookups=(look_up,), schema=schema))


@pytest.fixture(params=[SqliteLookups, MemoryLookups])
def served(make_client: MakeClient, path: Path, request: pytest.FixtureRequest) -> Client:
    """A server with the look-up, of each kind of store."""
    return make_client(source_of(online(path, request.param)))


def logged(client: Client) -> list[Any]:
    return [dict(made.inputs) for made in read_predictions(client.directory)]


def test_what_a_request_leaves_out_is_looked_up(served: Client) -> None:
    whole = {**ASKED, "note": "ada", "hours": 55.5, "since": "2019-05-01T00:00:00"}
    given, looked_up = (served.post("/predict", row).json() for row in (whole, {**ASKED, "note": "ada"}))
    assert looked_up["scores"] == given["scores"]
    assert "warnings" not in looked_up
    assert logged(served) == [whole, whole]


def test_what_a_request_brings_wins_a_null_too(served: Client) -> None:
    served.post("/predict", {**ASKED, "note": "ada", "hours": 10.0})
    served.post("/predict", {**ASKED, "note": "ada", "hours": None})
    assert [row["hours"] for row in logged(served)] == [10.0, None]
    assert [row["since"] for row in logged(served)] == ["2019-05-01T00:00:00"] * 2


def test_unknown_keys_are_missing_values_a_warning_and_a_count(served: Client) -> None:
    rows = [{**ASKED, "note": "ada"}, {**ASKED, "note": "nobody"}, ASKED]
    told = served.post("/predict", rows).json()["predictions"]
    expected = "a key that the look-up 'habits' has"
    assert [each.get("warnings") for each in told] == [
        None,
        [{"column": "note", "got": 'the text "nobody"', "expected": expected}],
        [{"column": "note", "got": "nothing", "expected": expected}],
    ]
    assert [row["hours"] for row in logged(served)] == [55.5, None, None]
    assert 'tilth_lookup_missing_total{lookup="habits"} 2.0' in served.get("/metrics").text


def test_values_that_are_too_old_are_missing_as_in_training(served: Client) -> None:
    (told,) = served.post("/predict", [{**ASKED, "note": "eve"}]).json()["predictions"]
    (warning,) = told["warnings"]
    assert warning["got"] == "features 8 days, 0:00:00 old"
    assert "at most 7 days" in warning["expected"]
    assert logged(served)[0]["hours"] is None
    assert 'tilth_lookup_missing_total{lookup="habits"}' not in served.get("/metrics").text


def test_a_row_whose_values_are_missing_is_no_missing_row(served: Client) -> None:
    assert "warnings" not in served.post("/predict", {**ASKED, "note": "bob"}).json()
    assert logged(served)[0]["hours"] is None


def test_warnings_belong_to_the_rows_that_are_left_where_others_are_refused(served: Client) -> None:
    rows = [{**ASKED, "note": "x", "age": "?"}, {**ASKED, "note": "ada"}, {**ASKED, "note": "nobody"}]
    told = served.post("/predict?errors=rows", rows).json()["predictions"]
    assert [sorted(each.keys() & {"error", "warnings"}) for each in told] == [["error"], [], ["warnings"]]


def test_tables_and_tensors_are_looked_up_too(served: Client) -> None:
    body = b"age,job,married,note\n39,Exec,true,ada\n"
    csv = served.post("/predict", body=body, headers={"content-type": "text/csv"})
    tensors = [
        {"name": "age", "shape": [1], "datatype": "INT64", "data": [39]},
        {"name": "job", "shape": [1], "datatype": "BYTES", "data": ["Exec"]},
        {"name": "married", "shape": [1], "datatype": "BOOL", "data": [True]},
        {"name": "note", "shape": [1], "datatype": "BYTES", "data": ["ada"]},
    ]
    infer = served.post("/v2/models/income/infer", {"inputs": tensors})
    assert (csv.status_code, infer.status_code) == (200, 200)
    assert [row["hours"] for row in logged(served)] == [55.5, 55.5]


def test_a_request_with_all_columns_asks_nobody(path: Path) -> None:
    asked: list[int] = []

    class Counting(SqliteLookups):
        def get(self, keys: Any) -> Any:
            asked.append(len(keys))
            return super().get(keys)

    filling = Filling([online(path, Counting)], income_schema())
    rows = [dict(ROW), {**ASKED, "note": "ada"}, "no row at all"]
    assert filling.fill([ROW]).rows == [ROW]
    assert asked == []
    assert filling.fill(rows).rows[0] == ROW
    assert asked == [1]
    assert rows[1] == {**ASKED, "note": "ada"}  # what came is not touched


def test_a_server_takes_over_what_is_materialized_and_tells_how_fresh_it_is(
    make_client: MakeClient, path: Path
) -> None:
    client = make_client(source_of(online(path)), poll_interval_s=0.01)
    fresh = 'tilth_lookup_freshness_seconds{lookup="habits"}'
    assert f"{fresh} 86400.0" in client.get("/metrics").text
    store_of(path, {"ada": [MOMENT - DAY // 24, 11.0, None]})
    for _ in range(200):
        client.wait(0.02)
        if f"{fresh} 3600.0" in client.get("/metrics").text:
            break
    client.post("/predict", {**ASKED, "note": "ada"})
    assert logged(client)[0]["hours"] == 11.0


def test_a_damaged_store_leaves_the_rows_before_in_place(
    make_client: MakeClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(source_of(online(path)), poll_interval_s=0.01)
    damaged = path.with_name("damaged")
    damaged.write_bytes(b"damaged" * 100)
    damaged.replace(path)
    client.wait(0.2)
    client.post("/predict", {**ASKED, "note": "ada"})
    assert logged(client)[0]["hours"] == 55.5
    told = [each for each in caplog.messages if "stays as it was" in each]
    assert len(told) == 1


@pytest.mark.parametrize("kind", [DataError, NotFoundError])
def test_a_store_that_cannot_be_asked_is_no_missing_value(
    make_client: MakeClient, path: Path, kind: type[DataError | NotFoundError]
) -> None:
    class Away(SqliteLookups):
        def get(self, keys: Any) -> Any:  # noqa: ARG002
            raise kind("Redis does not answer for the look-up 'habits'")

    client = make_client(source_of(online(path, Away)))
    refused = client.post("/predict", {**ASKED, "note": "ada"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert "cannot be read" in refused.json()["error"]
    assert 'tilth_refused_total{reason="lookup"} 1.0' in client.get("/metrics").text
    assert client.post("/predict", ROW).status_code == 200
    assert client.get("/v2/health/ready").status_code == 200


def test_rows_that_are_stored_otherwise_than_the_model_knows_them_are_not_served(path: Path) -> None:
    for changes in ({"time": "when"}, {"keys": {"note": "whom"}}, {"columns": ("hours", "weight")}):
        with pytest.raises(DataError, match="stored otherwise"):
            online(path, **changes)
    filling = Filling([online(path, columns=())], income_schema())
    store_of(path, {"ada": [MOMENT, 1.0]}, columns=[("hours", "float")])
    filling.fill([{**ASKED, "note": "ada"}])
    filling._fillers[0]._online.store.refresh()
    with pytest.raises(Refusal, match="cannot be read"):
        filling.fill([{**ASKED, "note": "ada"}])


def test_a_key_that_requests_cannot_have_is_told(path: Path) -> None:
    with pytest.raises(GraphError, match="the key 'note'"):
        Filling([online(path)], Schema(income_schema().columns[:3]))


# ---- a project


def trained(folder: Path, store: str) -> Project:
    """A model, and what is known of each customer at NOW; nothing is ever too old."""
    project = loans_project(folder, store)
    toml = folder / "tilth.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"60d"', '"20000d"'), encoding="utf-8")
    project = Project.load(folder)

    class Silent:
        def started(self, step: str) -> None:
            pass

        def ended(self, report: object) -> None:
            pass

    run_pipeline(project, Silent())
    materialize(project, clock=lambda: NOW)
    return project


def check_served(project: Project, *, then: Project | None = None, **options: Any) -> None:
    """The features that are served are those that the training join gives at the same moment."""
    with served_project(project) as served:
        app = create_app(served.source, served.log, served.feedback, served.schema, **options)
        client = Client(app, project.predictions, (served.log, served.feedback))
        rows = [{"customer": customer, "amount": 30.0} for customer in range(44)]
        answers = client.post("/predict", rows).json()["predictions"]
        made = [dict(each.inputs) for each in read_predictions(project.predictions)]
        client.close()
    moment = NOW.replace(tzinfo=None)
    people = open_table({"customer": [*range(44)], "at": [moment] * 44})
    features = open_table(str(project.directory / "balances.parquet"))
    lookup = (then or project).configuration.lookups[0].lookup()
    expected = join_lookup(people, features, lookup).table.to_arrow().to_pylist()
    wanted = [(row["customer"], row["balance"], row["tier"]) for row in expected]
    assert [(row["customer"], row["balance"], row["tier"]) for row in made] == wanted
    assert [n for n, answer in enumerate(answers) if "warnings" in answer] == [40, 41, 42, 43]


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_a_project_is_served_with_what_the_training_join_gives(tmp_path: Path, store: str) -> None:
    check_served(trained(tmp_path, store))


@pytest.fixture
def redis_address() -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not here: apt-get install redis-server")
    pytest.importorskip("redis")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        for _ in range(200):
            with socket.socket() as reaching:
                if reaching.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


def test_a_project_is_served_from_redis_too(tmp_path: Path, redis_address: str) -> None:
    check_served(trained(tmp_path, redis_address), asks_in_thread=True)


def test_a_version_is_served_with_the_look_ups_that_it_was_trained_with(tmp_path: Path) -> None:
    project = trained(tmp_path, "sqlite")
    toml = project.directory / "tilth.toml"
    text = toml.read_text(encoding="utf-8").replace('"20000d"', '"1d"')
    more = text[text.index("[[lookups]]") :].replace('"balances"', '"others"', 1)
    toml.write_text(text + more, encoding="utf-8")  # never materialized, and no version knows it
    check_served(Project.load(tmp_path), then=project)


def test_a_project_is_not_ready_before_its_features_are_materialized(tmp_path: Path) -> None:
    project = trained(tmp_path, "sqlite")
    shutil.rmtree(project.state / "lookups")
    with served_project(project) as served:
        app = create_app(served.source, served.log, served.feedback, served.schema)
        client = Client(app, project.predictions, (served.log, served.feedback))
        ready = client.get("/v2/health/ready")
        client.close()
    assert ready.status_code == 503
    assert "'balances' was never materialized" in ready.json()["problem"]


@pytest.mark.parametrize("kind", [SqliteLookups, MemoryLookups])
def test_values_never_land_in_columns_of_another_file(
    path: Path, kind: Callable[[Path], LookupStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with the columns in another order is put in place just before its rows are read."""
    look_up = online(path, kind)
    filling = Filling([look_up], income_schema())
    get = type(look_up.store).get

    def get_after_a_change(store: Any, keys: Any) -> Any:
        monkeypatch.undo()
        store_of(path, {"ada": [MOMENT - DAY, "2019-05-01T00:00:00", 44.0]}, COLUMNS[::-1])
        store.refresh()
        return get(store, keys)

    monkeypatch.setattr(kind, "get", get_after_a_change)
    (row,) = filling.fill([{"note": "ada"}]).rows
    assert row == {"note": "ada", "hours": 44.0, "since": "2019-05-01T00:00:00"}
