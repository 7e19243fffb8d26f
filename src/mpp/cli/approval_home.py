"""The approvals of this home, as the commands under ``mpp approve`` use them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.author.development import TENANT as DEVELOPMENT_TENANT
from mpp.cli.options import home, trust_store
from mpp.host import answering
from mpp.host.fleet import fleet_settings
from mpp.host.judging import Services
from mpp.host.opening import open_services
from mpp.host.system import SystemClock, SystemRandom
from mpp.stages.approval import Desk, Question

LOCAL_TENANT = "local"
OWN_TENANTS = (LOCAL_TENANT, DEVELOPMENT_TENANT)
"""For whose calls a person at the command line is enough: their own, and those of a project in development. A yes for others is signed."""


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
    return answering.find_question(on, ref, tenants(on))


def tenants(on: Services) -> tuple[str, ...]:
    return answering.tenants_here(on, OWN_TENANTS)
