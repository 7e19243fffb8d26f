"""A tool's request to another host, searched before it leaves: its address, its headers and its body.

Spec: 6-privacy F-40. A tool that means to hide something can always do it; this stops the key that goes along by accident, or because a text told a model so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import NamedTuple
from urllib.parse import quote

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.arena import Arena, Spot
from mpp.stages.privacy.filter import Filter
from mpp.stages.privacy.jsonbytes import read_message, write_message
from mpp.stages.privacy.limits import RUN_BYTES_LEAST, RUNS_MAX, ROUNDS_MAX
from mpp.stages.privacy.outgoing import cleaned, Granted, kept_back, Leak, located, Look, looked, NONE, note, REDACT, replaced, spans_of
from mpp.stages.privacy.placeholders import bare
from mpp.stages.privacy.pointers import written
from mpp.stages.privacy.search import Span

_AUTHORITY = re.compile(r"[A-Za-z]+://[^/?#]*")
_RUN = re.compile(rb"[\t\n\r -~]{%d,}" % RUN_BYTES_LEAST)
_FORM = "application/x-www-form-urlencoded"
_ADDRESS = "ip_address"

URL, HEADER, BODY, FIXED = "url", "header", "body", "fixed"


@value
class Leaving:
    """A request as a tool wants to send it. The headers that the host itself fills are not in it: they are put in later, by the service that sends."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@value
class LeavingJudged:
    """The request as it may leave, or why it may not, and what was found in it."""

    request: Leaving | None
    """None where ``fault`` says why it stays here. The same object where nothing was found."""
    found: tuple[Leak, ...] = ()
    fault: Refused | None = None


class _Part(NamedTuple):
    """One text of a request that is searched."""

    where: str
    """JSON pointer; of a header without its name."""
    name: str
    """The key above it: of a header its name."""
    text: str
    kind: str
    """How something in it is replaced. ``FIXED``: not at all."""
    number: int = 0
    """Of a header."""


def outgoing_request(request: Leaving, by: Filter, granted: Granted) -> LeavingJudged:
    """The request on its way to another host. ``granted`` says of a text whether the host gave it to the package for that very place."""
    rules = by.said.rules
    if rules.outgoing == NONE:
        return LeavingJudged(request=request)
    found: dict[Leak, None] = {}
    try:
        for _ in range(ROUNDS_MAX):
            changed = _round(request, by, granted, found, is_replaced=rules.outgoing_action == REDACT)
            if changed is request:
                return LeavingJudged(request=request, found=tuple(found))
            request = changed
        raise kept_back(tuple(found))
    except Refused as fault:
        return LeavingJudged(request=None, found=tuple(found), fault=located(fault, "request"))


def _round(request: Leaving, by: Filter, granted: Granted, found: dict[Leak, None], *, is_replaced: bool) -> Leaving:
    """The same object where nothing is found in it, another one where something was replaced."""
    tree = _tree(request.body)
    parts = list(_parts(request))
    holder: list[Json] = [part.text for part in parts]
    arena = Arena([part.text for part in parts], [Spot(holder, number) for number in range(len(parts))], [part.name for part in parts])
    spans = [one for one in spans_of(arena, by, granted) if not _is_place(one, parts[one.leaf])]
    # The tree first: it says best where something stands.
    in_tree = None if tree is None else looked(tree, [{"body": tree}], by, granted)
    if in_tree is not None:
        note(in_tree, by, found)
    # Attack: a header that is named after a secret.
    hidden = {parts[one.leaf].text: bare(one.type) for one in spans if parts[one.leaf].kind == FIXED}
    note(Look(arena, spans, lambda spot: _where(parts[int(spot.step)], hidden)), by, found)
    if not spans and (in_tree is None or not in_tree.spans):
        return request
    if not is_replaced or any(parts[one.leaf].kind == FIXED for one in spans):
        raise kept_back(tuple(found))
    after = _replaced(request, parts, spans, has_tree=tree is not None)
    # What stands twice under one key is read once, and what was read is what is written.
    return after if tree is None else replace(after, body=write_message(cleaned(tree, by, granted, found)))


def _where(part: _Part, hidden: Mapping[str, str]) -> str:
    if part.where != "/headers":
        return part.where
    name = part.name if part.kind == HEADER else part.text
    return part.where + written((hidden.get(name, name),))


def _tree(body: bytes) -> Json:
    """The body as JSON; None if it is none."""
    if body.lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        return read_message(body)
    except Refused:
        return None


def _parts(request: Leaving) -> Iterator[_Part]:
    yield from _as_forms(_Part("/url", "url", request.url, URL), is_form=True)
    kinds = []
    for number, (name, text) in enumerate(request.headers):
        yield _Part("/headers", "headers", name, FIXED)
        yield _Part("/headers", name, text, HEADER, number)
        kinds += [text] if name.lower() == "content-type" else []
    yield from _body_parts(request.body, is_form=any(kind.lower().startswith(_FORM) for kind in kinds))


def _body_parts(body: bytes, *, is_form: bool) -> Iterator[_Part]:
    if not body:
        return
    try:
        yield from _as_forms(_Part("/body", "body", body.decode("utf-8"), BODY), is_form=is_form)
    except UnicodeDecodeError:
        for run in printable(body):
            yield _Part("/body", "body", run, FIXED)


def _as_forms(part: _Part, *, is_form: bool) -> Iterator[_Part]:
    """The text, and as a form reads it. Each character keeps its place."""
    yield part
    if is_form and "+" in part.text:
        yield part._replace(text=part.text.replace("+", " "))


def printable(body: bytes) -> Iterator[str]:
    """The parts of a file that a person could read. UTF-16 is among them: its zeros are left out."""
    for number, run in enumerate(_RUN.finditer(body.replace(b"\0", b""))):
        if number >= RUNS_MAX:
            raise Refused("privacy.limit", f"the body has more than {RUNS_MAX} readable parts", where="/body", hint="send less at once")
        yield run[0].decode("ascii")


def _is_place(span: Span, part: _Part) -> bool:
    """The host that a request goes to is no find: the manifest declares it and policy granted it."""
    found = _AUTHORITY.match(part.text) if part.kind == URL and span.type == _ADDRESS else None
    return found is not None and span.end <= found.end()


def _replaced(request: Leaving, parts: list[_Part], spans: list[Span], *, has_tree: bool) -> Leaving:
    """Everything but a body that is JSON, with placeholders in it."""
    by_place: dict[tuple[str, int], list[Span]] = {}
    for span in spans:
        part = parts[span.leaf]
        by_place.setdefault((part.kind, part.number), []).append(span)
    url, headers, body = request.url, list(request.headers), request.body
    for (kind, number), found in by_place.items():
        if kind == URL:
            url = replaced(url, found, _quoted)
        elif kind == HEADER:
            headers[number] = (headers[number][0], replaced(headers[number][1], found, bare))
        elif not has_tree:
            body = replaced(body.decode("utf-8"), found, _form_of(request)).encode("utf-8")
    return Leaving(url=url, headers=tuple(headers), body=body)


def _quoted(kind: str) -> str:
    """Brackets do not stand in a path."""
    return quote(bare(kind), safe="")


def _form_of(request: Leaving) -> Callable[[str], str]:
    is_form = any(name.lower() == "content-type" and text.lower().startswith(_FORM) for name, text in request.headers)
    return _quoted if is_form else bare
