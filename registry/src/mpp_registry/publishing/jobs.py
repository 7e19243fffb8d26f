"""What a registry does by itself, every few minutes. Each job is safe to run twice, at once on several replicas, and after a crash."""

from __future__ import annotations

from collections.abc import Callable

from mpp.errors import MppError
from mpp.model.value import value
from mpp_registry.namespaces.rechecking import recheck_namespaces
from mpp_registry.publishers.recovering import finish_recoveries
from mpp_registry.publishing.limits import CLEANED_MAX
from mpp_registry.publishing.uploads import sweep
from mpp_registry.services import Services
from mpp_registry.staging.approving import expire_staged


@value
class JobsRun:
    done: tuple[tuple[str, int], ...]
    """Each job, and how much it did."""
    failed: tuple[tuple[str, str], ...]
    """Each job that failed, with the code. The others ran all the same."""


def run_jobs(services: Services) -> JobsRun:
    jobs: tuple[tuple[str, Callable[[], int]], ...] = (
        ("namespaces", lambda: recheck_namespaces(services).looked),
        ("recoveries", lambda: len(finish_recoveries(services))),
        ("staged", lambda: expire_staged(services)),
        ("uploads", lambda: sweep(services).removed),
        ("once", lambda: clean(services)),
    )
    done: list[tuple[str, int]] = []
    failed: list[tuple[str, str]] = []
    for name, job in jobs:
        try:
            done.append((name, job()))
        except MppError as fault:
            failed.append((name, fault.code))
    return JobsRun(done=tuple(done), failed=tuple(failed))


def clean(services: Services) -> int:
    """Nonces and tokens that count no more."""
    now = services.clock.now()
    with services.database.write() as rows:
        gone = rows.run("DELETE FROM once WHERE nonce IN (SELECT nonce FROM once WHERE until < ? ORDER BY until LIMIT ?)", now, CLEANED_MAX)
        return gone + rows.run(
            "DELETE FROM tokens WHERE token_hash IN (SELECT token_hash FROM tokens WHERE until < ? ORDER BY until LIMIT ?)", now, CLEANED_MAX
        )
