"""Checkpoints and seals: one text for each, and everything else is none."""

from __future__ import annotations

import base64

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.ledger.checkpoints import Checkpoint, Seal, checkpoint_text, origin_of, read_checkpoint, read_seal, seal_lines

ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
KEY = SeedSigner(b"k" * 32).public_key
PLAIN = Checkpoint(origin="mpp-audit/" + "ab" * 16, size=12, root=ROOT)
DIGEST, LEAF = "cd" * 32, "ef" * 32


def test_the_origin_is_the_beginning_of_the_log_id() -> None:
    assert origin_of("ab" * 32) == "mpp-audit/" + "ab" * 16


@pytest.mark.parametrize("size", [0, 1, 9, 10, 2**53 - 1])
@pytest.mark.parametrize("more", [(), ("a",), ("a", "b c", "é")])
def test_a_checkpoint_is_read_as_it_is_written(size: int, more: tuple[str, ...]) -> None:
    one = Checkpoint(origin="example.com/log", size=size, root=ROOT, more=more)
    text = checkpoint_text(one)
    assert text.split("\n")[:3] == ["example.com/log", str(size), ROOT_TEXT]
    assert read_checkpoint(text, where="x") == one


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "a\n",
        "a\n1\n",
        f"\n1\n{ROOT_TEXT}\n",
        f"a b\n1\n{ROOT_TEXT}\n",
        f"a+b\n1\n{ROOT_TEXT}\n",
        f"a\n\n{ROOT_TEXT}\n",
        f"a\n01\n{ROOT_TEXT}\n",
        f"a\n+1\n{ROOT_TEXT}\n",
        f"a\n-1\n{ROOT_TEXT}\n",
        f"a\n1 \n{ROOT_TEXT}\n",
        f"a\n1.0\n{ROOT_TEXT}\n",
        f"a\n٣\n{ROOT_TEXT}\n",
        f"a\n{2**53}\n{ROOT_TEXT}\n",
        f"a\n{'9' * 17}\n{ROOT_TEXT}\n",
        "a\n1\n\n",
        f"a\n1\n{ROOT_TEXT[:-1]}\n",
        f"a\n1\n{base64.b64encode(ROOT[:-1]).decode()}\n",
        f"a\n1\n{base64.b64encode(ROOT + b'x').decode()}\n",
        f"a\n1\n{ROOT_TEXT} \n",
        f"a\n1\n{ROOT_TEXT}\n\n",
        f"a\n1\n{ROOT_TEXT}\n\nx\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_checkpoint(text, where="x")
    assert caught.value.code == "audit.note"


def sealed(*lines: str) -> Checkpoint:
    return Checkpoint(origin=PLAIN.origin, size=PLAIN.size, root=ROOT, more=lines)


LINES = (f"segment 3 8 1234 {DIGEST}", f"entry {LEAF}", f"next {base64.b64encode(KEY).decode()}")


def test_a_seal_is_read_as_it_is_written() -> None:
    one = read_seal(sealed(*LINES), where="x")
    assert (one.segment, one.first, one.count, one.sha256, one.leaf, one.next_key) == (3, 8, 1234, DIGEST, LEAF, KEY)
    assert isinstance(one, Seal)
    assert seal_lines(one) == LINES
    assert one.checkpoint == read_checkpoint(checkpoint_text(one.checkpoint), where="x")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        LINES[:2],
        (*LINES, "more"),
        (LINES[1], LINES[0], LINES[2]),
        (LINES[0].replace("segment", "Segment"), *LINES[1:]),
        (LINES[0] + " 1", *LINES[1:]),
        (LINES[0].replace("3 8", "3  8"), *LINES[1:]),
        (LINES[0].replace("3 8", "03 8"), *LINES[1:]),
        (LINES[0].replace("3 8", "3 -8"), *LINES[1:]),
        (LINES[0].replace("1234", "x"), *LINES[1:]),
        (LINES[0].upper().replace("SEGMENT", "segment"), *LINES[1:]),
        (LINES[0][:-1], *LINES[1:]),
        (LINES[0], LINES[1][:-1], LINES[2]),
        (LINES[0], LINES[1] + "0", LINES[2]),
        (LINES[0], LINES[1], "next x"),
        (LINES[0], LINES[1], "next " + base64.b64encode(KEY[:-1]).decode()),
    ],
)
def test_what_is_no_seal(lines: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as caught:
        read_seal(sealed(*lines), where="x")
    assert caught.value.code == "audit.seal"
