"""What judging calls needs, out of one home: stores, keys, policies, the record. Nothing is made that is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.host.approver_store import ApproverStore
from mpp.host.granting import Places
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.host.journal import Journal
from mpp.host.judging import Services, Setting
from mpp.host.policy_store import PolicyStore
from mpp.host.stops import StopStore
from mpp.host.stores.approvals import ApprovalsStore
from mpp.ports import Clock, Events, Random
from mpp.stages.gatekeeper import TrustState


@contextmanager
def open_services(home: Home, clock: Clock, random: Random, events: Events | None = None) -> Iterator[Services]:
    """The services of one home, closed at the end."""
    approvals = ApprovalsStore(home.approvals)
    try:
        yield Services(
            clock=clock,
            random=random,
            events=events if events is not None else Journal(home.events),
            approvals=approvals,
            approvers=ApproverStore(home.approvers).load(),
            host=host_key(home, random),
            stops=StopStore(home.stops),
        )
    finally:
        approvals.close()


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
