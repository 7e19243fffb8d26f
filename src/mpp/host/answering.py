"""What a person does with approvals, for all who let a person do it: the command line and the console.

Each change is in the record, with the channel on which it came where that is not the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from mpp.crypto.roots import is_plain_line
from mpp.errors import Refused
from mpp.host.approver_store import read_approver_key
from mpp.host.judging import Services
from mpp.stages.approval import Answer, Approvers, Consent, Question, Standing, consent_event, standing_event

APPROVER_FOLDER = "approvers"
"""Where the keys of this home's approvers are, below its keys."""

ID_DIGITS_MIN = 4
"""Digits that name an approval for always. Reason: fewer name several by chance."""

REASON_CHARS_MAX = 200
"""Characters of the reason of a no. Reason: it is one line of the record."""


def read_reason(text: str) -> str:
    """The words of whoever says no, as one line of the record. Attack: a reason that hides characters, or that goes on for pages."""
    found = " ".join(text.split())
    if len(found) > REASON_CHARS_MAX or not is_plain_line(found or "-"):
        hint = f"write one line of at most {REASON_CHARS_MAX} characters that can all be seen"
        raise Refused("usage.text", "a reason is one plain line", where="why", hint=hint)
    return found


def tenants_here(on: Services, own: Sequence[str]) -> tuple[str, ...]:
    """Of whom there is something to answer or to end: one's own, then the others by name."""
    return (*own, *(one for one in on.approvals.tenants(on.clock.now()) if one not in own))


def judge_tenant(question: Question, answer: Answer, own: Sequence[str]) -> None:
    """Refuse a yes to a call of another tenant that nobody signed. Spec: approval H-98."""
    if answer.yes and not answer.envelope and question.tenant not in own:
        # Attack: whoever uses this machine counts as a user of every tenant. An approver is one of this host, by name and key.
        hint = "give the key of an approver: mpp approve answer REF --key FILE; `mpp approve enroll` makes one"
        raise Refused("approval.no_key", f"a yes for another tenant needs an approver's key (tenant {question.tenant})", where=question.ref, hint=hint)


def find_question(on: Services, ref: str, tenants: Sequence[str]) -> Question:
    """The question of one of ``tenants`` that can still be answered under ``ref``."""
    now = on.clock.now()
    for tenant in tenants:
        found = on.approvals.question(tenant, ref, now)
        if found is not None:
            return found
    hint = "`mpp approve pending` shows what waits; a question that is too old is asked again by the next call"
    raise Refused("approval.unknown", "no such question waits for an answer", where=ref[:40], hint=hint)


def find_standing(on: Services, ref: str, tenants: Sequence[str]) -> Standing | None:
    """The one approval whose id begins with ``ref``; two are none."""
    now = on.clock.now()
    found = [one for tenant in tenants for one in on.approvals.standing(tenant, now) if len(ref) >= ID_DIGITS_MIN and one.id.startswith(ref)]
    return found[0] if len(found) == 1 else None


def end_standing(on: Services, one: Standing, *, channel: str = "") -> bool:
    """From the next call on. False if it is not there any more."""
    if not on.approvals.revoke(one.tenant, one.id):
        return False
    on.events.record(standing_event(one, "revoked", on.clock.now(), channel=channel), durable=True)
    return True


def end_consents(on: Services, package_id: str, tenants: Sequence[str], *, channel: str = "") -> list[Consent]:
    """Those that there were; the next call asks again."""
    gone = [one for tenant in tenants for one in on.approvals.consents(tenant) if one.package_id == package_id]
    for one in gone:
        if on.approvals.drop_consent(one.tenant, one.publisher_id, one.package_id):
            on.events.record(consent_event(one, taken_back=on.clock.now(), channel=channel), durable=True)
    return gone


def keys_here(keys: str, approvers: Approvers) -> Mapping[str, str]:
    """The approvers whose keys lie in this home, in the folder ``keys``: the path of each."""
    folder = os.path.join(keys, APPROVER_FOLDER)
    paths = {one.id: os.path.join(folder, f"{one.id}.key") for one in approvers.known.values()}
    return {name: path for name, path in paths.items() if _is_here(path, approvers.known[name].key)}


def mine(here: Mapping[str, str], user: str) -> str:
    """Of the approvers whose keys are here, the one who sits here; empty where nobody can say whose passphrase is meant."""
    return user if user in here else next(iter(here)) if len(here) == 1 else ""


def _is_here(path: str, public: bytes) -> bool:
    return os.path.isfile(path) and read_approver_key(path).public == public
