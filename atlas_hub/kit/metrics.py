"""The figures that a process counts, and their text for Prometheus; the only import of its library.

Where PROMETHEUS_MULTIPROC_DIR is set before the first import, as `atlas-hub serve` does, every worker counts in files
of its own there, and whichever worker is asked adds them all up (docs/decisions/0016).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from atlas_hub.kit.logs import method_of

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OURS: Final = "atlas_hub_"
Gauges = Mapping[str, tuple[str, Iterable[tuple[Mapping[str, str], float]]]]
"""Name → what it is, and its values by their labels."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_registry = CollectorRegistry()
_requests = Counter(
    "atlas_hub_requests", "Requests of the admin API.", ("route", "method", "status"), registry=_registry
)
_request_seconds = Histogram(
    "atlas_hub_request_seconds", "How long they took.", ("route", "method"), buckets=SECONDS, registry=_registry
)
_calls = Counter("atlas_hub_vendor_calls", "Questions to vendors.", ("vendor", "outcome"), registry=_registry)
_call_seconds = Histogram(
    "atlas_hub_vendor_call_seconds", "How long they took.", ("vendor",), buckets=SECONDS, registry=_registry
)
_tabs = Gauge(
    "atlas_hub_open_tabs",
    "Websockets that are open now.",
    registry=_registry,
    multiprocess_mode="livesum",
)


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request. `route` is a template, never a path that somebody sent."""
    kind = method_of(method)
    _requests.labels(route, kind, str(status)).inc()
    _request_seconds.labels(route, kind).observe(seconds)


def called(vendor: str, status: int | None, seconds: float) -> None:
    """Count a question to a vendor; `status` is None where no answer came."""
    _calls.labels(vendor, _outcome(status)).inc()
    _call_seconds.labels(vendor).observe(seconds)


def tab(change: int) -> None:
    """Count a websocket that opened (1) or closed (-1)."""
    _tabs.inc(change)


def text(gauges: Gauges) -> bytes:
    """Everything as Prometheus reads it: what was counted, and `gauges`."""
    return generate_latest(_Now(gauges))


def text_of(gauges: Gauges) -> bytes:
    """`gauges` alone as Prometheus reads them: nothing that this process counted is among them."""
    return generate_latest(_Given(gauges))


def _outcome(status: int | None) -> str:
    if status is None:
        return "no_answer"
    if status == 429:  # noqa: PLR2004  # Too Many Requests
        return "busy"
    return {2: "ok", 4: "refused", 5: "failed"}.get(status // 100, "other")


class _Given(Collector):
    """One scrape of what somebody asked the database for."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for name, (said, samples) in self._gauges.items():
            listed = [(dict(labels), value) for labels, value in samples]
            family = GaugeMetricFamily(OURS + name, said, labels=tuple(listed[0][0]) if listed else ())
            for labels, value in listed:
                family.add_metric(tuple(labels.values()), value)
            yield family


class _Now(_Given):
    """One scrape: the counts of all workers, and what is true now. Figures of a host's own are left out."""

    def collect(self) -> Iterator[Metric]:
        counted: Collector = _registry
        if values.ValueClass is not values.MutexValue:
            _bury()
            counted = multiprocess.MultiProcessCollector(CollectorRegistry())  # type: ignore[no-untyped-call]  # the library's is not typed
        yield from (metric for metric in counted.collect() if metric.name.startswith(OURS))
        yield from super().collect()


def _bury() -> None:
    """Forget what workers that are gone said of the present; what they counted stays."""
    collector = multiprocess.MultiProcessCollector(CollectorRegistry())  # type: ignore[no-untyped-call]  # the library's is not typed
    for path in Path(str(collector._path)).glob("gauge_live*_*.db"):  # noqa: SLF001  # where the library was told to count
        found = re.search(r"_(\d+)\.db$", path.name)
        if found and not _lives(int(found[1])):
            multiprocess.mark_process_dead(int(found[1]))  # type: ignore[no-untyped-call]  # the library's is not typed


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
