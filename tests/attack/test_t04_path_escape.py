"""T04, path escape: a member that would be written outside of the folder it is unpacked into, or over another member."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.stages.archive import pack, read_archive
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, trusting, unsigned
from mpp.testing.rawzip import RawMember, raw_members, raw_zip
from tests.forge import forged, statement_of

NAMES = (
    "../evil",
    "../../../../etc/cron.d/evil",
    "a/../../evil",
    "a/..",
    "..",
    "/etc/passwd",
    "//host/share",
    "\\\\host\\share",
    "..\\evil",
    "a\\..\\..\\evil",
    "C:\\evil",
    "C:evil",
    "c:/evil",
    "./evil",
    "a/./evil",
    "a//evil",
    "evil/",
    "",
    " ",
    "evil ",
    "evil.",
    "evil...",
    ".git/config",
    "a/.ssh/authorized_keys",
    "-rf",
    "~/.bashrc",
    "$HOME/x",
    "%APPDATA%",
    "CON",
    "nul.txt",
    "a/COM1",
    "lpt9.log",
    "a:stream",
    "evil\0.txt",
    "evil\n",
    "\u202egnp.exe",
    "e\u0301vil",
    "\u2025/evil",
    "\uff0e\uff0e/evil",
    "_mpp/evil",
    "_MPP/signature.dsse.json",
    "_mpp/Publisher.json",
    "MANIFEST.JSON",
    "Manifest.json",
    "manifest.json/x",
    "x" * 300,
    "/".join(["x"] * 40),
    "x/" * 200 + "x",
)


def raw(name: str) -> bytes:
    return raw_zip([RawMember(b"manifest.json", b"{}"), RawMember(name.encode("utf-8"), b"evil")])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_dangerous_name_passes(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_archive(raw(name))
    assert refusal.value.code.startswith(("path.", "archive."))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_dangerous_name_is_packed(name: str) -> None:
    with pytest.raises((Refused, UnicodeEncodeError)):
        pack({"manifest.json": b"{}", name: b"evil"})


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_manifest_points_outside(name: str) -> None:
    """The entrypoint is a path too; a manifest of an otherwise sound package cannot name one that is no member's."""
    with pytest.raises(Refused) as refusal:
        statement_of(unsigned({"runtime/entrypoint": name}), publisher())
    assert refusal.value.code.startswith(("manifest.", "path.", "wasm."))


@pytest.mark.parametrize("pair", [("a", "A"), ("a/b", "A/B"), ("a", "a/b"), ("a/b", "a/b/c"), ("STRASSE", "strasse"), ("k", "K"), ("ab", "aB")])
def test_no_two_members_are_one_file(pair: tuple[str, str]) -> None:
    names = sorted(pair)
    with pytest.raises(Refused) as refusal:
        read_archive(raw_zip([RawMember(b"manifest.json", b"{}"), *(RawMember(name.encode()) for name in names)]))
    assert refusal.value.code == "path.collision"


def test_a_trusted_publisher_is_held_to_the_same() -> None:
    """A signature over a climbing name makes it no better."""
    who = publisher()
    listed = [*raw_members(read_archive(unsigned())), RawMember(b"../evil", b"x")]
    listed.sort(key=lambda one: (one.name != b"manifest.json", one.name))
    data = raw_zip(listed)
    with pytest.raises(Refused) as refusal:
        verify(data, trusting(who), NOW)
    assert refusal.value.code == "path.traversal"
    with pytest.raises(Refused):
        forged(data, who, statement=statement_of(unsigned(), who))
