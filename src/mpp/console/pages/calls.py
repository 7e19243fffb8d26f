"""The calls of the record: a list with filters, the story of one, and its proof."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.limits import PAGE_ROWS
from mpp.console.pages.asking import asked, Indexing, indexing_page
from mpp.console.render import redirect, render
from mpp.console.views.calls import call_list, CallList, CHOICES, Filters, read_filters, wanted_of
from mpp.console.views.proving import NotProved, prove, Proved
from mpp.console.views.story import Story, story_of
from mpp.errors import Refused
from mpp.host.audit.listing import calls
from mpp.host.audit.log import AuditLog
from mpp.host.audit.one_call import judged_beginning, lines_of_call, only_call
from mpp.host.audit.searching import meant
from mpp.host.audit.witness_list import WitnessList
from mpp.stages.audit import write_proof

ENTRY_DIGITS_MAX = 16
"""Digits of the number of an entry. Reason: the record has no larger one."""


def routes(desk: Desk) -> list[BaseRoute]:
    async def listed(request: Request) -> Response:
        filters = read_filters(request.query_params)
        found = await work(_listed, desk, filters)
        if isinstance(found, Indexing):
            return indexing_page(request, found)
        return render(request, "calls.html", found=found, filters=filters, choices=CHOICES)

    async def one(request: Request) -> Response:
        found = await work(_story, desk, request.path_params["id"])
        if isinstance(found, Indexing):
            return indexing_page(request, found)
        story, proof = found
        return render(request, "call.html", story=story, proof=proof, proved=isinstance(proof, Proved))

    async def proof_file(request: Request) -> Response:
        seq = _entry(request.path_params["seq"])
        data = await work(_proof, desk, seq)
        headers = {"content-disposition": f'attachment; filename="proof-{seq}.json"', "cache-control": "no-store"}
        return Response(data, media_type="application/json", headers=headers)

    async def signed(request: Request) -> Response:
        call = judged_beginning(request.path_params["id"])
        await work(_sign, desk)
        return redirect(request, f"/calls/{call}#proof", said="A checkpoint was signed over all entries of the record.")

    return [
        Route("/calls", listed),
        Route("/calls/{id}", one),
        Route("/calls/{id}/checkpoint", signed, methods=["POST"]),
        Route("/entries/{seq}/proof.json", proof_file),
    ]


def _listed(desk: Desk, filters: Filters) -> CallList | Indexing:
    places = desk.home.log
    wanted = wanted_of(filters, desk.now(), partial(meant, places))
    found = asked(desk, lambda connection: calls(connection, wanted, PAGE_ROWS + 1, before=filters.before, after=filters.after))
    return found if isinstance(found, Indexing) else call_list(filters, found or (), PAGE_ROWS)


def _story(desk: Desk, text: str) -> tuple[Story, Proved | NotProved] | Indexing:
    places, beginning = desk.home.log, judged_beginning(text)
    call = asked(desk, lambda connection: only_call(connection, places, beginning))
    if isinstance(call, Indexing):
        return call
    if call is None:
        raise Refused("audit.unknown_call", "there is no record yet", where=places.folder, hint="it begins with the first call: mpp run FILE")
    story = story_of(lines_of_call(places, call), call)
    keys = tuple(one.key for one in WitnessList(places).load())
    return story, prove(desk.record(), story.proven, keys)


def _proof(desk: Desk, seq: int) -> bytes:
    return write_proof(desk.record().prove(seq))


def _sign(desk: Desk) -> None:
    """As `mpp audit prove` does where nothing has signed the end of the record yet."""
    with AuditLog(desk.home) as log:
        log.checkpoint()


def _entry(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > ENTRY_DIGITS_MAX:
        raise Refused("usage.option", "this is no number of an entry", where="the address", hint="follow the links of the page of a call")
    return int(text)
