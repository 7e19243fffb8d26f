"""Answers to questions: who gave them, when, how surely a person did, and what they come to. Spec: 4-approval.md section 5, attestation.md section 2."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from conformance.make.build import NOW, compact
from conformance.make.documents import STRANGER, Change, Document, changed, public, sealed, spoilt
from conformance.make.documents_approval import ANSWER_TYPE, PROOF_TYPE
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.stages.approval import make_question, write_question
from mpp.stages.policy import Limits
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import TestRandom
from mpp.testing.questions import asked, given, need

# One case a line, however long.
# fmt: off

LATER = NOW + 60
"""When answers are judged: a minute after the question."""
GIVEN = NOW + 30
EXPIRES = NOW + 24 * 3600


def key(name: str) -> SeedSigner:
    """The key of an approver."""
    return fixed_signer(f"approver {name}")


def _approver(name: str, *roles: str, **more: Json) -> Json:
    return {"id": name, "name": name.title(), "roles": [*(roles or ("approver",))], "key": public(key(name)), **more}


APPROVERS: dict[str, Json] = {
    "mpp_approvers": 1,
    "approvers": [
        _approver("ada"),
        _approver("bob"),
        _approver("sue", "second"),
        _approver("tom", "second"),
        _approver("root", "admin"),
        _approver("max", "approver", packages=["com.example.*"]),
        _approver("eve", "approver", packages=["com.example.hell", "com.example.hello2", "com.other.*", "com.example.hello.*"]),
        _approver("old", "approver", until=LATER - 1),
        _approver("new", "approver", until=LATER),
        _approver("lax", "approver", amr="tty"),
    ],
}


def question(level: str = "low", *, limits: Limits | None = None, consented: bool = True) -> dict[str, Json]:
    """A question about one call."""
    found: dict[str, Json] = json.loads(write_question(make_question(asked(consented=consented), need(level, limits=limits), given(), TestRandom())))
    return found


LOW, HIGH, TWO = question(), question("high"), question("critical", limits=Limits(approvers=2))
SHORT, FIRST_USE = question(limits=Limits(answer_seconds=45)), question(consented=False)
QUESTIONS: Mapping[str, dict[str, Json]] = {"low": LOW, "high": HIGH, "two": TWO, "short": SHORT, "first-use": FIRST_USE}


def context(of: str, now: int = LATER, *before: Json) -> dict[str, Json]:
    """``before``: the answers that were given already."""
    return {"now": now, "question": QUESTIONS[of], "approvers": APPROVERS, "answers": [*before]}


SHARED: Mapping[str, Mapping[str, Json]] = {f"answer-{name}": context(name) for name in QUESTIONS}


def body(of: str, change: Change | None = None) -> dict[str, Json]:
    """A yes by ada, thirty seconds after the question."""
    asked_for = QUESTIONS[of]
    base: dict[str, Json] = {
        "mpp_answer": 1, "question": asked_for["id"], "jti": asked_for["jti"], "binding": asked_for["binding"], "text_sha256": asked_for["text_sha256"], "answer": "yes", "approver": "ada",
        "amr": "passphrase", "at": GIVEN, "scope": "once",
    }
    return changed(base, change or {})


def answer(of: str, who: str, change: Change | None = None) -> bytes:
    return sealed(ANSWER_TYPE, body(of, {"approver": who, **(change or {})}), key(who))


def before(of: str, who: str, **change: Json) -> Json:
    """An answer that was given already."""
    found: Json = json.loads(answer(of, who, change))
    return found


NO: Change = {"answer": "no"}
TTY: Change = {"amr": "tty"}

# Answers that count: name, title, clauses, question, approver, changes, what was given before, now, strength, state, whose answers then count.
COUNTS: tuple[tuple[str, str, str, str, str, Change, tuple[Json, ...], int, str, str, tuple[str, ...]], ...] = (
    ("yes", "A yes", "N-10 H-40", "low", "ada", {}, (), LATER, "passphrase", "yes", ("ada",)),
    ("no", "A no", "H-36 H-47", "low", "ada", NO, (), LATER, "passphrase", "no", ("ada",)),
    ("always", "A yes for always, where the question offers it", "H-60", "low", "ada", {"scope": "always"}, (), LATER, "passphrase", "yes", ("ada",)),
    ("high", "A yes with a passphrase to a question of level high", "H-32", "high", "ada", {}, (), LATER, "passphrase", "yes", ("ada",)),
    ("high-webauthn", "A yes with a security key to a question of level high", "H-31 H-32", "high", "ada", {"amr": "webauthn"}, (), LATER, "webauthn", "yes", ("ada",)),
    ("high-other-uid", "A yes by another user of the machine to a question of level high", "H-31 H-32", "high", "ada", {"amr": "other-uid"}, (), LATER, "other-uid", "yes", ("ada",)),
    ("high-weak-no", "A no at a terminal to a question of level high", "H-36", "high", "ada", {**NO, **TTY}, (), LATER, "tty", "no", ("ada",)),
    ("low-tty", "A yes at a terminal to a question of level low", "H-32", "low", "ada", TTY, (), LATER, "tty", "yes", ("ada",)),
    ("key-counts-less", "A passphrase is claimed, and the key counts as a terminal only", "H-35", "low", "lax", {}, (), LATER, "tty", "yes", ("lax",)),
    ("package-covered", "An approver for all packages below com.example", "H-41", "low", "max", {}, (), LATER, "passphrase", "yes", ("max",)),
    ("approver-last-second", "The time of the approver ends in this very second", "H-41", "low", "new", {}, (), LATER, "passphrase", "yes", ("new",)),
    ("second-says-no", "A no by somebody who may only be the second of two", "H-36 H-47", "low", "sue", NO, (), LATER, "passphrase", "no", ("sue",)),
    ("latest", "Given 5 seconds from now, by the clock of this host", "H-44", "low", "ada", {"at": LATER + 5}, (), LATER, "passphrase", "yes", ("ada",)),
    ("before-question", "Given 5 seconds before the question, by the clock of this host", "H-44", "low", "ada", {"at": NOW - 5}, (), LATER, "passphrase", "yes", ("ada",)),
    ("oldest", "Given 15 minutes ago", "H-44", "low", "ada", {"at": GIVEN}, (), GIVEN + 900, "passphrase", "yes", ("ada",)),
    ("short-oldest", "Given as long ago as the policy lets it be used", "H-44", "short", "ada", {"at": LATER - 45}, (), LATER, "passphrase", "yes", ("ada",)),
    ("last-second", "Given in the last second of the question", "H-3", "low", "ada", {"at": EXPIRES}, (), EXPIRES, "passphrase", "yes", ("ada",)),
    ("two-first", "The first of two", "H-46", "two", "ada", {}, (), LATER, "passphrase", "waiting", ("ada",)),
    ("two-first-second", "The first of two, by somebody who may only be the second", "H-46", "two", "sue", {}, (), LATER, "passphrase", "waiting", ("sue",)),
    ("two-both", "The second of two", "H-46", "two", "bob", {}, (before("two", "ada"),), LATER, "passphrase", "yes", ("ada", "bob")),
    ("two-both-second", "The second of two, by somebody who may only be the second", "H-46", "two", "sue", {}, (before("two", "ada"),), LATER, "passphrase", "yes", ("ada", "sue")),
    ("two-seconds-only", "Two who may only be the second", "H-46", "two", "tom", {}, (before("two", "sue"),), LATER, "passphrase", "waiting", ("sue", "tom")),
    ("two-no", "A no after a yes", "H-46 H-47", "two", "sue", NO, (before("two", "ada"),), LATER, "passphrase", "no", ("sue",)),
    ("two-own-no", "A no after one's own yes", "H-46 H-47", "two", "ada", NO, (before("two", "ada"),), LATER, "passphrase", "no", ("ada",)),
    ("two-first-too-old", "The second of two, when the first can no longer be used", "H-44 H-46", "two", "bob", {"at": NOW + 1000}, (before("two", "ada"),), NOW + 1000, "passphrase", "waiting", ("bob",)),
)

# Answers that do not: name, title, clauses, code, question, approver, changes, what was given before, now.
BAD: tuple[tuple[str, str, str, str, str, str, Change, tuple[Json, ...], int], ...] = (
    ("question-other", "To another question", "H-40", "mismatch", "low", "ada", {"question": "f" * 32}, (), LATER),
    ("jti-other", "With another one-time name", "H-40", "mismatch", "low", "ada", {"jti": "f" * 32}, (), LATER),
    ("binding-other", "To a question about another action", "H-40", "mismatch", "low", "ada", {"binding": "0" * 64}, (), LATER),
    ("text-other", "To another text", "H-20 H-40", "mismatch", "low", "ada", {"text_sha256": "0" * 64}, (), LATER),
    ("future", "Given 6 seconds from now", "H-44", "clock", "low", "ada", {"at": LATER + 6}, (), LATER),
    ("before-the-question", "Given 6 seconds before the question", "H-44", "clock", "low", "ada", {"at": NOW - 6}, (), LATER),
    ("too-old", "Given 15 minutes and a second ago", "H-44", "expired", "low", "ada", {"at": GIVEN}, (), GIVEN + 901),
    ("short-too-old", "Given a second longer ago than the policy lets it be used", "H-44", "expired", "short", "ada", {"at": LATER - 46}, (), LATER),
    ("question-over", "Given a second after the end of the question", "H-3", "expired", "low", "ada", {"at": EXPIRES + 1}, (), EXPIRES + 1),
    ("weak", "A yes at a terminal to a question of level high", "H-32", "weak", "high", "ada", TTY, (), LATER),
    ("weak-key", "A passphrase is claimed, and the key counts as a terminal only", "H-35", "weak", "high", "lax", {}, (), LATER),
    ("always-not-offered", "A yes for always to a question that does not offer it", "H-55 H-60", "always", "first-use", "ada", {"scope": "always"}, (), LATER),
    ("always-critical", "A yes for always to a question that needs two", "H-60", "always", "two", "ada", {"scope": "always"}, (), LATER),
    ("always-no", "A no for always", "H-60", "always", "low", "ada", {**NO, "scope": "always"}, (), LATER),
    ("approver-ended", "The time of the approver ended a second ago", "H-41", "approver_expired", "low", "old", {}, (), LATER),
    ("package-not-covered", "An approver for packages whose names begin alike", "H-41", "role", "low", "eve", {}, (), LATER),
    ("second-alone", "A yes by somebody who may only be the second of two, where one is enough", "H-41", "role", "low", "sue", {}, (), LATER),
    ("admin", "By an administrator who is no approver", "H-41", "role", "low", "root", {}, (), LATER),
    ("same-approver", "Both yeses by one person", "H-46", "same_approver", "two", "ada", {"at": GIVEN + 1}, (before("two", "ada"),), LATER),
    ("answered", "A yes after the yes that was enough", "H-48", "answered", "low", "bob", {}, (before("low", "ada"),), LATER),
    ("answered-no", "A yes after a no", "H-48", "answered", "low", "bob", {}, (before("low", "ada", answer="no"),), LATER),
    ("amr-flag", "An option of a command, signed", "H-34 N-10", "choice", "low", "ada", {"amr": "flag"}, (), LATER),
    ("amr-elicitation", "A form of a client, signed", "H-34 N-10", "choice", "low", "ada", {"amr": "elicitation"}, (), LATER),
    ("amr-unknown", "A way of answering that is none", "N-10", "choice", "low", "ada", {"amr": "certain"}, (), LATER),
    ("answer-other", "Neither yes nor no", "N-10", "choice", "low", "ada", {"answer": "maybe"}, (), LATER),
    ("answer-true", "True instead of yes", "N-10", "type", "low", "ada", {"answer": True}, (), LATER),
    ("answer-case", "A yes in upper case", "N-10", "choice", "low", "ada", {"answer": "YES"}, (), LATER),
    ("scope-other", "A scope that is none", "N-10", "choice", "low", "ada", {"scope": "forever"}, (), LATER),
    ("question-short", "The short name of the question instead of its id", "N-10", "form", "low", "ada", {"question": "0000"}, (), LATER),
    ("text-missing", "No hash of the text", "N-10", "missing", "low", "ada", {"text_sha256": None}, (), LATER),
    ("at-text", "A text as time", "N-10", "type", "low", "ada", {"at": str(GIVEN)}, (), LATER),
    ("key-unknown", "A key that nobody knows", "N-10", "unknown_key", "low", "ada", {"note": "x"}, (), LATER),
    ("version-2", "A later version of the answer", "N-10", "range", "low", "ada", {"mpp_answer": 2}, (), LATER),
)

# Answers that another key signed: name, title, code, who signs, whom the answer names.
SIGNERS: tuple[tuple[str, str, str, SeedSigner, str], ...] = (
    ("stranger", "Signed by a key that no approver has", "approver", STRANGER, "ada"),
    ("names-other", "Signed by an approver in the name of another", "approver", key("bob"), "ada"),
    ("names-nobody", "Signed by an approver in a name that nobody has", "approver", key("ada"), "nobody"),
    ("names-user", "A user of the machine as approver", "form", key("ada"), "user:ada"),
)


def _where(of: str, now: int, earlier: tuple[Json, ...]) -> str | dict[str, Json]:
    return f"answer-{of}" if now == LATER and not earlier else context(of, now, *earlier)


def documents() -> Iterator[Document]:
    """All answers."""
    for name, title, clauses, of, who, change, earlier, now, strength, state, counted in COUNTS:
        signed = body(of, {"approver": who, **change})
        result: Json = {"answer": signed["answer"], "approver": who, "scope": signed["scope"], "strength": strength, "state": state, "counted": [*counted]}
        yield Document(kind="answer", name=name, title=title, clauses=clauses, data=answer(of, who, change), context=_where(of, now, earlier), result=result)
    for name, title, clauses, code, of, who, change, earlier, now in BAD:
        yield Document(kind="answer", name=name, title=title, clauses=clauses, code=f"approval.{code}", data=answer(of, who, change), context=_where(of, now, earlier))
    for name, title, code, by, whom in SIGNERS:
        yield Document(kind="answer", name=f"signer-{name}", title=title, clauses="H-45 N-12 N-14", code=f"approval.{code}", data=sealed(ANSWER_TYPE, body("low", {"approver": whom}), by), context="answer-low")
    for name, title, clauses, what, data in spoilt(ANSWER_TYPE, body("low"), key("ada"), other_type=PROOF_TYPE):
        yield Document(kind="answer", name=name, title=title, clauses=f"N-10 N-11 N-13 {clauses}", code=f"approval.{what}", data=data, context="answer-low")
    unsigned = compact(body("low"))
    yield Document(kind="answer", name="bare", title="An answer without an envelope", clauses="N-10", code="approval.envelope", data=unsigned, context="answer-low")
    yield Document(kind="answer", name="too-long", title="More than 8 KiB", clauses="N-10", code="approval.size", data=answer("low", "ada", {"note": "U" * 9000}), context="answer-low")
