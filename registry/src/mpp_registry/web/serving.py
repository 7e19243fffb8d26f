"""From a request of Starlette to what a page takes, and from its answer back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from mpp.errors import MppError
from mpp_registry.api.guard import ADDRESS
from mpp_registry.web.admin.sessions import COOKIE, SECURE_COOKIE, session_of
from mpp_registry.web.answers import ALWAYS_ASK, Answer, Asked, redirect
from mpp_registry.web.errors import fault_answer, status_answer
from mpp_registry.web.headers import SECURITY
from mpp_registry.web.me.cookies import COOKIE as OWN_COOKIE, SECURE_COOKIE as OWN_SECURE_COOKIE
from mpp_registry.web.limits import FORM_BYTES_MAX, FORM_FIELDS_MAX, QUERY_CHARS_MAX
from mpp_registry.web.site import Page, Site

OPEN = ("/admin/", "/static/", "/me/")
"""Pages that judge for themselves who may see them."""

FORM = "application/x-www-form-urlencoded"


def endpoint(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """The page as a route. It runs in a thread, because it waits for the database."""

    async def run(request: Request) -> Response:
        if request.method != "POST":
            return await run_in_threadpool(_answered, site, page, asked_of(request, {}))
        if not _is_from_here(request, site):
            return refused(request, 403)
        form = await _form(request)
        if form is None:
            return refused(request, 413)
        return await run_in_threadpool(_answered, site, page, asked_of(request, form))

    def refused(request: Request, status: int) -> Response:
        asked = asked_of(request, {})
        return response_of(status_answer(site, status), asked)

    return run


def _answered(site: Site, page: Page, asked: Asked) -> Response:
    try:
        answer = page(site, asked) if _may_see(site, asked) else redirect("/admin/login")
    except MppError as fault:
        answer = fault_answer(site, fault)
    return response_of(answer, asked)


def _may_see(site: Site, asked: Asked) -> bool:
    """A registry that is not for everybody shows its pages to administrators; publishers use the command line, whose requests are signed."""
    if site.services.settings.is_public or f"{asked.path}/".startswith(OPEN):
        return True
    with site.services.database.read() as rows:
        return session_of(site.services, rows, asked) is not None


def asked_of(request: Request, form: dict[str, str]) -> Asked:
    headers = request.headers
    return Asked(
        method=request.method,
        path=request.url.path,
        places={name: str(item) for name, item in request.path_params.items()},
        query={name: item[:QUERY_CHARS_MAX] for name, item in request.query_params.items()},
        form=form,
        cookie=request.cookies.get(SECURE_COOKIE, request.cookies.get(COOKIE, "")),
        etag=headers.get("if-none-match", ""),
        address=request.scope.get(ADDRESS) or (request.client.host if request.client else ""),
        is_secure=request.url.scheme == "https",
        own_cookie=request.cookies.get(OWN_SECURE_COOKIE, request.cookies.get(OWN_COOKIE, "")),
    )


def _is_from_here(request: Request, site: Site) -> bool:
    """Attack: a form on a page elsewhere. Browsers say where a form comes from; what says nothing is no browser and has no cookie that it does not know."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    own = {request.headers.get("host", ""), urlsplit(site.services.settings.url).netloc}
    return origin is None or (urlsplit(origin).netloc or "-") in own


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of a form; None where the body is too large or no form.

    Attack: a body without end, or one with a million fields.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return None
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > FORM_BYTES_MAX:
                return None
        return dict(parse_qsl(data.decode("utf-8"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX, errors="replace"))
    except (ValueError, ClientDisconnect):
        return None


def response_of(answer: Answer, asked: Asked) -> Response:
    etag = answer.etag or f'"{sha256(answer.body).hexdigest()[:32]}"'
    headers = {**dict(SECURITY), "cache-control": answer.cache, "content-type": answer.kind}
    status, body = answer.status, answer.body
    if status == 200 and answer.cache != "no-store":
        headers["etag"] = etag
        if _holds(asked.etag, etag):
            status, body = 304, b""
    if answer.cache == ALWAYS_ASK:
        headers["vary"] = "cookie"
    made = Response(content=body, status_code=status, headers=headers)
    for name, item in answer.more:
        made.headers.append(name, item)
    return made


def _holds(asked: str, etag: str) -> bool:
    return asked.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in asked.split(",")}
