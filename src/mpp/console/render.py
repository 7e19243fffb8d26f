"""From the words of a page to the answer: templates, compiled once, that escape everything and show what is hidden."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mpp.pages import texts
from mpp.pages.assets import Asset, read_assets
from mpp.console.sessions import Session
from mpp.crypto.ed25519 import fingerprint, short_id
from mpp.errors import HostFailed, MppError, Refused
from mpp.model.value import value

PLACE = os.path.join(os.path.dirname(__file__), "templates")
STATIC = os.path.join(os.path.dirname(__file__), "static")

NAVIGATION: tuple[tuple[str, str], ...] = (
    ("/", "Overview"),
    ("/approvals", "Approvals"),
    ("/calls", "Calls"),
    ("/packages", "Packages"),
    ("/agents", "Agents"),
    ("/policy", "Policy"),
    ("/privacy", "Privacy"),
    ("/legacy", "Older servers"),
    ("/health", "Health"),
    ("/compliance", "Compliance"),
)

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("That request makes no sense", "A part of the address or of the form is not what this page takes."),
    401: ("You are not in any more", "Open the address that the terminal shows, where `mpp console` runs."),
    403: ("Not taken", "The form is too old, comes from elsewhere, or this console only shows. Load the page again, and try once more."),
    404: ("Nothing here", "There is no such page, or what it showed is gone."),
    405: ("Not this way", "This address does not take that kind of request."),
    408: ("Too slow", "The form did not come whole in time."),
    409: ("Not as things stand", "What was asked does not fit what is there. Look again, then decide anew."),
    413: ("Too large", "What was sent is larger than this form takes."),
    414: ("Too long", "The address is longer than any of ours."),
    415: ("Not a form", "This page takes what its form sends."),
    429: ("Too often", "There were too many requests in the last minute. Wait a little, then try again."),
    500: ("Something broke here", "The page could not be made."),
    503: ("Not at the moment", "A part that this page needs does not answer."),
}

OF_NAMES: Mapping[str, int] = {
    "absent": 404,
    "unknown_call": 404,
    "no_entry": 404,
    "unknown": 404,
    "not_found": 404,
    "answered": 409,
    "exists": 409,
    "changed": 409,
    "state": 409,
    "rate": 429,
}
"""The status of a refusal, by the name in its code."""


@value
class Shown:
    """What the frame around each page needs of the request."""

    session: Session | None
    read_only: bool
    path: str


def render(request: Request, name: str, *, http: int = 200, **data: object) -> Response:
    """The page that the template ``name`` makes of ``data``. Escaped, with what is hidden written out; a name that is missing is a fault."""
    shown: Shown = request.scope["mpp.shown"]
    session = shown.session
    words: dict[str, object] = {
        **data,
        "form_token": session.form_token if session is not None else "",
        "notes": session.notes() if session is not None else [],
        "is_in": session is not None,
        "read_only": shown.read_only,
        "here": shown.path,
    }
    text = _templates().get_template(name).render(words)
    return HTMLResponse(text.encode("utf-8", "replace"), status_code=http)


def redirect(request: Request, path: str, *, said: str = "", tone: str = "good") -> Response:
    """To another page of ours after a form was taken; ``said`` stands at its top, once."""
    session: Session | None = request.scope["mpp.shown"].session
    if said and session is not None:
        session.tell(said, tone)
    return RedirectResponse(path, status_code=303)


def error_page(request: Request, status: int, detail: str = "", hint: str = "", code: str = "") -> Response:
    title, words = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    return render(request, "error.html", http=status, status=status, title=title, words=words, detail=detail, hint=hint, code=code)


def fault_page(request: Request, fault: MppError) -> Response:
    """What a host function refused, with its own words: whoever sits here owns the home."""
    name = fault.code.partition(".")[2]
    status = OF_NAMES.get(name, 400) if isinstance(fault, Refused) else 503 if isinstance(fault, HostFailed) else 500
    return error_page(request, status, fault.message, fault.hint, fault.code)


def form_of(request: Request) -> Mapping[str, str]:
    """The fields of the form that was sent; of a field that came more than once, the last."""
    fields: Mapping[str, tuple[str, ...]] = request.scope.get("mpp.form", {})
    return {name: items[-1] for name, items in fields.items()}


def form_list(request: Request, name: str) -> tuple[str, ...]:
    """All that came under one name, as from a row of check boxes."""
    fields: Mapping[str, tuple[str, ...]] = request.scope.get("mpp.form", {})
    return fields.get(name, ())


@lru_cache(1)
def assets() -> Mapping[str, Asset]:
    """Once in a process."""
    return read_assets(STATIC, "console.css")


@lru_cache(1)
def _templates() -> Environment:
    """Attack: a template that forgets to escape, or that shows nothing where a name was mistyped. Here each escapes, and a missing name is a fault."""
    found = assets()
    made = Environment(
        loader=FileSystemLoader(PLACE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=texts.finalized,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update({
        "count": texts.count, "many": texts.many, "when": texts.when, "machine": texts.machine_time, "size": texts.size, "span": texts.span,
        "part": texts.part, "clip": texts.clip, "print": fingerprint, "short_print": texts.short_print, "key": short_id,
    })  # fmt: skip
    made.globals["navigation"] = NAVIGATION
    made.globals["asset"] = lambda name: f"/static/{name}?v={found[name].tag}"
    return made
