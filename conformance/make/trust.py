"""Trust documents: whom a host believes while it judges a vector. Their format: spec/keys.md section 5."""

from __future__ import annotations

import json
from collections.abc import Mapping

from conformance.make.build import EXAMPLE
from mpp.model.jsontext import Json
from mpp.testing.keys import TestPublisher, publisher

HELLO = "com.example.hello"
TEAM = publisher("Example Team", roots=3, releases=3, root_threshold=2, release_threshold=2)
"""Three root keys and three release keys, two of each needed."""

OTHER = publisher("Other Publisher")


def known(who: TestPublisher, *, any_package: bool = False, until: int | None = None) -> dict[str, Json]:
    """The entry of a believed publisher."""
    row: dict[str, Json] = {"roots": json.loads(who.chain.data)["roots"], "any_package": any_package}
    return row if until is None else {**row, "until": until}


def trust(*publishers: dict[str, Json], **rest: Json) -> dict[str, Json]:
    """A whole document; ``rest`` sets pins, prefixes, revoked_publishers, revoked_content, installed and first_use."""
    every: dict[str, Json] = {
        "mpp_trust": 1,
        "publishers": [*publishers],
        "pins": {},
        "prefixes": {},
        "revoked_publishers": [],
        "revoked_content": [],
        "installed": [],
        "first_use": True,
    }
    return every | rest


def pinned(who: TestPublisher, **rest: Json) -> dict[str, Json]:
    """A document that believes ``who`` for com.example.hello alone."""
    return trust(known(who), pins={HELLO: who.id}) | rest


SHARED: Mapping[str, Mapping[str, Json]] = {
    "standard": pinned(EXAMPLE),
    "own": trust(known(EXAMPLE, any_package=True)),
    "nobody": trust(),
    "fleet": trust(first_use=False),
    "team": pinned(TEAM),
}
"""The documents in conformance/vectors/trust."""
