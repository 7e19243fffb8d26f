"""What an administrator looks at and decides, beside the decisions that have a module of their own."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.model.names import PACKAGE_ID
from mpp.model.value import value
from mpp_registry.advisories.reporting import Report, reports
from mpp_registry.catalog.types import NamespaceRow
from mpp_registry.publishers.recovering import Recovery, recoveries
from mpp_registry.publishing.limits import LISTED_MAX, PREFIX_CHARS_MIN
from mpp_registry.publishing.words import judged_reason
from mpp_registry.services import Services
from mpp_registry.staging.approving import Staged, staged_list
from mpp_registry.store.ports import Rows

_DIGITS = re.compile("[0-9a-f]{1,64}")


@value
class Queues:
    """What waits for somebody, the oldest first."""

    staged: tuple[Staged, ...]
    reports: tuple[Report, ...]
    recoveries: tuple[Recovery, ...]
    lapsed: tuple[NamespaceRow, ...]
    quarantined: tuple[tuple[str, str, str], ...]
    """Package, version and reason."""


@value
class Named:
    publisher_id: str
    name: str
    status: str
    root_version: int
    registered_at: int


@value
class LiveTokens:
    """Tokens of builds that count now."""

    publisher_id: str
    rule_id: str
    count: int
    until: int


def queues(rows: Rows) -> Queues:
    lapsed = rows.all(
        "SELECT namespace, publisher_id, method, state, proven_at, checked_at, failures FROM namespaces WHERE state = 'lapsed' OR failures > 0"
        " ORDER BY checked_at, namespace LIMIT ?",
        LISTED_MAX,
    )
    stopped = rows.all("SELECT package_id, version, reason FROM versions WHERE status = 'quarantined' ORDER BY package_id, version LIMIT ?", LISTED_MAX)
    return Queues(
        staged=staged_list(rows),
        reports=reports(rows),
        recoveries=recoveries(rows),
        lapsed=tuple(
            NamespaceRow(
                namespace=str(row[0]), publisher_id=str(row[1]), method=str(row[2]), state=str(row[3]), proven_at=int(row[4] or 0),
                checked_at=int(row[5] or 0), failures=int(row[6] or 0),
            )
            for row in lapsed
        ),
        quarantined=tuple((str(package), str(version), str(reason)) for package, version, reason in stopped),
    )  # fmt: skip


def publishers(rows: Rows, text: str = "") -> tuple[Named, ...]:
    """Those whose name or id begins like ``text``; the newest first where it is empty."""
    sql = "SELECT publisher_id, name, status, root_version, registered_at FROM publishers"
    if text:
        # Only digits are an id; a name may hold any character, also those that a pattern of the database would obey.
        begun = text if _DIGITS.fullmatch(text) else "-"
        found = rows.all(
            f"{sql} WHERE publisher_id LIKE ? OR LOWER(SUBSTR(name, 1, ?)) = ? ORDER BY name, publisher_id LIMIT ?",
            begun + "%", len(text), text.lower(), LISTED_MAX,
        )  # fmt: skip
    else:
        found = rows.all(f"{sql} ORDER BY registered_at DESC, publisher_id LIMIT ?", LISTED_MAX)
    return tuple(
        Named(publisher_id=str(row[0]), name=str(row[1]), status=str(row[2]), root_version=int(row[3] or 0), registered_at=int(row[4] or 0)) for row in found
    )


def find_publisher(services: Services, text: str) -> str:
    """The id that begins with ``text``. Spec: keys K-85. Attack: a ground fingerprint, or a chosen name, that is hit instead."""
    text = text.lower().replace(" ", "")
    if len(text) < PREFIX_CHARS_MIN or _DIGITS.fullmatch(text) is None:
        raise Refused(
            "registry.form",
            f"a publisher is named by at least {PREFIX_CHARS_MIN} digits of its id",
            where="publisher",
            hint="see `mpp registry admin publishers`",
        )
    with services.database.read() as rows:
        found = rows.all("SELECT publisher_id FROM publishers WHERE publisher_id LIKE ? LIMIT 2", text + "%")
    if len(found) != 1:
        raise Refused("registry.absent", "no publisher, or several, have an id that begins so", where=text, hint="give the whole id")
    return str(found[0][0])


def allow_id(services: Services, package_id: str, publisher_id: str, reason: str) -> None:
    """Let one publisher have an id that looks like another's. A name space of somebody else stays closed all the same."""
    judged_reason(reason, required=True)
    if PACKAGE_ID.fullmatch(package_id) is None:
        raise Refused("registry.form", "this is no package id", where="package_id", hint="write it as it stands in the manifest")
    with services.database.write() as rows:
        rows.run(
            "INSERT INTO allowed_ids (package_id, publisher_id, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT (package_id) DO UPDATE"
            " SET publisher_id = excluded.publisher_id, reason = excluded.reason, at = excluded.at",
            package_id, publisher_id, reason, services.clock.now(),
        )  # fmt: skip


def live_tokens(services: Services) -> tuple[LiveTokens, ...]:
    with services.database.read() as rows:
        found = rows.all(
            "SELECT publisher_id, rule_id, COUNT(*), MAX(until) FROM tokens WHERE until > ? GROUP BY publisher_id, rule_id ORDER BY publisher_id, rule_id LIMIT ?",
            services.clock.now(), LISTED_MAX,
        )  # fmt: skip
    return tuple(LiveTokens(publisher_id=str(row[0]), rule_id=str(row[1]), count=int(row[2] or 0), until=int(row[3] or 0)) for row in found)


def end_tokens(services: Services, publisher_id: str) -> int:
    """All of one publisher; its rules stay, so that its next build gets a new one."""
    with services.database.write() as rows:
        return rows.run("DELETE FROM tokens WHERE publisher_id = ?", publisher_id)
