"""What every part of a registry stands on: made once by ``opening.open_services``, and handed on."""

from __future__ import annotations

from dataclasses import field

from mpp.ledger.notes import NoteKey
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp_registry.catalog.remembered import Remembered
from mpp_registry.log.ledger import Ledger
from mpp_registry.store.ports import Blobs, Database
from mpp_registry.store.public import PublicFiles


@value
class Settings:
    """What the operator decided."""

    name: str
    """As in the root document."""
    url: str
    """Where others reach it, without a slash at the end; empty where it was not said."""
    registry_id: str
    roots: bytes
    """The root document with all its versions, as bytes of ``root.json`` without the last line feed."""
    is_public: bool = True
    """May everybody read? Else only publishers that are registered here, by signed requests."""
    require_namespace: bool = True
    """Must a publisher have proven the namespace of a new package?"""
    staging: bool = False
    """Does a second person approve each version before it is published?"""
    admin_token_sha256: str = ""
    """SHA-256 in hex of the administrator's token; empty: there is no administrator over the network."""
    witnesses: tuple[NoteKey, ...] = ()
    """Whose cosignatures are taken."""


@value
class Services:
    database: Database
    blobs: Blobs
    ledger: Ledger
    clock: Clock
    random: Random
    settings: Settings
    public_files: PublicFiles | None = None
    """None: the files are not in a folder of this machine."""
    searches: Remembered = field(default_factory=Remembered, compare=False)
    """Of this process alone."""

    def close(self) -> None:
        self.database.close()
        self.blobs.close()
