"""What this registry itself says of a package to whoever looks for it: what everybody may see, and nothing else."""

from __future__ import annotations

from mpp.protocol.registry.bundle import write_bundle
from mpp.protocol.registry.state import PackageState

from mpp.protocol.registry.found import Found
from mpp_registry.federation.judging import Question
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


def local_answer(services: Services, rows: Rows, question: Question) -> Found | None:
    """None where there is no such package, and where it is private: both look the same."""
    shown = rows.one("SELECT visibility FROM packages WHERE package_id = ?", question.package_id)
    if shown is None or shown[0] != "public":
        return None
    state = services.ledger.package_state(rows, question.package_id)
    version = version_of(state, question.version) if state is not None else ""
    if not version:
        return None
    settings = services.settings
    bundle = write_bundle(services.ledger.bundle(rows, question.package_id, version))
    return Found(package_id=question.package_id, version=version, registry_id=settings.registry_id, url=settings.url, roots=settings.roots, bundle=bundle)


def version_of(state: PackageState, wanted: str) -> str:
    """The wanted version, or the one to look at: the latest, else the highest that is not withdrawn, else the highest."""
    if wanted:
        return wanted if any(one.version == wanted for one in state.versions) else ""
    if state.latest or not state.versions:
        return state.latest
    usable = [one.version for one in state.versions if one.status in {"active", "deprecated"}]
    return usable[-1] if usable else state.versions[-1].version


def is_here(rows: Rows, package_id: str) -> bool:
    """Is it this registry's own, whoever may see it? Then nobody else is asked about it, also not for a version that it has not."""
    return rows.one("SELECT 1 FROM packages WHERE package_id = ?", package_id) is not None
