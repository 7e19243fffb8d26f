"""Coming in with the token that the terminal shows, and leaving."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.headers import cookie_name
from mpp.console.limits import ENTRIES_WRONG_PER_MINUTE, SESSION_SECONDS
from mpp.console.rates import Rate
from mpp.console.render import form_of, redirect, render
from mpp.console.sessions import Sessions


def routes(sessions: Sessions, port: int) -> list[BaseRoute]:
    wrong = Rate(ENTRIES_WRONG_PER_MINUTE)

    async def enter(request: Request) -> Response:
        if request.method != "POST":
            return render(request, "enter.html", is_wrong=False)
        # The right token is always taken: whoever tries wrong ones all day locks nobody out.
        cookie = sessions.enter(form_of(request).get("token", "").strip())
        if not cookie:
            return render(request, "enter.html", http=403 if wrong.take() else 429, is_wrong=True)
        answer = redirect(request, "/")
        answer.headers.append("set-cookie", _cookie(port, cookie, SESSION_SECONDS))
        return answer

    async def leave(request: Request) -> Response:
        sessions.leave(request.cookies.get(cookie_name(port), ""))
        answer = redirect(request, "/enter")
        answer.headers.append("set-cookie", _cookie(port, "", 0))
        return answer

    return [Route("/enter", enter, methods=["GET", "POST"]), Route("/leave", leave, methods=["POST"])]


def _cookie(port: int, item: str, seconds: int) -> str:
    # No "Secure": browsers keep such a cookie on http only for some of the names of this machine.
    return f"{cookie_name(port)}={item}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
