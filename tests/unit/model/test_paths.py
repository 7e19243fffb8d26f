"""One table of names, good and bad; each bad one with the attack it stands for."""

from __future__ import annotations

import pytest

from mpp.model.paths import COMPONENT_BYTES_MAX, NAME_BYTES_MAX, NAME_DEPTH_MAX, path_fault

GOOD = (
    "manifest.json",
    "a",
    "_",
    "0",
    "bin/main.wasm",
    "_mpp/publisher.json",
    "a.b.c",
    "lib+x-1_2.so",
    "a..b",  # two dots inside a component climb nowhere
    "console",
    "com",
    "com10",
    "nullable/x",
    "/".join(["a"] * NAME_DEPTH_MAX),
    "a" * COMPONENT_BYTES_MAX,
    "a" * 80 + "/" + "b" * 80 + "/" + "c" * (NAME_BYTES_MAX - 162),
)

BAD = (
    ("", "length"),
    ("a/" * 120 + "b", "length"),
    ("a" * 80 + "/" + "b" * 80 + "/" + "c" * (NAME_BYTES_MAX - 161), "length"),
    ("a" * (COMPONENT_BYTES_MAX + 1), "length"),
    ("/etc/passwd", "absolute"),
    ("/", "absolute"),
    ("//server/share", "absolute"),
    ("C:/x", "absolute"),
    ("c:x", "absolute"),
    ("..", "traversal"),
    ("../x", "traversal"),
    ("a/../b", "traversal"),
    ("a/..", "traversal"),
    ("/".join(["a"] * (NAME_DEPTH_MAX + 1)), "depth"),
    (".", "form"),
    ("./a", "form"),
    ("a/./b", "form"),
    ("a//b", "form"),
    ("a/", "form"),
    (".hidden", "form"),
    ("-rf", "form"),
    ("+x", "form"),
    ("a.", "form"),
    ("a./b", "form"),
    ("a ", "form"),
    ("a b", "form"),
    ("a\\b", "form"),
    ("a\\..\\b", "form"),
    ("a:stream", "absolute"),  # an alternate data stream
    ("ab:stream", "form"),
    ("a\0b", "form"),
    ("a\nb", "form"),
    ("a\n", "form"),  # a pattern that ends with $ would let this pass
    ("a\x1b[31m", "form"),
    ("é", "form"),
    ("\u202egpj.exe", "form"),
    ("a\uff0fb", "form"),
    ("~", "form"),
    ("$HOME", "form"),
    ("a*", "form"),
    ("a?", "form"),
    ('a"b', "form"),
    ("con", "device"),
    ("CON", "device"),
    ("Con.txt", "device"),
    ("aux.tar.gz", "device"),
    ("dir/nul", "device"),
    ("dir/NUL.json/x", "device"),
    ("prn", "device"),
    *((f"{kind}{number}", "device") for kind in ("com", "LPT") for number in range(10)),
)


@pytest.mark.parametrize("name", GOOD)
def test_a_portable_name_is_accepted(name: str) -> None:
    assert path_fault(name) is None


@pytest.mark.parametrize(("name", "code"), BAD)
def test_a_dangerous_name_is_refused(name: str, code: str) -> None:
    fault = path_fault(name)
    assert fault is not None
    assert fault.code == code
    assert fault.message


def test_every_single_character_is_judged() -> None:
    alone = {chr(code) for code in range(0x250) if path_fault(chr(code)) is None}
    assert alone == set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
    inside = {chr(code) for code in range(0x250) if path_fault(f"x{chr(code)}x") is None}
    assert inside == alone | set("./+-")
