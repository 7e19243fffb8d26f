"""Joining a fleet: with a code, in one request. Afterwards the home knows its registry and the machine's files are ready.

The code names the registry and the signer by their ids, and the answer is signed by the one and proves the other. So neither the address nor who
is on the way decides whom this host will obey. Spec: spec/fleet.md section 2.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.errors import MppError, Refused
from mpp.host.audit.reader import LogReader
from mpp.host.audit.witness_client import own_key
from mpp.host.audit.witness_list import WitnessList
from mpp.host.enrolment.asking import Asking
from mpp.host.enrolment.documents import Enrolment, EnrolmentCode, FleetAnswer, read_answer, SIGNED_ANSWER_BYTES_MAX, write_enrolment
from mpp.host.enrolment.state import Enrolled, EnrolmentFile
from mpp.host.enrolment.wire import Web
from mpp.host.home import Home
from mpp.host.host_key import host_key
from mpp.crypto.roots import read_chain, RootChain
from mpp.ports import Clock, Random

WITNESS_NAME = "fleet"
WITNESS_PATH = "/v1/fleet/witness"


def log_key_of(home: Home) -> str:
    """The key by which others know the record of this home; empty: there is none yet."""
    try:
        return str(own_key(LogReader(home.log), host_key(home).public))
    except MppError:
        return ""


def join(home: Home, url: str, code: EnrolmentCode, name: str, *, clock: Clock, random: Random, web: Web | None = None) -> Enrolled:
    """Come in. The code is spent when this returns, and so it is when it fails after the request: then the same host may use it again."""
    file, key = EnrolmentFile(home), host_key(home, random)
    before = file.load()
    if before is not None and before.fleet_id != code.fleet_id:
        message = f"this home is in the fleet of {before.fleet_id[:16]} already"
        raise Refused("policy.publisher", message, where=file.path, hint="leave it first: mpp registry fleet leave")
    asking = Asking(url, code.registry_id, key, clock, random, web)
    request = Enrolment(secret=code.secret, name=name, public=key.public, log_key=log_key_of(home))
    data, nonce = asking.ask("POST", "/v1/fleet/hosts", SIGNED_ANSWER_BYTES_MAX, write_enrolment(request))
    known = before.registry if before is not None and before.registry_id == code.registry_id else None
    answer, registry = read_answer(data, registry_id=code.registry_id, fleet_id=code.fleet_id, nonce=nonce, known=known)
    return _settle(home, file, asking.url, answer, registry, name=name, now=clock.now())


def refresh(home: Home, *, clock: Clock, random: Random, web: Web | None = None) -> Enrolled:
    """Ask anew what this host is to follow: names, and the key of the witness, which changes with the registry's log key."""
    file = EnrolmentFile(home)
    before = file.need()
    asking = Asking(before.url, before.registry_id, host_key(home), clock, random, web)
    data, nonce = asking.ask("GET", "/v1/fleet/me", SIGNED_ANSWER_BYTES_MAX)
    answer, registry = read_answer(data, registry_id=before.registry_id, fleet_id=before.fleet_id, nonce=nonce, known=before.registry)
    return _settle(home, file, before.url, answer, registry, name=before.name, now=clock.now())


def _settle(home: Home, file: EnrolmentFile, url: str, answer: FleetAnswer, registry: RootChain, *, name: str, now: int) -> Enrolled:
    fleet = read_chain(answer.fleet_roots, where="fleet")

    def step(before: Enrolled | None) -> Enrolled:
        made = Enrolled(
            url=url, registry=registry, fleet=fleet, host_id=answer.host_id, name=name, policy_name=answer.policy_name, trust_name=answer.trust_name,
            witness_key=answer.witness_key, enrolled_at=now,
        )  # fmt: skip
        if before is None or before.fleet_id != fleet.publisher_id:
            return made
        longer = fleet if fleet.begins_with(before.fleet) else before.fleet
        return replace(made, fleet=longer, enrolled_at=before.enrolled_at, trust=before.trust, reported_at=before.reported_at)

    after = file.change(step)
    if after.witness_key:
        WitnessList(home.log).add(WITNESS_NAME, url + WITNESS_PATH, after.witness_key)
    return after
