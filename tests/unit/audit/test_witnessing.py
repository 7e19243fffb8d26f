"""Which witnesses signed, and when."""

from __future__ import annotations

from mpp.ledger.notes import cosign_text, COSIGNATURE, Note, NoteKey, sign_text
from mpp.stages.audit.witnessing import count_witnesses, Seen
from mpp.testing.keys import fixed_signer

TEXT = "mpp-audit/ab\n3\nroot\n"


def key(name: str, signer: str | None = None) -> NoteKey:
    return NoteKey(name=name, public=fixed_signer(signer or name).public_key, algorithm=COSIGNATURE)


def test_only_known_witnesses_count() -> None:
    note = Note(
        text=TEXT,
        signatures=(
            sign_text(TEXT, "host", fixed_signer("host")),
            cosign_text(TEXT, "one", fixed_signer("one"), 7),
            cosign_text(TEXT, "two", fixed_signer("two"), 9),
        ),
    )
    assert count_witnesses(note, (key("one"), key("three"))) == (Seen(name="one", at=7),)
    assert count_witnesses(note, (key("one"), key("two"))) == (Seen(name="one", at=7), Seen(name="two", at=9))
    assert count_witnesses(note, ()) == ()


def test_a_key_under_two_names_counts_once() -> None:
    signer = fixed_signer("one")
    note = Note(text=TEXT, signatures=(cosign_text(TEXT, "one", signer, 7), cosign_text(TEXT, "other", signer, 8)))
    assert count_witnesses(note, (key("one"), key("other", "one"))) == (Seen(name="one", at=7),)


def test_a_cosignature_over_another_text_counts_for_nothing() -> None:
    note = Note(text=TEXT, signatures=(cosign_text(TEXT + "more\n", "one", fixed_signer("one"), 7),))
    assert count_witnesses(note, (key("one"),)) == ()
