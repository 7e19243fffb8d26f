"""Who may put a version under a package id. Read within the transaction that writes the version, so no answer is older than what it allows."""

from __future__ import annotations

from typing import cast

from mpp.errors import Refused
from mpp.protocol.registry.events import Owner, Role
from mpp_registry.namespaces.rules import judge_known, judge_new
from mpp_registry.publishing.actor import Actor
from mpp_registry.publishing.lookalikes import like_namespace, like_package
from mpp_registry.namespaces.names import above
from mpp_registry.publishing.limits import PUBLISHER_BYTES_MAX, PUBLISHER_PACKAGES_MAX, PUBLISHER_VERSIONS_MAX
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def owners_of(rows: Rows, package_id: str) -> tuple[Owner, ...]:
    """In the order of the log; none: there is no such package."""
    found = rows.all("SELECT publisher_id, role FROM package_owners WHERE package_id = ? ORDER BY publisher_id", package_id)
    return tuple(Owner(publisher_id=str(one), role=cast("Role", str(role))) for one, role in found)


def judge_owner(services: Services, rows: Rows, package_id: str, actor: Actor) -> tuple[tuple[Owner, ...], tuple[str, ...]]:
    """The owners (none: the package is new), and what a person should know. Raises Refused where the actor may not publish here."""
    # Attack: a token of one build used for the package of another.
    if actor.how == "token" and package_id not in actor.packages:
        raise Refused("registry.forbidden", "the token is not for this package", where=package_id, hint="add it to the rule, or exchange a token for it")
    owners, demanded = owners_of(rows, package_id), services.settings.require_namespace
    if owners:
        if all(one.publisher_id != actor.publisher_id for one in owners):
            raise Refused("registry.owned", "the package belongs to other publishers", where=package_id, hint="take another id, or ask an owner to add you")
        judge_known(rows, package_id, frozenset(one.publisher_id for one in owners), demanded=demanded)
        return owners, ()
    held = judge_new(rows, package_id, actor.publisher_id, demanded=demanded)
    return (), _judge_alike(rows, package_id, actor.publisher_id, held)


def _judge_alike(rows: Rows, package_id: str, publisher_id: str, held: str) -> tuple[str, ...]:
    """Attack: com.examp1e.hello beside com.example.hello, for whoever types or reads in haste."""
    found = like_package(rows, package_id)
    others = [one for one in found.refused if not _is_own(rows, one, publisher_id)]
    spaces = [] if held else [other for name in above(package_id) for other in like_namespace(rows, name) if not _holds(rows, other, publisher_id)]
    if (others or spaces) and rows.one("SELECT 1 FROM allowed_ids WHERE package_id = ? AND publisher_id = ?", package_id, publisher_id) is None:
        what = others[0] if others else f"the name space {spaces[0]}"
        raise Refused(
            "registry.lookalike", f"people would take it for {what} of another publisher", where=package_id,
            hint="take another name; an administrator can allow it after a look",
        )  # fmt: skip
    return tuple(f"There is also {one}, of another publisher." for one in found.noted if not _is_own(rows, one, publisher_id))


def _is_own(rows: Rows, package_id: str, publisher_id: str) -> bool:
    return rows.one("SELECT 1 FROM package_owners WHERE package_id = ? AND publisher_id = ?", package_id, publisher_id) is not None


def _holds(rows: Rows, namespace: str, publisher_id: str) -> bool:
    return rows.one("SELECT 1 FROM namespaces WHERE namespace = ? AND publisher_id = ?", namespace, publisher_id) is not None


def judge_quota(rows: Rows, publisher_id: str, size: int, *, is_new: bool) -> None:
    """Attack: a publisher that fills the disk, or hoards ids."""
    row = rows.one("SELECT bytes, versions, packages, bytes_most, versions_most, packages_most FROM usage WHERE publisher_id = ?", publisher_id)
    used = [int(cell or 0) for cell in row] if row is not None else [0] * 6
    rules = (
        ("bytes", used[0] + size, used[3] or PUBLISHER_BYTES_MAX),
        ("versions", used[1] + 1, used[4] or PUBLISHER_VERSIONS_MAX),
        ("packages", used[2] + is_new, used[5] or PUBLISHER_PACKAGES_MAX),
    )
    for name, wanted, most in rules:
        if wanted > most:
            raise Refused(
                "registry.quota", f"the publisher would have {wanted} {name}, and may have {most}", where=publisher_id[:16], hint="ask the operator for more"
            )


def count_package(rows: Rows, publisher_id: str) -> None:
    _count(rows, publisher_id, 0, 0, 1)


def count_version(rows: Rows, publisher_id: str, size: int) -> None:
    _count(rows, publisher_id, size, 1, 0)


def _count(rows: Rows, publisher_id: str, size: int, versions: int, packages: int) -> None:
    rows.run(
        "INSERT INTO usage (publisher_id, bytes, versions, packages, bytes_most, versions_most, packages_most) VALUES (?, ?, ?, ?, 0, 0, 0)"
        " ON CONFLICT (publisher_id) DO UPDATE SET bytes = usage.bytes + excluded.bytes, versions = usage.versions + excluded.versions,"
        " packages = usage.packages + excluded.packages",
        publisher_id, size, versions, packages,
    )  # fmt: skip


def set_quota(rows: Rows, publisher_id: str, *, most_bytes: int, most_versions: int, most_packages: int) -> None:
    """What an administrator lets one publisher have; 0: as everybody."""
    _count(rows, publisher_id, 0, 0, 0)
    rows.run(
        "UPDATE usage SET bytes_most = ?, versions_most = ?, packages_most = ? WHERE publisher_id = ?", most_bytes, most_versions, most_packages, publisher_id
    )
