"""Rows for tests of the catalog."""

from __future__ import annotations

from dataclasses import replace

from mpp_registry.catalog.types import PackageRow, PublisherRow, VersionRow
from mpp_registry.catalog.writing import put_package, set_owners
from mpp_registry.store.ports import Rows
from mpp.protocol.registry.events import Owner
from tests.registry.worlds import ALICE, NOW, digest


def a_package(package_id: str, **changes: object) -> PackageRow:
    row = PackageRow(
        package_id=package_id, publisher_id=ALICE, title="", summary="", keywords="", visibility="public", latest="1.0.0", status="active", created_at=NOW, updated_at=NOW
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type] # fields of the row


def a_version(package_id: str, version: str, **changes: object) -> VersionRow:
    name = f"{package_id}@{version}"
    row = VersionRow(
        package_id=package_id, version=version, publisher_id=ALICE, content_hash=digest(name), file_hash=digest(name + " file"), size=5, status="active", reason="",
        published_at=NOW, log_index=3,
    )  # fmt: skip
    return replace(row, **changes)  # type: ignore[arg-type] # as above


def a_publisher(publisher_id: str, name: str) -> PublisherRow:
    return PublisherRow(publisher_id=publisher_id, name=name, roots=b"{}", root_version=1, status="active", registered_at=NOW)


def put(rows: Rows, package_id: str, *owners: str, more: str = "", **changes: object) -> None:
    put_package(rows, a_package(package_id, **changes), more)
    set_owners(rows, package_id, [Owner(publisher_id=one, role="owner") for one in owners or (ALICE,)], NOW)
