"""The inbox: calls that wait for a person, what became of earlier ones, and approvals that last."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.answers import Given, Here, approvers_here, give
from mpp.console.desk import CHANNEL, OWN_TENANTS, Desk, work
from mpp.console.limits import PAGE_ROWS
from mpp.console.news import News
from mpp.console.pages.asking import Indexing, asked, indexing_page
from mpp.console.render import Shown, error_page, form_of, redirect, render
from mpp.console.sessions import Session
from mpp.console.views.approvals import Lasting, Past, Waiting, fingerprint_of, is_opened, lasting, opened_proof, past, waiting
from mpp.errors import Refused
from mpp.host.answering import REASON_CHARS_MAX, end_consents, end_standing, find_question, find_standing, read_reason, tenants_here
from mpp.host.audit.searching import find, lines_of
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.value import value
from mpp.stages.approval import Consent, Question, Settled, State, offer_words
from mpp.stages.audit import Wanted

KINDS = ("question", "answer", "approval-spent")
LOOKED_AT = 8 * PAGE_ROWS
"""Entries of the record that one page of earlier questions is made of. Reason: a question has two or three."""

ANSWERS = ("yes", "always", "no")


@value
class One:
    """A question with what its page needs."""

    row: Waiting
    question: Question
    offer: str
    """What "always" would mean; empty where it is no answer."""
    here: tuple[Here, ...]


def routes(desk: Desk) -> list[BaseRoute]:
    news = News()

    async def inbox(request: Request) -> Response:
        rows = await work(_waiting, desk)
        return render(request, "approvals.html", rows=rows, tab="waiting")

    async def earlier(request: Request) -> Response:
        found = await work(_past, desk)
        if isinstance(found, Indexing):
            return indexing_page(request, found)
        return render(request, "approvals_earlier.html", rows=found, tab="earlier")

    async def in_force(request: Request) -> Response:
        rows, consents = await work(_in_force, desk)
        return render(request, "approvals_in_force.html", rows=rows, consents=consents, own=OWN_TENANTS, tab="in-force")

    async def one(request: Request) -> Response:
        found = await work(_one, desk, request.path_params["ref"])
        return _page(request, found, is_open="details" in request.query_params)

    async def answer(request: Request) -> Response:
        return await _answer(request, desk)

    async def end(request: Request) -> Response:
        words = await work(_end, desk, form_of(request).get("standing", ""))
        return redirect(request, "/approvals/in-force", said=words)

    async def end_consent(request: Request) -> Response:
        fields = form_of(request)
        words = await work(_end_consent, desk, fields.get("package", ""), fields.get("tenant", ""))
        return redirect(request, "/approvals/in-force", said=words)

    async def live(request: Request) -> Response:
        store = ApprovalsStore(desk.home.approvals)
        return news.stream(request, lambda: _fingerprint(store, desk), request.scope["mpp.may"], store.close)

    return [
        Route("/approvals", inbox),
        Route("/approvals/earlier", earlier),
        Route("/approvals/in-force", in_force),
        Route("/approvals/live", live),
        Route("/approvals/end", end, methods=["POST"]),
        Route("/approvals/end-consent", end_consent, methods=["POST"]),
        Route("/approvals/{ref:str}", one),
        Route("/approvals/{ref:str}/answer", answer, methods=["POST"]),
    ]


def _waiting(desk: Desk) -> list[Waiting]:
    with desk.services() as on:
        now = on.clock.now()
        found = [one for tenant in tenants_here(on, OWN_TENANTS) for one in on.approvals.pending(tenant, now)]
        return [waiting(one, on.approvals.answers(one.id), now) for one in sorted(found, key=lambda one: (one.created, one.id))]


def _past(desk: Desk) -> tuple[Past, ...] | Indexing:
    # The index finds where they are; what they say is read from the record.
    seqs = asked(desk, lambda index: find(index, Wanted(kinds=KINDS), LOOKED_AT))
    return seqs if isinstance(seqs, Indexing) else past(lines_of(desk.home.log, sorted(seqs or ())), desk.now(), PAGE_ROWS)


def _in_force(desk: Desk) -> tuple[list[Lasting], list[Consent]]:
    with desk.services() as on:
        now = on.clock.now()
        tenants = tenants_here(on, OWN_TENANTS)
        standing = [lasting(one) for tenant in tenants for one in on.approvals.standing(tenant, now)]
        return standing, [one for tenant in tenants for one in on.approvals.consents(tenant)]


def _one(desk: Desk, ref: str) -> One:
    with desk.services() as on:
        question = find_question(on, ref, tenants_here(on, OWN_TENANTS))
        row = waiting(question, on.approvals.answers(question.id), on.clock.now())
        offer = offer_words(question.offer) if question.offer is not None else ""
        return One(row=row, question=question, offer=offer, here=approvers_here(desk, on))


def _page(request: Request, found: One, *, is_open: bool, http: int = 200, trouble: str = "", why: str = "") -> Response:
    session = _session(request)
    proof = opened_proof(session.form_token, found.question) if is_open else ""
    may_say_yes = is_open or not found.row.must_open
    return render(
        request, "approval.html", http=http, one=found.row, offer=found.offer, approvers=found.here, is_open=is_open, may_say_yes=may_say_yes, opened=proof,
        trouble=trouble, why=why, why_max=REASON_CHARS_MAX,
    )  # fmt: skip


def _session(request: Request) -> Session:
    shown: Shown = request.scope["mpp.shown"]
    if shown.session is None:
        raise Refused("approval.unknown", "nobody is in", where="session", hint="open the address that the terminal shows")
    return shown.session


async def _answer(request: Request, desk: Desk) -> Response:
    fields = form_of(request)
    said, ref = fields.get("answer", ""), request.path_params["ref"]
    given = Given(
        yes=said in {"yes", "always"}, always=said == "always", approver=fields.get("approver", ""), passphrase=fields.get("passphrase", "").encode(),
        why=read_reason(fields.get("why", "")) if said == "no" else "",
    )  # fmt: skip
    if said not in ANSWERS:
        return error_page(request, 400, "This is no answer.")
    if given.passphrase and desk.passphrases.is_full():
        return error_page(request, 429, "There were too many wrong passphrases in the last minute.")
    try:
        found = await work(_one, desk, ref)
    except Refused as fault:
        if fault.code != "approval.unknown":
            raise
        return redirect(
            request, "/approvals/earlier", said=f"Question {ref[:8]} does not wait any more: it was answered elsewhere, or it is too old.", tone="careful"
        )
    if fields.get("text_sha256", "") != found.question.text_sha256:
        # Attack: a reference that was given to another question meanwhile. The answer is to the text that was on the screen.
        return _page(request, found, is_open=False, http=409, trouble="The question changed while you looked at it. This is how it is now.")
    if given.yes and found.row.must_open and not is_opened(_session(request).form_token, found.question, fields.get("opened", "")):
        return _page(request, found, is_open=True, http=409, trouble="The text leaves something out: look at the details first, then answer below them.")
    return await _settled(request, desk, found, given, is_open=bool(fields.get("opened")))


async def _settled(request: Request, desk: Desk, found: One, given: Given, *, is_open: bool) -> Response:
    try:
        settled = await work(_give, desk, found.question, given)
    except Refused as fault:
        if fault.code == "approval.answered":
            return redirect(
                request, "/approvals/earlier", said=f"Somebody else answered {found.row.ref} at the same time; your answer does not count.", tone="careful"
            )
        if fault.code == "key.passphrase":
            desk.passphrases.take()
        elif not fault.code.startswith("approval."):
            raise
        return _page(request, found, is_open=is_open, http=409, trouble=f"{fault.message}: {fault.hint}", why=given.why)
    return redirect(request, "/approvals", said=_words(found.row, settled, given), tone="good" if given.yes else "careful")


def _give(desk: Desk, question: Question, given: Given) -> Settled:
    with desk.services() as on:
        return give(desk, on, question, given)


def _words(row: Waiting, settled: Settled, given: Given) -> str:
    what = f"{row.tool} of {row.package} ({row.ref})"
    if settled.state is State.NO:
        return f"Denied: {what}."
    if settled.state is State.WAITING:
        return f"Answered: {what}. Another approver must say yes, too."
    if given.always:
        return f"Approved for always: {what}. It is among those in force."
    return f"Approved once: {what}. The call must be made again, exactly as it was."


def _end(desk: Desk, ref: str) -> str:
    with desk.services() as on:
        one = find_standing(on, ref, tenants_here(on, OWN_TENANTS))
        if one is None or not end_standing(on, one, channel=CHANNEL):
            raise Refused("approval.unknown", "there is no such approval any more", where=ref[:40], hint="see those in force")
        return f"The approval for {one.tool} of {one.package_id} is ended; the next call asks again."


def _end_consent(desk: Desk, package_id: str, tenant: str) -> str:
    with desk.services() as on:
        if not end_consents(on, package_id, (tenant,), channel=CHANNEL):
            raise Refused("approval.unknown", "there is no such consent any more", where=package_id[:80], hint="see those in force")
        return f"The consent to {package_id} is ended; the next call asks again."


def _fingerprint(store: ApprovalsStore, desk: Desk) -> str:
    now = desk.now()
    found = [one for tenant in store.tenants(now) for one in store.pending(tenant, now)]
    return fingerprint_of(found, [answer for one in found for answer in store.answers(one.id)])
