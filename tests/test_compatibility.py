"""What docs/compatibility.md says, where it can be tried: documents of a newer version, new keys of the manifest, public names, what a backup holds."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import mpp
from mpp.errors import MppError, Refused
from mpp.host.agent_store import AgentStore
from mpp.host.approver_store import ApproverStore
from mpp.host.home import Home
from mpp.host.stops import StopStore
from mpp.host.store import PackageStore
from mpp.host.system import FixedClock
from mpp.host.trust_store import TrustStore
from mpp.model.manifest import parse_manifest
from mpp.stages.policy import read_policy
from mpp.testing import packages

Load = Callable[[Home], object]

DOCUMENTS: dict[str, tuple[str, Load]] = {
    "trust/trust.json": ("mpp_trust", lambda home: TrustStore(home.trust).load()),
    "trust/approvers.json": ("mpp_approvers", lambda home: ApproverStore(home.approvers).load()),
    "trust/agents.json": ("mpp_agents", lambda home: AgentStore(home.agents).load()),
    "policy/stops.json": ("mpp_stops", lambda home: StopStore(home.stops).current()),
    "mpp.lock": ("mpp_lock", lambda home: PackageStore(home, TrustStore(home.trust), FixedClock(1)).all()),
}
"""Documents of a host, the number that each begins with, and who reads it."""


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "compatibility.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(DOCUMENTS))
@pytest.mark.parametrize("number", [2, 0, "1", None])
def test_a_document_of_another_version_is_refused_and_stays(home: Path, name: str, number: object) -> None:
    """Nothing is begun anew by itself: a host that forgot its revocations would trust again."""
    key, load = DOCUMENTS[name]
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = json.dumps({key: number}) + "\n"
    path.write_text(data)
    path.chmod(0o600)
    with pytest.raises(MppError):
        load(Home(path=str(home)))
    assert path.read_text() == data


def test_a_policy_of_another_version_is_refused() -> None:
    with pytest.raises(Refused, match="mpp_policy"):
        read_policy({"mpp_policy": 2, "name": "x", "rules": []}, "user")


def manifest(version: str, **more: object) -> bytes:
    found = packages.manifest()
    return json.dumps({**found, "mpp_version": version, **more}).encode()


@pytest.mark.parametrize(("version", "more", "code"), [
    ("1.0.0", {}, ""), ("1.0.7", {}, ""), ("1.1.0", {}, ""), ("2.0.0", {}, "manifest.mpp_version"), ("1.0.0", {"novel": 1}, "manifest.unknown_key"),
    ("1.1.0", {"novel": 1}, "manifest.needs_newer_host"), ("1.1.0", {"novel": 1, "optional_keys": ["/novel"]}, ""),
    ("1.0.0", {"novel": 1, "optional_keys": ["/novel"]}, "manifest.unknown_key"),
])  # fmt: skip
def test_a_new_key_of_the_manifest(version: str, more: dict[str, object], code: str) -> None:
    if not code:
        assert parse_manifest(manifest(version, **more)).package_id
        return
    with pytest.raises(Refused) as found:
        parse_manifest(manifest(version, **more))
    assert code in {fault.code for fault in found.value.faults}


def test_the_vectors_that_are_named_are_there(root: Path, page: str) -> None:
    named = re.findall(r"`((?:manifest-newer|newer-key)[a-z-]*)`", page)
    assert len(named) == 5
    folder = root / "conformance" / "vectors"
    assert all((folder / "accept" / name).exists() or (folder / "manifest" / name).exists() for name in named)


def test_public_names_are_there() -> None:
    assert all(hasattr(mpp, name) for name in mpp.__all__)


def test_each_folder_of_a_home_is_in_the_table_of_losses(page: str) -> None:
    home = Home(path="/h")
    folders = {path.removeprefix("/h/").partition("/")[0] for path in (
        home.keys, home.trust, home.policy, home.approvals, home.packages, home.secrets, home.seal, home.log.folder,
    )}  # fmt: skip
    assert all(f"`{name}/`" in page for name in folders)


def test_the_versions_of_python_are_those_of_the_project(root: Path, page: str) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = [row.rpartition(" ")[2] for row in project["classifiers"] if re.search(r":: 3\.\d+$", row)]
    assert f"Python {known[0]} to {known[-1]}" in page
    assert project["requires-python"] == f">={known[0]}"


def test_the_page_answers_each_question(page: str) -> None:
    for heading in ("Formats", "Program interfaces", "Upgrading", "Backup", "Platforms", "FIPS"):
        assert f"\n## {heading}\n" in page
    for word in ("mpp_version", "optional_keys", "macOS", "Windows", "not validated", "root key", "audit verify"):
        assert word in page
