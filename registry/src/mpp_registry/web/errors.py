"""Pages for what went wrong. They say what to do next, and nothing of how the registry works inside."""

from __future__ import annotations

from starlette.requests import Request

from mpp.errors import HostFailed, MppError, Refused
from mpp_registry.web.answers import NEVER_KEEP, Answer
from mpp_registry.web.site import Site

OF_CODES = {"absent": 404, "not_found": 404, "forbidden": 403, "exists": 409, "state": 409, "changed": 409, "rate": 429, "quota": 429}
"""The status of a refusal, by the name of its code."""

WORDS: dict[int, tuple[str, str]] = {
    400: ("That request makes no sense", "A part of the address or of the form is not what this page takes."),
    403: ("Not allowed", "This page is for others, or the form is too old. Go back, load the page again, and try once more."),
    404: ("Nothing here", "There is no such page, or it is not for everybody to see. Look for the package by its name."),
    405: ("Not this way", "This address does not take that kind of request."),
    409: ("Not as things stand", "What was asked does not fit what is there. Look again, then decide anew."),
    413: ("Too large", "What was sent is larger than this form takes."),
    429: ("Too often", "Somebody at your address did this too often. Wait a few minutes, then try again."),
    500: ("Something broke here", "The registry could not make this page. The operator can see why in its log. Packages and proofs are not touched by it."),
    503: ("Not at the moment", "A part that the registry needs does not answer. Try again in a minute."),
}


def status_answer(site: Site, status: int, detail: str = "") -> Answer:
    title, words = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    return site.page("error.html", http=status, keep=NEVER_KEEP, code=status, title=title, words=words, detail=detail)


def fault_answer(site: Site, fault: MppError) -> Answer:
    """A refusal is about what was asked, so its words are for whoever asked; of our own failures a stranger learns nothing."""
    if isinstance(fault, Refused):
        name = fault.code.partition(".")[2]
        status = OF_CODES.get(name, 400)
        return status_answer(site, status, f"{fault.message}. {fault.hint}" if fault.hint else fault.message)
    return status_answer(site, 503 if isinstance(fault, HostFailed) else 500)


def not_found(site: Site, what: str = "") -> Answer:
    return status_answer(site, 404, what)


def wants_html(request: Request) -> bool:
    """Is it a browser that asks? A program that takes anything gets problem+json."""
    accepts = request.headers.get("accept", "")
    return request.method in {"GET", "HEAD", "POST"} and "text/html" in accepts
