"""Metrics exposition: writes what Prometheus reads (text format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from imgapp.adapters.counters import BUCKETS, COUNTED, GAUGED, Key, MetricTotals, Values

MEDIA_TYPE = CONTENT_TYPE_LATEST
Measured = Metric
"""A metric with its samples."""

_PARTS = {"_bucket": 0, "_sum": 1, "_count": 2}


def measured(
    name: str, explained: str, values: Mapping[tuple[str, ...], float], labels: Iterable[str] = ()
) -> Measured:
    """A gauge that is known as a whole: a value for each tuple of label values."""
    family = GaugeMetricFamily(name, explained, labels=list(labels))
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family


def totals(total: MetricTotals) -> list[Measured]:
    """Every declared counter, histogram and gauge; what nobody counted yet is zero."""
    return [*_filled(COUNTED, total.counted), *_filled(GAUGED, total.gauged)]


def text_of(metrics: Iterable[Measured]) -> bytes:
    """What `/metrics` answers."""
    registry = CollectorRegistry()
    registry.register(_Fixed(metrics))
    return generate_latest(registry)


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Measured]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _filled(registry: CollectorRegistry, values: Values) -> Iterator[Measured]:
    for declared in registry.collect():
        # Label sets that were asked for by name, here, are shown before anything is counted.
        keys = [
            (sample.name, tuple(sorted(sample.labels.items())))
            for sample in declared.samples
            if not sample.name.endswith("_created")
        ]
        known = dict.fromkeys(keys, 0.0) | {
            key: value for key, value in values.items() if _belongs(key, declared)
        }
        metric = Metric(declared.name, declared.documentation, declared.type)
        if declared.type == "histogram":
            known = _with_every_bucket(declared.name, known)
        for key in sorted(known, key=lambda key: _place(declared.name, key)):
            metric.samples.append(Sample(key[0], dict(key[1]), known[key]))
        yield metric


def _belongs(key: Key, metric: Metric) -> bool:
    ends = {"counter": ("_total",), "histogram": tuple(_PARTS)}.get(metric.type, ("",))
    return any(key[0] == metric.name + end for end in ends)


def _with_every_bucket(name: str, known: Values) -> Values:
    """The buckets that are declared, those that nothing fell into included, and no others."""
    series = {tuple(p for p in labels if p[0] != "le") for _, labels in known}
    filled: Values = {}
    for labels in series:
        for bound in BUCKETS[name]:
            key = (f"{name}_bucket", tuple(sorted((*labels, ("le", bound)))))
            filled[key] = known.get(key, 0.0)
        for part in ("_sum", "_count"):
            filled[name + part, labels] = known.get((name + part, labels), 0.0)
    return filled


def _place(name: str, key: Key) -> tuple[object, ...]:
    """Series by series, and the buckets of each from small to large."""
    labels = dict(key[1])
    bound = float(labels.pop("le", "0"))
    return sorted(labels.items()), _PARTS.get(key[0].removeprefix(name), 0), bound
