"""The pipeline: steps as typed functions, the graph they form, their cache, and what a run records."""

from tilth.pipelines.batch import RecordedEvaluation, evaluate_model, predict_table, recorded_evaluation
from tilth.pipelines.comparing import RunComparison, compare_runs
from tilth.pipelines.dataset_versions import (
    PROJECT_DATA,
    DatasetListing,
    dataset_file,
    dataset_reference,
    export_dataset,
    list_datasets,
    save_dataset,
)
from tilth.pipelines.feedback import collect_feedback
from tilth.pipelines.pipeline import STEPS, run_pipeline
from tilth.pipelines.release import Release, promote, rollback
from tilth.pipelines.reproducing import Reproduction, reproduce
from tilth.pipelines.runner import Listener, RunReport, StepReport
from tilth.pipelines.status import ProjectStatus, project_status
from tilth.pipelines.step import Output, Step, StepContext, StepResult, in_order, needed_for
from tilth.pipelines.tracing import Trace, trace
from tilth.pipelines.watching import monitor

__all__ = [
    "PROJECT_DATA",
    "STEPS",
    "DatasetListing",
    "Listener",
    "Output",
    "ProjectStatus",
    "RecordedEvaluation",
    "Release",
    "Reproduction",
    "RunComparison",
    "RunReport",
    "Step",
    "StepContext",
    "StepReport",
    "StepResult",
    "Trace",
    "collect_feedback",
    "compare_runs",
    "dataset_file",
    "dataset_reference",
    "evaluate_model",
    "export_dataset",
    "in_order",
    "list_datasets",
    "monitor",
    "needed_for",
    "predict_table",
    "project_status",
    "promote",
    "recorded_evaluation",
    "reproduce",
    "rollback",
    "run_pipeline",
    "save_dataset",
    "trace",
]
