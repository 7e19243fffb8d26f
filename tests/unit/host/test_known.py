"""What follows from a verified package is worked out once, and never taken for that of another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.host import known as subject
from mpp.host.known import Callee, Known, forget, keep, known
from mpp.model.rights import Rights
from mpp.model.scope import NOTHING as SCOPE
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.testing import packages
from mpp.testing.keys import publisher


@pytest.fixture(scope="module")
def package() -> VerifiedPackage:
    who = publisher()
    return verify(packages.signed(who), packages.trusting(who), packages.NOW)


def test_it_says_what_the_package_says(package: VerifiedPackage) -> None:
    found = known(package)
    assert (found.publisher_id, found.package_id, found.version, found.content_hash) == (
        package.publisher_id, package.package_id, package.version, package.content_hash,
    )  # fmt: skip
    assert found.publisher_name == package.chain.newest.name
    assert found.bound is (package.trusted_because in subject.BOUND)
    name = package.manifest.tool_definitions[0].name
    for tool in (name, "", "another"):
        assert found.callee(tool) == Callee(publisher_id=package.publisher_id, package_id=package.package_id, bound=found.bound, tool=tool)


def test_it_is_worked_out_once_for_each_object(package: VerifiedPackage) -> None:
    assert known(package) is known(package)
    again = replace(package, verified_at=package.verified_at + 1)
    assert known(again) is not known(package)
    assert known(again) == known(package), "all that is signed is the same"


def test_a_package_at_the_place_in_memory_of_another_is_itself(package: VerifiedPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: an update whose object has the number of the old one, and the old one's rights."""
    other = replace(package, trusted_because="first seen" if package.trusted_because in subject.BOUND else "pinned")
    monkeypatch.setitem(subject._KNOWN, id(other), Known(package))
    assert known(other).package is other
    assert known(other).bound is not known(package).bound


def test_it_is_bounded_and_forgotten(package: VerifiedPackage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "KNOWN_MAX", 3)
    kept = [replace(package, verified_at=number) for number in range(10)]
    assert [known(one).package for one in kept] == kept
    assert len(subject._KNOWN) <= 3
    forget()
    assert not subject._KNOWN


def test_what_is_remembered_of_one_package_is_bounded(package: VerifiedPackage) -> None:
    one = Known(package)
    for day in range(3 * subject.OF_ONE_MAX):
        row = (SCOPE, Rights(tenant=str(day), publisher_id=one.publisher_id, package_id=one.package_id, content_hash=one.content_hash))
        assert keep(one.rights, (day,), row) is row
        assert one.rights[day,] is row
        assert len(one.rights) <= subject.OF_ONE_MAX
