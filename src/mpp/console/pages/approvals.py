"""The inbox: calls that wait for a person."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import render
from mpp.stages.approval import Question

TENANTS = ("local", "development")


def routes(desk: Desk) -> list[BaseRoute]:
    async def inbox(request: Request) -> Response:
        return render(request, "approvals.html", waiting=await work(_waiting, desk), now=desk.now())

    return [Route("/approvals", inbox)]


def _waiting(desk: Desk) -> list[Question]:
    with desk.services() as on:
        return [one for tenant in TENANTS for one in on.approvals.pending(tenant, desk.now())]
