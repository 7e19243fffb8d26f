"""The agents that this home knows."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import render
from mpp.host.agent_store import AgentStore


def routes(desk: Desk) -> list[BaseRoute]:
    async def agents(request: Request) -> Response:
        known = await work(AgentStore(desk.home.agents).load)
        return render(request, "agents.html", agents=[known.agents[name] for name in sorted(known.agents)])

    return [Route("/agents", agents)]
