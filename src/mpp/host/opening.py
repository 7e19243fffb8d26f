"""What judging calls needs, out of one home: stores, keys, policies, the record. Nothing is made that is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

from mpp.host.approver_store import ApproverStore
from mpp.host.granting import Places
from mpp.host.filtering import Filters
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.audit.log import AuditLog
from mpp.host.audit.pseudonyms import pseudonym
from mpp.host.judging import Services, Setting
from mpp.host.patterns.cache import PatternCache
from mpp.host.patterns.judging import admit
from mpp.host.policy_store import PolicyStore
from mpp.host.stops import StopStore
from mpp.host.stores.approvals import ApprovalsStore
from mpp.host.system import ThreadSeconds
from mpp.host.watched import watched_approvers
from mpp.ports import Clock, Events, Random
from mpp.stages.gatekeeper import TrustState
from mpp.stages.privacy import choose


@contextmanager
def open_services(home: Home, clock: Clock, random: Random, events: Events | None = None) -> Iterator[Services]:
    """The services of one home, closed at the end."""
    approvals, log = ApprovalsStore(home.approvals), AuditLog(home, clock=clock, random=random)
    try:
        yield Services(
            clock=clock,
            random=random,
            events=events if events is not None else log,
            approvals=approvals,
            approvers=watched_approvers(ApproverStore(home.approvers)),
            host=host_key(home, random),
            stops=StopStore(home.stops),
            pseudonym=cache(partial(pseudonym, home.log)),
            filters=open_filters(home, clock, random),
        )
    finally:
        log.close()
        approvals.close()


def open_filters(home: Home, clock: Clock, random: Random) -> Filters:
    """The privacy filter of one home. Its compiled expressions are kept under the key of the home's cache."""
    cache = PatternCache(home.cache)
    return Filters(
        random=random, clock=clock, seconds=ThreadSeconds(), build=lambda expressions: choose(expressions, cache), admit=lambda patterns: admit(patterns, cache),
    )  # fmt: skip


def setting_of(policies: PolicyStore, places: Places, trust: TrustState) -> Setting:
    """What the next call is judged by. A host whose administrator chose the publishers is one of a fleet."""
    loaded = policies.current()
    return Setting(
        policies=loaded.policies,
        places=places,
        fleet=loaded.settings.is_fleet or not trust.first_use,
        strength=loaded.settings.approval_strength,
        faults=loaded.faults,
    )
