"""What a witness is asked and what it answers: each row one case of L-51."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.ledger.checkpoints import Checkpoint, checkpoint_text
from mpp.ledger.notes import COSIGNATURE, NOTE_BYTES_MAX, Note, NoteKey, cosign_text, sign_text, signature_line, write_note
from mpp.ledger.tree import EMPTY_ROOT, consistency_path, root_of
from mpp.stages.audit.witness import (
    NOTHING,
    PROOF_LINES_MAX,
    REQUEST_BYTES_MAX,
    Accept,
    Asked,
    Known,
    Turned,
    judge,
    read_request,
    read_size,
    with_lines,
    write_request,
)
from tests.unit.ledger import oracle

LOG, OTHER = SeedSigner(b"l" * 32), SeedSigner(b"o" * 32)
ORIGIN = "mpp-audit/" + "ab" * 16
KEY = NoteKey(name=ORIGIN, public=LOG.public_key)
LEAVES = [oracle.leaf(number) for number in range(20)]
FORK = [*LEAVES[:7], *(oracle.leaf(1000 + number) for number in range(13))]


def root(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return root_of(leaves[:size])


def note(
    size: int, leaves: list[bytes] = LEAVES, *, signer: SeedSigner = LOG, origin: str = ORIGIN, more: tuple[str, ...] = (), top: bytes | None = None
) -> bytes:
    text = checkpoint_text(Checkpoint(origin=origin, size=size, root=root(size, leaves) if top is None else top, more=more))
    return write_note(text, (sign_text(text, origin, signer),))


def proof(old: int, size: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    return consistency_path(oracle.Leaves(leaves), old, size)


def asked(old: int, size: int, path: list[bytes] | None = None, **more: object) -> Asked:
    leaves = more.get("leaves", LEAVES)
    path = path if path is not None else proof(old, size, leaves) if old <= size else []  # type: ignore[arg-type]
    return read_request(write_request(old, path, note(size, **more)), where="x")  # type: ignore[arg-type]


def known(size: int, leaves: list[bytes] = LEAVES) -> Known:
    return Known(size=size, root=root(size, leaves))


SOUND = [
    ("the first checkpoint", asked(0, 5), None),
    ("of an empty log", asked(0, 0), None),
    ("of an empty log again", asked(0, 0), NOTHING),
    ("the first entries after an empty log", asked(0, 5), NOTHING),
    ("one entry more", asked(5, 6), known(5)),
    ("many entries more", asked(5, 20), known(5)),
    ("from a whole subtree", asked(8, 20), known(8)),
    ("the same again", asked(5, 5), known(5)),
    ("with further lines", asked(5, 6, more=("segment 1", "x")), known(5)),
]


@pytest.mark.parametrize(("what", "request_", "before"), SOUND)
def test_what_is_cosigned(what: str, request_: Asked, before: Known | None) -> None:
    assert judge(request_, before, KEY) == Accept(known=Known(size=request_.checkpoint.size, root=request_.checkpoint.root))


TURNED = [
    # what, request, known, key, status, size, fork
    ("a log nobody accepted", asked(0, 5), None, None, 404, None, False),
    ("a key of another origin", asked(0, 5), None, NoteKey(name="other", public=LOG.public_key), 404, None, False),
    ("signed by another key", asked(0, 5, signer=OTHER), None, KEY, 403, None, False),
    ("signed by another key, and too old", asked(0, 5, signer=OTHER), known(7), KEY, 403, None, False),
    ("old above the new size", asked(6, 5), known(6), KEY, 400, None, False),
    ("old above the new size and not known", asked(6, 5), None, KEY, 400, None, False),
    ("nothing known, and old says something", asked(5, 6), None, KEY, 409, 0, False),
    ("known, and old says nothing", asked(0, 6), known(5), KEY, 409, 5, False),
    ("old is smaller", asked(4, 6), known(5), KEY, 409, 5, False),
    ("old is larger", asked(6, 7), known(5), KEY, 409, 5, False),
    ("back to what was", asked(3, 4), known(5), KEY, 409, 5, False),
    ("the same size with another root", asked(10, 10, leaves=FORK), known(10), KEY, 409, 10, True),
    ("the same with a proof", asked(10, 10, [LEAVES[0]], leaves=FORK), known(10), KEY, 409, 10, True),
    ("a fork", asked(10, 12, leaves=FORK), known(10), KEY, 422, None, False),
    ("a fork with the proof of the true log", asked(10, 12, proof(10, 12), leaves=FORK), known(10), KEY, 422, None, False),
    ("no proof", asked(5, 6, []), known(5), KEY, 422, None, False),
    ("no proof from a whole subtree", asked(4, 6, []), known(4), KEY, 422, None, False),
    ("a proof with more", asked(5, 6, [*proof(5, 6), LEAVES[0]]), known(5), KEY, 422, None, False),
    ("a proof for another size", asked(5, 7, proof(5, 6)), known(5), KEY, 422, None, False),
    ("a proof where none can be", asked(0, 5, [LEAVES[0]]), None, KEY, 422, None, False),
    ("a proof for the same size", asked(5, 5, [LEAVES[0]]), known(5), KEY, 422, None, False),
    ("an empty log with a root", asked(0, 0, top=LEAVES[0]), None, KEY, 422, None, False),
    ("an empty log with a root, known before", asked(0, 0, top=LEAVES[0]), NOTHING, KEY, 422, None, False),
]


@pytest.mark.parametrize(("what", "request_", "before", "key", "status", "size", "is_fork"), TURNED)
def test_what_is_turned_down(what: str, request_: Asked, before: Known | None, key: NoteKey | None, status: int, size: int | None, is_fork: bool) -> None:
    found = judge(request_, before, key)
    assert isinstance(found, Turned)
    assert (found.status, found.size, found.is_fork) == (status, size, is_fork)
    assert found.why


def test_a_cosignature_by_the_logs_own_key_is_no_signature_of_the_log() -> None:
    text = checkpoint_text(Checkpoint(origin=ORIGIN, size=5, root=root(5)))
    data = write_note(text, (cosign_text(text, ORIGIN, LOG, 7),))
    found = judge(read_request(write_request(0, [], data), where="x"), None, KEY)
    assert isinstance(found, Turned)
    assert found.status == 403


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=12))
def test_a_witness_never_signs_two_histories(requests: list[tuple[int, int, bool]]) -> None:
    """Whatever comes in whatever order: all that was accepted lies on one line of growth."""
    state: Known | None = None
    accepted: list[Known] = []
    for old, size, is_fork in requests:
        found = judge(asked(old, size, leaves=FORK if is_fork else LEAVES), state, KEY)
        if isinstance(found, Accept):
            accepted.append(found.known)
            state = found.known
    for leaves in (LEAVES, FORK):
        if all(one.root == root(one.size, leaves) for one in accepted):
            break
    else:
        pytest.fail("two histories were signed")
    assert [one.size for one in accepted] == sorted(one.size for one in accepted)


GOOD = note(6)
HASH = base64.b64encode(LEAVES[0]).decode()


def test_a_request_is_read_as_it_is_written() -> None:
    found = read_request(write_request(5, proof(5, 6), GOOD), where="x")
    assert (found.old, list(found.proof), found.checkpoint.size) == (5, proof(5, 6), 6)
    assert write_request(0, [], b"note") == b"old 0\n\nnote"
    most = read_request(write_request(5, [LEAVES[0]] * PROOF_LINES_MAX, GOOD), where="x")
    assert len(most.proof) == 63


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 5",
        b"old 5\n",
        b"old 5\n\n",
        b"old 5\n" + GOOD,
        b"\n\n" + GOOD,
        b"old\n\n" + GOOD,
        b"old \n\n" + GOOD,
        b"old 05\n\n" + GOOD,
        b"old -1\n\n" + GOOD,
        b"old 5 \n\n" + GOOD,
        b"old  5\n\n" + GOOD,
        b"Old 5\n\n" + GOOD,
        b"old 5\r\n\r\n" + GOOD,
        b"size 5\n\n" + GOOD,
        b"old %d\n\n" % 2**53 + GOOD,
        b"old 99999999999999999999\n\n" + GOOD,
        "old ٣\n\n".encode() + GOOD,
        b"old 5\nx\n\n" + GOOD,
        f"old 5\n{HASH[:-1]}\n\n".encode() + GOOD,
        f"old 5\n{HASH} \n\n".encode() + GOOD,
        f"old 5\n{base64.b64encode(b'x' * 31).decode()}\n\n".encode() + GOOD,
        write_request(5, [LEAVES[0]] * (PROOF_LINES_MAX + 1), GOOD),
        b"old 5\n\n" + GOOD[:-1],
        b"old 5\n\n" + GOOD.split(b"\n\n")[0] + b"\n",
        b"old 5\n\n" + GOOD.replace(b"\n6\n", b"\n06\n"),
        b"old 5\n\n\n" + GOOD,
        b"old 5\n\n" + b"x" * REQUEST_BYTES_MAX,
    ],
)
def test_what_is_no_request(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_request(data, where="x")
    assert caught.value.code in {"audit.witness", "audit.note"}


def test_a_request_of_the_largest_size_is_read() -> None:
    line = signature_line(sign_text("x", "name", OTHER)).encode()
    room = REQUEST_BYTES_MAX - len(b"old 0\n\n") - len(GOOD)
    text = checkpoint_text(Checkpoint(origin=ORIGIN, size=0, root=EMPTY_ROOT, more=("x" * (room - 50),)))
    data = write_request(0, [], write_note(text, (sign_text(text, ORIGIN, LOG),)))
    assert len(data) < REQUEST_BYTES_MAX <= NOTE_BYTES_MAX
    assert isinstance(judge(read_request(data, where="x"), None, KEY), Accept)
    with pytest.raises(Refused):
        read_request(data + line * (REQUEST_BYTES_MAX // len(line)), where="x")


@pytest.mark.parametrize(("data", "size"), [(b"0\n", 0), (b"12\n", 12), (b"9007199254740991\n", 2**53 - 1)])
def test_the_size_that_a_witness_says(data: bytes, size: int) -> None:
    assert read_size(data, where="x") == size


@pytest.mark.parametrize("data", [b"", b"\n", b"12", b"12\n\n", b"012\n", b"-1\n", b"9007199254740992\n", b"x\n", b"12 \n"])
def test_what_is_no_size(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_size(data, where="x")
    assert caught.value.code == "audit.witness"


def test_the_lines_of_an_answer_stand_under_the_checkpoint_that_was_asked_about() -> None:
    text = checkpoint_text(Checkpoint(origin=ORIGIN, size=5, root=root(5)))
    one = cosign_text(text, "w", OTHER, 7)
    assert with_lines(text, signature_line(one).encode(), where="x") == Note(text=text, signatures=(one,))
    for data in (b"", b"x", b"\n" + signature_line(one).encode(), b"another\n1\n\n" + signature_line(one).encode(), signature_line(one).encode() * 2 + b"\n"):
        with pytest.raises(Refused):
            with_lines(text, data, where="x")
    assert NoteKey(name="w", public=OTHER.public_key, algorithm=COSIGNATURE).hint == one.hint
