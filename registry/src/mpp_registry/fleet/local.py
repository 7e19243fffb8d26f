"""The endpoints of fleets without a network: the command line of whoever runs the registry uses them in its own process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from mpp.errors import Refused

from mpp_registry.api.answering import Answer
from mpp_registry.api.asking import Ask, read_path, read_query
from mpp_registry.api.endpoint import Endpoint
from mpp_registry.fleet.endpoints import fleet_endpoints
from mpp_registry.services import Services


def call(services: Services, method: str, target: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, is_admin: bool = False) -> Answer:
    """The answer to one request, as the server would give it. ``is_admin``: the caller has the registry's own folder, and so every right."""
    path, _, query = target.partition("?")
    for row in fleet_endpoints():
        places = _places(row, path) if row.method == method else None
        if places is not None:
            ask = Ask(
                services=services, path=read_path(places, row.places), query=read_query(query, row.query), headers=headers or {}, target=target,
                address="", body=body, is_admin=is_admin, counted=_uncounted,
            )  # fmt: skip
            return row.handle(ask)
    raise Refused("registry.absent", "there is no such address", where=path, hint="see /v1/openapi.json")


def _places(row: Endpoint, path: str) -> dict[str, str] | None:
    found = re.fullmatch(re.sub(r"\\\{([a-z_]+)\\\}", r"(?P<\1>[^/]+)", re.escape(row.path)), path)
    return None if found is None else {name: unquote(text) for name, text in found.groupdict().items()}


def _uncounted(_package_id: str) -> None:
    """No endpoint of a fleet gives a package."""
