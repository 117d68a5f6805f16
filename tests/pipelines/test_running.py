"""Running a pipeline: what is done, skipped, recorded and refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from tilth.errors import DataError, FeatureError, ProjectError, UsageError
from tilth.inference import Graph
from tilth.pipelines import STEPS, RunReport, StepReport, run_pipeline
from tilth.projects import Project


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def run(project: Project, **options: object) -> RunReport:
    return run_pipeline(project, Silent(), **options)  # type: ignore[arg-type]


def states(report: RunReport) -> dict[str, str]:
    return {step.step: step.state for step in report.steps}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return hurried_project(tmp_path)


def edit(project: Project, name: str, old: str, new: str) -> Project:
    path = project.directory / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return Project.load(project.directory)


def test_a_first_run_does_every_step_and_makes_a_champion(project: Project) -> None:
    report = run(project)
    assert list(states(report)) == list(STEPS)
    assert set(states(report).values()) == {"complete"}
    with project.store() as store:
        assert store.aliases(project.name) == {"champion": 1}
        assert store.run(1).state == "complete"
        assert store.metrics(1)["auroc"] > 0.7
        executions = store.executions(1)
    assert {e.step: e.state for e in executions} == dict.fromkeys(STEPS, "complete")
    assert all(e.code_version and e.finished for e in executions)


def test_a_second_run_skips_everything(project: Project) -> None:
    run(project)
    assert set(states(run(project)).values()) == {"skipped"}
    with project.store() as store:
        assert [v.version for v in store.model_versions(project.name)] == [1]
        assert [e.state for e in store.executions(2)] == ["skipped"] * (len(STEPS) - 1) + ["complete"]


def test_a_changed_parameter_redoes_only_what_depends_on_it(project: Project) -> None:
    run(project)
    changed = edit(project, "tilth.toml", "n_estimators = 20", "n_estimators = 21")
    done = [step for step, state in states(run(changed)).items() if state == "complete"]
    assert set(done) == {"sanity", "train", "curves", "growth", "evaluate", "register"}
    with project.store() as store:
        assert store.aliases(project.name) == {"challenger": 2, "champion": 1}


def test_changed_features_redo_the_transform_but_not_the_data(project: Project) -> None:
    run(project)
    changed = edit(
        project, "features.py", 'x["age"].fill_missing("median").zscore()', 'x["age"].clip(20, 60)'
    )
    assert [s for s, state in states(run(changed)).items() if state == "skipped"] == list(STEPS[:5])


def test_the_same_project_gives_the_same_model_anywhere(project: Project, tmp_path: Path) -> None:
    other = hurried_project_again(tmp_path / "elsewhere", project)
    first, second = run(project), run(other)
    for name in ("dataset", "profile", "split", "transform", "model"):
        assert first.artifact(name).digest == second.artifact(name).digest  # type: ignore[union-attr]


def hurried_project_again(folder: Path, project: Project) -> Project:
    folder.mkdir()
    for name in ("customers.csv", "tilth.toml", "schema.toml", "features.py"):
        (folder / name).write_bytes((project.directory / name).read_bytes())
    return Project.load(folder)


def test_the_order_of_rows_does_not_change_the_model(project: Project, tmp_path: Path) -> None:
    other = hurried_project_again(tmp_path / "elsewhere", project)
    header, *rows = (project.directory / "customers.csv").read_text().splitlines()
    (other.directory / "customers.csv").write_text("\n".join([header, *reversed(rows)]) + "\n")
    first, second = run(project), run(other)
    for name in ("profile", "transform", "model"):
        assert first.artifact(name).digest == second.artifact(name).digest  # type: ignore[union-attr]


def test_one_step_alone_runs_what_it_needs(project: Project) -> None:
    assert list(states(run(project, until="split"))) == ["ingest", "profile", "schema", "validate", "split"]
    with pytest.raises(UsageError, match="no step 'splt'"):
        run(project, until="splt")


def test_bad_data_stops_the_run_and_registers_nothing(project: Project) -> None:
    data = project.directory / "customers.csv"
    data.write_text(data.read_text().replace(",pro,", ",gold,"))
    report = run(project)
    assert states(report) == dict.fromkeys(STEPS[:3], "complete") | {"validate": "failed"}
    assert report.failure is not None
    assert report.failure.exit_status == 1
    assert "gold" in str(report.failure)
    assert "plan" in str(report.failure)
    with project.store() as store:
        assert store.model_versions(project.name) == ()
        assert store.run(1).state == "failed"


def test_a_failed_check_is_judged_again_not_skipped(project: Project) -> None:
    strict = edit(project, "tilth.toml", "min = 0.02", "min = 0.9")
    for _ in range(2):
        report = run(strict)
        assert states(report)["evaluate"] == "failed"
        assert "auroc minus majority" in str(report.failure)
    with project.store() as store:
        assert store.model_versions(project.name) == ()
    assert run(edit(project, "tilth.toml", "min = 0.9", "min = 0.02")).failure is None


def test_the_label_may_not_be_a_feature(project: Project) -> None:
    wrong = edit(project, "features.py", 'x["age"]', 'x["bought"]')
    with pytest.raises(FeatureError, match="bought"):
        run(wrong)
    with project.store() as store:
        assert store.run(1).state == "failed"
        assert store.executions(1)[-1].step == "transform"


def test_a_missing_data_file_says_so(project: Project) -> None:
    (project.directory / "customers.csv").unlink()
    with pytest.raises(ProjectError, match="is not there"):
        run(project)


def test_feedback_before_any_outcome_says_so(project: Project) -> None:
    run(project)
    with pytest.raises(DataError, match="no outcome has come back yet"):
        run(project, with_feedback=True)


def test_a_lost_artifact_is_made_again(project: Project) -> None:
    report = run(project)
    model = report.artifact("model")
    assert model is not None
    path = project.artifacts().path(model.digest, ".onnx")
    path.chmod(0o600)
    path.unlink()
    assert states(run(project))["train"] == "complete"
    assert path.exists()


def test_new_data_makes_a_challenger_that_met_the_champion_on_new_rows(project: Project) -> None:
    run(project)
    write_customers(project.directory / "customers.csv", 600, seed=1)
    report = run(project)
    assert report.steps[-1].summary.endswith("is the challenger; tilth promote makes it the champion")
    evaluation = report.artifact("evaluation")
    assert evaluation is not None
    document = json.loads(project.artifacts().read_bytes(evaluation.digest, ".json"))
    assert document["baselines"]["champion"]["rows"] == document["test"]["rows"]


def test_rows_that_the_champion_learned_from_do_not_judge_it(project: Project) -> None:
    run(project)
    reseeded = edit(project, "tilth.toml", "seed = 0\n\n[train]", "seed = 5\n\n[train]")
    report = run(reseeded)
    evaluation = report.artifact("evaluation")
    assert evaluation is not None
    document = json.loads(project.artifacts().read_bytes(evaluation.digest, ".json"))
    new_to_champion = document["baselines"]["champion"]["rows"]
    assert 0 < new_to_champion < document["test"]["rows"]
    assert document["on rows new to the champion"]["rows"] == new_to_champion


def test_the_registered_graph_holds_the_very_transform_that_training_used(project: Project) -> None:
    import numpy as np
    import onnx

    from tilth.inference import Graph
    from tilth.tables import open_table

    report = run(project)
    files = {
        name: project.artifacts().verify(artifact.digest, ".onnx")
        for name in ("transform", "model")
        if (artifact := report.artifact(name)) is not None
    }
    model = onnx.load(files["model"])
    width = len(report.artifact("transform").properties["features"])  # type: ignore[union-attr, arg-type]
    shown = onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [None, width])
    model.graph.output.append(shown)
    table = open_table(project.directory / "customers.csv", missing=["?"])
    batch = table.to_arrow()
    inside = Graph.from_bytes(model.SerializeToString()).run_batch(batch)["features"]
    np.testing.assert_array_equal(inside, Graph.from_path(files["transform"]).run_batch(batch)["features"])


def test_the_graph_says_where_its_constants_are_from_and_what_its_inputs_may_be(project: Project) -> None:
    report = run(project)
    with project.store() as store:
        (dataset,) = store.artifacts("dataset")
        model = store.model_version(project.name, "champion").artifact
    graph = Graph.from_path(project.artifacts().path(model.digest, ".onnx"))
    transform = report.artifact("transform")
    assert transform is not None
    made = Graph.from_path(project.artifacts().path(transform.digest, ".onnx"))
    for metadata in (graph.metadata, made.metadata):
        assert metadata["tilth.data"] == dataset.fingerprint
        assert json.loads(metadata["tilth.columns"])["age"] == "int"
        assert json.loads(metadata["tilth.domains"])["plan"]["domain"] == ["basic", "plus", "pro"]
        assert "age" in json.loads(metadata["tilth.feature_names"])
