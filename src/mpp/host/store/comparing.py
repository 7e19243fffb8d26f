"""What a version asks for, is or says beyond another one, in the lines that an update shows before a person agrees. Spec: store D-40 to D-42."""

from __future__ import annotations

from mpp.host.static import changed_prompts
from mpp.stages.approval import consent_of, keeps
from mpp.stages.archive import MANIFEST_NAME
from mpp.stages.gatekeeper import VerifiedPackage


def differences(old: VerifiedPackage, new: VerifiedPackage) -> list[str]:
    """Publisher, rights, tools, descriptions and prompts. Empty: nothing that a person would have to agree to."""
    data = old.read(MANIFEST_NAME) or b""
    # The publisher is said above, so that the words are compared whoever signed them.
    agreed = consent_of(old.manifest, data, tenant="", publisher_id=new.publisher_id, by="", amr="", now=0)
    kept = keeps(agreed, new.manifest, tenant="", publisher_id=new.publisher_id)
    return [*of_publisher(old.publisher_id, new), *(() if kept.kept else kept.lines), *changed_prompts(old, new)]


def of_publisher(before: str, new: VerifiedPackage) -> list[str]:
    return [] if before == new.publisher_id else [f"Comes from publisher {new.publisher_id[:16]} instead of {before[:16]}."]
