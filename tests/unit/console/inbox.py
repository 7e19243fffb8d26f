"""Questions in the inbox of a test's console, and approvers who can answer them there."""

from __future__ import annotations

from collections.abc import Mapping

from mpp.crypto.ed25519 import SeedSigner
from mpp.crypto.keyfile import ARGON_BYTES_MIN, write_key
from mpp.files import PRIVATE, make_private_folder, write_atomic
from mpp.host.answering import APPROVER_FOLDER
from mpp.host.approver_store import KEY_ROLE, ApproverStore, with_approver
from mpp.model.jsontext import Json
from mpp.stages.approval import Answer, Approver, Grant, Question, judge, warrant
from mpp.stages.policy.types import RequiresConfirmation
from mpp.testing.keys import fixed_seed
from mpp.testing.packages import TestRandom
from mpp.testing.questions import asked, call, given, need
from tests.records import events
from tests.unit.console.conftest import Console, Page

PASSPHRASE = "a long walk home"


def ask(
    console: Console, arguments: Json = None, *, what: RequiresConfirmation | None = None, uses: tuple[str, ...] | None = None, **changes: object
) -> Question:
    """A call of now that waits, as judging leaves it: in the store and in the record."""
    found = judged(console, arguments, what=what, uses=uses, **changes)
    assert isinstance(found, Question)
    return found


def judged(
    console: Console, arguments: Json = None, *, what: RequiresConfirmation | None = None, uses: tuple[str, ...] | None = None, **changes: object
) -> Question | Grant:
    more = given(arguments, **({"uses": uses} if uses is not None else {}))
    one = asked(now=console.clock.now(), **({"arguments": arguments} if arguments is not None else {}), **changes)
    with console.desk.services() as on:
        return judge(call(one, what or need(), more), console.desk.approval(on))


def use(console: Console, grant: Grant) -> None:
    """Spend it, as a call that runs does."""
    with console.desk.services() as on:
        warrant(grant, on.approvals, on.events, console.clock.now(), on.approvals.use_standing)


def enroll(console: Console, name: str = "ada", *roles: str, sealed: bool = True) -> None:
    """An approver whose key lies in the home."""
    path = console.home / "keys" / APPROVER_FOLDER / f"{name}.key"
    seed = fixed_seed(f"approver {name}")
    make_private_folder(str(path.parent))
    # As `mpp approve enroll` makes it, but as cheap to open as one may be.
    data = write_key(seed, KEY_ROLE, PASSPHRASE.encode() if sealed else None, TestRandom(), ops=1, memory=ARGON_BYTES_MIN)
    write_atomic(str(path), data, PRIVATE)
    public = SeedSigner(seed).public_key
    one = Approver(id=name, name=name.title(), roles=roles or ("approver",), key=public)
    ApproverStore(console.desk.home.approvers).change(lambda known: with_approver(known, one))


def answer(console: Console, question: Question, said: str = "yes", *, opened: str = "", **fields: str) -> Page:
    """The form of the question's page, sent."""
    sent: Mapping[str, str] = {"text_sha256": question.text_sha256, "answer": said, "opened": opened, **fields}
    return console.post(f"/approvals/{question.id}/answer", sent)


def answers(console: Console, question: Question) -> tuple[Answer, ...]:
    with console.desk.services() as on:
        return on.approvals.answers(question.id)


def told(console: Console, kind: str) -> list[dict[str, Json]]:
    """What the record says of one kind."""
    return [dict(one.body) for one in events(console.home) if one.kind == kind]
