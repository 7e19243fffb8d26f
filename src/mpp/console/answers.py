"""One answer that was given on a page: what a click is worth, what a passphrase signs, and the same door that `mpp approve` uses."""

from __future__ import annotations

from mpp.console.desk import CHANNEL, OWN_TENANTS, Desk
from mpp.console.views.approvals import BY_FORM, needs_key
from mpp.errors import Refused
from mpp.host.answering import judge_tenant, keys_here, mine
from mpp.host.approver_store import open_approver_key, read_approver_key
from mpp.host.judging import Services
from mpp.model.value import value
from mpp.stages.approval import ALWAYS, ONCE, Answer, Question, Settled, accept, sign_answer, vouch


@value
class Given:
    """What stood in the form."""

    yes: bool
    always: bool = False
    approver: str = ""
    """Whose key; empty: whoever sits here."""
    passphrase: bytes = b""
    why: str = ""


@value
class Here:
    """An approver whose sealed key lies in this home, and can so be opened here."""

    id: str
    path: str
    is_mine: bool


def approvers_here(desk: Desk, on: Services) -> tuple[Here, ...]:
    """A key that lies open is none of them: it shows nothing of a person, who might as well click. Spec: approval H-35, H-97."""
    found = keys_here(desk.home.keys, on.approvers.current())
    own = mine(found, desk.user)
    return tuple(Here(id=name, path=path, is_mine=name == own) for name, path in sorted(found.items()) if read_approver_key(path).sealed)


def give(desk: Desk, on: Services, question: Question, given: Given) -> Settled:
    """Keep the answer, if it counts, and say what the question has come to."""
    answer = _signed(desk, on, question, given) if given.passphrase else _clicked(desk, on, question, given)
    judge_tenant(question, answer, OWN_TENANTS)
    return accept(question, answer, desk.approval(on), on.clock.now(), channel=CHANNEL, why=given.why)


def _clicked(desk: Desk, on: Services, question: Question, given: Given) -> Answer:
    """Attack: an agent of the same user that finds its way into the page. What a click opens is what an option of a command opens."""
    if given.yes and needs_key(question):
        hint = "put in the passphrase of an approver's key; `mpp approve enroll` makes one"
        raise Refused("approval.no_key", "this needs the passphrase of an approver's key", where=question.ref, hint=hint)
    # A no needs no proof of a person: it opens nothing.
    return vouch(question, yes=given.yes, user=desk.user, amr=BY_FORM, now=on.clock.now(), scope=_scope(given))


def _signed(desk: Desk, on: Services, question: Question, given: Given) -> Answer:
    here = approvers_here(desk, on)
    who = next((one for one in here if (one.id == given.approver if given.approver else one.is_mine)), None)
    if who is None:
        hint = "say whose key it is; the key must lie in keys/approvers of this home and have a passphrase"
        raise Refused("approval.no_key", "there is no such approver's key here", where=question.ref, hint=hint)
    signer, amr = open_approver_key(who.path, given.passphrase)
    return sign_answer(question, signer, yes=given.yes, approver=who.id, amr=amr, now=on.clock.now(), scope=_scope(given))


def _scope(given: Given) -> str:
    return ALWAYS if given.always and given.yes else ONCE
