"""Where the commands of a fleet's administrator are answered: by the registry's own folder, or over the network with the administrator's token."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, urlencode

import click

from mpp.cli.registry.opening import opened_here, registry_options
from mpp.errors import HostFailed, Refused
from mpp.files import is_private, read_bounded
from mpp.model.jsontext import canonical, Json
from mpp.model.value import value

F = TypeVar("F", bound=Callable[..., object])

TOKEN_BYTES_MAX = 4096
"""Bytes of the file with the administrator's token. Reason: as where the registry reads it."""

_OPTIONS = (
    click.option("--url", default="", metavar="URL", help="Ask the registry at this address, in place of its folder."),
    click.option("--admin-token-file", default="", metavar="FILE", help="With --url: the file with the administrator's token."),
)


def admin_options(command: F) -> F:
    """Which registry, and how it is reached."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return registry_options(command)


@value
class Where:
    data: str
    database_url: str
    blobs: str
    url: str
    admin_token_file: str


def where(**given: str) -> Where:
    if bool(given["url"]) != bool(given["admin_token_file"]):
        raise Refused("usage.option", "--url and --admin-token-file go together", hint="give both, or neither on the registry's own machine")
    if given["url"] and (given["data"] or given["database_url"]):
        raise Refused("usage.option", "--url and --data exclude each other", hint="give one of them")
    return Where(**given)


def call(at: Where, method: str, target: str, body: bytes = b"") -> dict[str, Json]:
    """One request of the administrator, and the document that answers it."""
    data = _over_network(at, method, target, body) if at.url else _here(at, method, target, body)
    found = json.loads(data)
    if not isinstance(found, dict):
        raise HostFailed("host.answer", "the registry answers with something else", where=target, hint="ask who runs it")
    return found


def _here(at: Where, method: str, target: str, body: bytes) -> bytes:
    with opened_here(at.data, at.database_url, at.blobs) as services:
        from mpp_registry.fleet.local import call as call_here  # noqa: PLC0415 - the registry is not everywhere

        return call_here(services, method, target, body, is_admin=True).data


def _over_network(at: Where, method: str, target: str, body: bytes) -> bytes:
    from mpp.host.enrolment.asking import check_address, refusal  # noqa: PLC0415 - only here
    from mpp.host.enrolment.limits import ASK_SECONDS_MAX  # noqa: PLC0415
    from mpp.host.enrolment.wire import Patience, Sent, Web  # noqa: PLC0415

    url = check_address(at.url)
    headers = {"Authorization": f"Bearer {_token(at.admin_token_file)}", "Accept": "application/json", **({"Content-Type": "application/json"} if body else {})}
    answer = Web().send(Sent(url=url + target, headers=headers, method=method, body=body), 64 * 1024 * 1024, Patience(seconds=ASK_SECONDS_MAX))
    if answer.status not in {200, 201}:
        raise refusal(answer, url)
    return answer.body


def _token(path: str) -> str:
    if not is_private(path):
        raise Refused("usage.option", "others can read the file with the administrator's token", where=path, hint="run chmod 600 on it")
    token = read_bounded(path, TOKEN_BYTES_MAX).decode("ascii", "replace").strip()
    if not token or not token.isprintable():
        raise Refused("usage.option", "there is no token in the file", where=path, hint="write it on one line")
    return token


def target(path: str, **query: str | int) -> str:
    asked = {key: text for key, text in query.items() if text not in {"", 0}}
    return f"/v1/fleet/{path}" + (f"?{urlencode(asked)}" if asked else "")


def part(text: str) -> str:
    return quote(text, safe="")


def body_of(**rows: Json) -> bytes:
    return canonical(dict(rows))


def rows_of(found: dict[str, Json], key: str) -> list[dict[str, Json]]:
    listed = found.get(key)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def all_pages(at: Where, path: str, key: str, **query: str | int) -> list[dict[str, Json]]:
    """Every row, page by page."""
    out: list[dict[str, Json]] = []
    after = ""
    while True:
        found = call(at, "GET", target(path, after=after, **query))
        out += rows_of(found, key)
        before, after = after, str(found.get("next") or "")
        # Attack: a registry whose pages never end, or go round.
        if not after or after <= before:
            return out
