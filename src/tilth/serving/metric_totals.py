"""The numbers of all workers, added up for /metrics."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from tilth.serving.meter_blocks import MeterBlock, Snapshot
from tilth.serving.metric_table import METRICS, Metric
from tilth.serving.process_meters import is_alive, process_values

__all__ = ["Totals"]

Labels = tuple[str, ...]
Numbers = tuple[float, ...]


class Totals(Collector):
    """What all workers of a server have counted.

    Counters and histograms are those of every worker that ever was, gauges those of workers that are alive.

    Args:
        block: one worker's numbers, which lead to those of the others.
    """

    def __init__(self, block: MeterBlock) -> None:
        self._block = block

    def describe(self) -> Iterator[Family]:
        """Nothing: what there is depends on what was counted."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Each metric of the table that has a series, in the table's order."""
        snapshots = list(self._block.snapshots())
        found = _merged(snapshots)
        for name, value in process_values(snapshots).items():
            found[name] = {(): (value,)}
        for name, metric in METRICS.items():
            if found.get(name):
                yield _family(metric, found[name])


def _merged(snapshots: Sequence[Snapshot]) -> dict[str, dict[Labels, Numbers]]:
    found: dict[str, dict[Labels, Numbers]] = defaultdict(dict)
    for snapshot in snapshots:
        alive = is_alive(snapshot)
        for (name, labels), numbers in snapshot.series.items():
            metric = METRICS[name]
            if metric.kind == "gauge" and (not alive or math.isnan(numbers[0])):
                continue
            before = found[name].get(labels)
            found[name][labels] = numbers if before is None else _both(metric, before, numbers)
    return found


def _both(metric: Metric, one: Numbers, other: Numbers) -> Numbers:
    if metric.kind == "gauge" and metric.merge != "sum":
        return (max if metric.merge == "max" else min)(one, other)
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _family(metric: Metric, series: dict[Labels, Numbers]) -> Family:
    """A metric as prometheus_client writes it; buckets become cumulative, as the format wants them."""
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*(str(bound) for bound in metric.buckets), "+Inf"]
        for labels, numbers in sorted(series.items()):
            counts = itertools.accumulate(numbers[:-1])
            histogram.add_metric(labels, list(zip(bounds, counts, strict=True)), numbers[-1])
        return histogram
    family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
        metric.name, metric.help, labels=metric.labels
    )
    for labels, numbers in sorted(series.items()):
        family.add_metric(labels, numbers[0])
    return family
