"""What the registry counts of itself, in the text form of Prometheus. No label holds anything that a client wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TypeAlias

from mpp_registry.api.limits import METRIC_SERIES_MAX

Labels: TypeAlias = tuple[tuple[str, str], ...]

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper ends in seconds. Reason: pages shall come within 0.05; what takes longer than ten seconds is an upload."""

HELP = {
    "mpp_registry_requests_total": ("counter", "Requests, by route, method and status."),
    "mpp_registry_request_seconds": ("histogram", "Seconds until the last byte of an answer, by route."),
    "mpp_registry_sent_bytes_total": ("counter", "Bytes of bodies that were sent."),
    "mpp_registry_downloads_total": ("counter", "Packages that were sent from their begin to their end."),
    "mpp_registry_failures_total": ("counter", "Requests that ended in a failure of the registry itself."),
    "mpp_registry_requests_now": ("gauge", "Requests that are being answered."),
    "mpp_registry_log_size": ("gauge", "Leaves of the log, as far as this process has seen it."),
}


class Metrics:
    def __init__(self) -> None:
        self._lock = Lock()
        self._series: dict[tuple[str, Labels], float] = {}

    def add(self, name: str, amount: float = 1, labels: Labels = ()) -> None:
        with self._lock:
            self._add(name, amount, labels)

    def put(self, name: str, amount: float) -> None:
        with self._lock:
            self._series[name, ()] = amount

    def observe(self, name: str, seconds: float, labels: Labels) -> None:
        with self._lock:
            for end in BUCKETS:
                if seconds <= end:
                    self._add(name + "_bucket", 1, (*labels, ("le", str(end))))
            self._add(name + "_bucket", 1, (*labels, ("le", "+Inf")))
            self._add(name + "_sum", seconds, labels)
            self._add(name + "_count", 1, labels)

    def _add(self, name: str, amount: float, labels: Labels) -> None:
        key = name, labels
        if key in self._series or len(self._series) < METRIC_SERIES_MAX * len(HELP):
            self._series[key] = self._series.get(key, 0) + amount

    def text(self) -> str:
        with self._lock:
            found = sorted(self._series.items(), key=lambda one: one[0][0])
        return "".join(_lines(found))


def _lines(found: Iterable[tuple[tuple[str, Labels], float]]) -> Iterator[str]:
    said = ""
    for (name, labels), amount in found:
        base = next((known for known in HELP if name == known or (name.startswith(known + "_") and HELP[known][0] == "histogram")), name)
        if base != said and base in HELP:
            said = base
            yield f"# HELP {base} {HELP[base][1]}\n# TYPE {base} {HELP[base][0]}\n"
        written = ",".join(f'{label}="{text}"' for label, text in labels)
        yield f"{name}{{{written}}} {amount:.10g}\n" if labels else f"{name} {amount:.10g}\n"
