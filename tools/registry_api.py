"""Make the reference of the registry's HTTP interface from its table of endpoints.

``python -m tools.registry_api`` writes docs/reference/registry-api.json (OpenAPI) and registry-api.md; with ``--check`` it only tells what is out of date.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator

from mpp.host.system import SystemClock, SystemRandom
from mpp_registry.api.app import full_table
from mpp_registry.api.endpoint import Endpoint
from mpp_registry.api.metrics import Metrics
from mpp_registry.api.openapi import openapi, TAGS
from mpp_registry.opening import opened, Options
from mpp_registry.wiring import more_endpoints
from tools.tidy import ROOT

PAGES = ROOT / "docs" / "reference"
WHO = {
    "open": "anybody", "reader": "anybody (in a private registry: its publishers)", "signed": "a publisher, by a signed request or a token",
    "new": "a key of the document that is sent", "admin": "a publisher, or the administrator",
}  # fmt: skip


def table() -> tuple[Endpoint, ...]:
    """All endpoints of a registry."""
    with tempfile.TemporaryDirectory() as folder, opened(Options(data=folder), clock=SystemClock(), random=SystemRandom(), environment={}) as services:
        return full_table(Metrics(), more_endpoints(services))


def pages() -> dict[str, str]:
    rows = table()
    return {"registry-api.json": json.dumps(openapi(rows), indent=1, ensure_ascii=False) + "\n", "registry-api.md": "\n".join(_page(rows)) + "\n"}


def _page(rows: tuple[Endpoint, ...]) -> Iterator[str]:
    yield "# The HTTP interface of a registry\n"
    yield "<!-- Made by tools/registry_api.py; do not edit. -->\n"
    yield "A registry serves its OpenAPI document at `/v1/openapi.json`; [registry-api.json](registry-api.json) is the same one. What the documents mean is in"
    yield "[the specification](../../spec/registry.md). Every refusal is `application/problem+json` with one of our [codes](codes.md); under `/v2/` it has the form of"
    yield "the OCI distribution protocol. Answers carry an `ETag`; send it as `If-None-Match`. Downloads take one `Range`. A page gives the `cursor` of the next one."
    yield "\nEach endpoint may also refuse: 400 the request cannot be read, 401 who asks is not known, 403 it is not allowed, 404 it is not here, 408, 413 and 415 the body"
    yield "is too slow, too large or of another kind, 409 it stands against what is there, 422 it was judged and refused, 429 too many requests, 500, 502 and 503 the"
    yield "registry, or a server that it asks, cannot do its part."
    for tag, words in TAGS.items():
        yield f"\n## {tag}\n\n{words}"
        for row in (one for one in rows if one.tag == tag):
            yield from _endpoint(row)


def _endpoint(row: Endpoint) -> Iterator[str]:
    yield f"\n### {row.method} {row.path.replace(':path}', '}')}\n\n{row.words} For {WHO[row.auth]}.\n"
    for one in (*row.places, *row.query):
        extra = f" Default {one.default}." if one.default else ""
        yield f"- `{one.name}`: {one.words}{extra}"
    if row.body_media:
        yield f"- body: `{row.body_media}`" + (f", `{row.body}`" if row.body else "") + f", at most {row.body_max} bytes"
    for reply in row.replies:
        yield f"- {reply.status}: {reply.words}" + (f" `{reply.schema}`" if reply.schema else "")


def stale() -> list[str]:
    """The pages that are not what they should be."""
    found = pages()
    return [name for name, text in found.items() if not (PAGES / name).is_file() or (PAGES / name).read_text(encoding="utf-8") != text]


def main() -> int:
    if "--check" in sys.argv[1:]:
        for name in stale():
            print(f"docs/reference/{name} is out of date: run python -m tools.registry_api")
        return bool(stale())
    for name, text in pages().items():
        (PAGES / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
