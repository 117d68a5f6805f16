"""The pipeline: steps as typed functions, the graph they form, their cache, and what a run records."""

from tilth.pipelines.batch import RecordedEvaluation, evaluate_model, recorded_evaluation
from tilth.pipelines.batch_prediction import predict_table
from tilth.pipelines.benching import BenchReport, bench
from tilth.pipelines.comparing import compare_runs
from tilth.pipelines.dataset_versions import (
    PROJECT_DATA,
    DatasetListing,
    dataset_file,
    dataset_reference,
    export_dataset,
    list_datasets,
    save_dataset,
)
from tilth.pipelines.explaining import Asked, ModelExplanation, explain_model
from tilth.pipelines.feedback import collect_feedback
from tilth.pipelines.materializing import Materialized, materialize
from tilth.pipelines.pipeline import STEPS, run_pipeline
from tilth.pipelines.release import Release, promote, rollback
from tilth.pipelines.reproducing import Reproduction, reproduce
from tilth.pipelines.run_comparison import RunComparison
from tilth.pipelines.run_record import RunRecord, read_run
from tilth.pipelines.run_report import RunTelling, tell_run
from tilth.pipelines.runner import Listener, RunReport, StepReport
from tilth.pipelines.runs import RunEntry, RunListing, list_runs
from tilth.pipelines.status import ProjectStatus, project_status
from tilth.pipelines.step import Output, Step, StepContext, StepResult, in_order, needed_for
from tilth.pipelines.tracing import Trace, trace
from tilth.pipelines.tuning import Standing, tune
from tilth.pipelines.tuning_report import TuneReport
from tilth.pipelines.watching import monitor

__all__ = [
    "PROJECT_DATA",
    "STEPS",
    "Asked",
    "BenchReport",
    "DatasetListing",
    "Listener",
    "Materialized",
    "ModelExplanation",
    "Output",
    "ProjectStatus",
    "RecordedEvaluation",
    "Release",
    "Reproduction",
    "RunComparison",
    "RunEntry",
    "RunListing",
    "RunRecord",
    "RunReport",
    "RunTelling",
    "Standing",
    "Step",
    "StepContext",
    "StepReport",
    "StepResult",
    "Trace",
    "TuneReport",
    "bench",
    "collect_feedback",
    "compare_runs",
    "dataset_file",
    "dataset_reference",
    "evaluate_model",
    "explain_model",
    "export_dataset",
    "in_order",
    "list_datasets",
    "list_runs",
    "materialize",
    "monitor",
    "needed_for",
    "predict_table",
    "project_status",
    "promote",
    "read_run",
    "recorded_evaluation",
    "reproduce",
    "rollback",
    "run_pipeline",
    "save_dataset",
    "tell_run",
    "trace",
    "tune",
]
