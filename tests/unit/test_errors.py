"""Errors: a code gives its family, and the family all that a caller acts on."""

from __future__ import annotations

import pytest

from mpp.errors import FAMILIES, Fault, HostFailed, MppError, Refused, RemoteFailed, ToolFailed


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_has_what_its_family_says(family: str) -> None:
    error = Refused(f"{family}.any", "words", where="here", hint="do this")
    assert (error.stage, error.check, error.exit_code) == FAMILIES[family]
    assert (error.code, error.message, error.where, error.hint) == (f"{family}.any", "words", "here", "do this")
    assert error.faults == (Fault(f"{family}.any", "here", "words", "do this"),)


@pytest.mark.parametrize(("where", "text"), [("", "size.file: too large"), ("offset 3", "size.file: too large (offset 3)")])
def test_an_error_reads_as_one_line(where: str, text: str) -> None:
    assert str(Refused("size.file", "too large", where=where)) == text


def test_a_refusal_of_many_faults_speaks_for_the_first_and_keeps_all() -> None:
    faults = (Fault("manifest.type", "/a", "one", "mend one"), Fault("capability.host", "/b", "two", "mend two"))
    error = Refused.of(faults)
    assert (error.code, error.where, error.message, error.hint) == faults[0]
    assert error.faults == faults
    assert str(error) == "manifest.type: one (/a)"


@pytest.mark.parametrize("kind", [Refused, ToolFailed, HostFailed, RemoteFailed])
def test_each_class_is_ours_and_none_is_another(kind: type[MppError]) -> None:
    others = {Refused, ToolFailed, HostFailed, RemoteFailed} - {kind}
    assert issubclass(kind, MppError)
    assert not any(issubclass(kind, other) for other in others)


def test_checks_are_numbered_in_the_order_of_judgement() -> None:
    checks = [family.check for family in FAMILIES.values() if family.check is not None]
    assert checks == sorted(checks)
    assert set(checks) == set(range(1, 8))


def test_exit_codes_are_those_a_shell_can_see_and_never_success() -> None:
    assert all(0 < family.exit_code < 126 for family in FAMILIES.values())
