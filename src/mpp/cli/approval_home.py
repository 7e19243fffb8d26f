"""The approvals of this home, as the commands under ``mpp approve`` use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.author.development import TENANT as DEVELOPMENT_TENANT
from mpp.cli.options import home, trust_store
from mpp.errors import Refused
from mpp.host.fleet import fleet_settings
from mpp.host.judging import Services
from mpp.host.opening import open_services
from mpp.host.system import SystemClock, SystemRandom
from mpp.stages.approval import Desk, Question

LOCAL_TENANT = "local"
TENANTS = (LOCAL_TENANT, DEVELOPMENT_TENANT)
"""Whose calls a person at the command line answers for: their own, and those of a project in development."""


@contextmanager
def opened() -> Iterator[Services]:
    with open_services(home(), SystemClock(), SystemRandom()) as on:
        yield on


def desk_of(on: Services) -> Desk:
    settings = fleet_settings()
    fleet = not trust_store().load().first_use
    return on.desk(fleet=fleet, least=settings.approval_strength)


def find_question(on: Services, ref: str) -> Question:
    """The question that can still be answered under ``ref``."""
    now = on.clock.now()
    for tenant in TENANTS:
        found = on.approvals.question(tenant, ref, now)
        if found is not None:
            return found
    hint = "`mpp approve pending` shows what waits; a question that is too old is asked again by the next call"
    raise Refused("approval.unknown", "no such question waits for an answer", where=ref[:40], hint=hint)
